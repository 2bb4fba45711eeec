"""Signatures as the specification of Standard Webhooks has them."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from outdial.webhooks.delivery import PAUSE_MS_MAX, TRIES_MAX, Outcome, pause_ms
from outdial.webhooks.signing import headers_of, signature
from webhooks.receiving import KEY, verified


def test_the_specifications_own_example():
    """Source: Standard Webhooks, the example of its reference libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == signature(
        secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body
    )


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), st.integers(0, 2**40), st.binary())
def test_a_receiver_believes_what_we_sign_and_nothing_else(message_id, timestamp_s, body):
    headers = headers_of(KEY, message_id, timestamp_s, body)
    assert verified(headers, body)
    assert not verified(headers, body + b" ")
    assert not verified(headers | {"webhook-id": message_id + "x"}, body)
    assert not verified(headers | {"webhook-timestamp": str(timestamp_s + 1)}, body)
    assert not verified(headers_of(b"another secret of enough bytes", message_id, timestamp_s, body), body)


@given(st.integers(1, TRIES_MAX - 1), st.floats(0, 1, exclude_max=True), st.sampled_from([None, 301, 404, 429, 500]))
def test_pauses_grow_and_are_bounded(tries, luck, status):
    outcome = Outcome(status, "no")
    pause = pause_ms(tries, outcome, lambda: luck)
    assert pause is not None and 2_500 <= pause <= PAUSE_MS_MAX
    assert pause >= pause_ms(max(1, tries - 1), outcome, lambda: 0.0)
    assert pause_ms(TRIES_MAX, outcome, lambda: luck) is None
    assert pause_ms(tries, Outcome(410, "gone"), lambda: luck) is None
    assert 3_600_000 <= pause_ms(tries, Outcome(429, "no", 3_600_000), lambda: luck)
