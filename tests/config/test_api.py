"""The table [api]."""

import pytest

from config_samples import load_text, mistakes_in, text_with
from outdial.config.api import Listen, listen_of


def test_without_the_table_nothing_is_served():
    assert load_text(text_with()).api is None


def test_loopback_is_the_default():
    api = load_text(text_with("[api]\n")).api
    assert api is not None and api.listen == Listen("127.0.0.1", 8042)


@pytest.mark.parametrize(
    "text, listen",
    [
        ("127.0.0.1:0", Listen("127.0.0.1", 0)),
        ("[::1]:65535", Listen("::1", 65_535)),
        ("0.0.0.0:80", Listen("0.0.0.0", 80)),
        ("localhost:80", None),
        ("127.0.0.1", None),
        ("127.0.0.1:", None),
        ("::1:80", None),
        ("127.0.0.1:65536", None),
        ("127.0.0.1:-1", None),
        (":80", None),
        ("", None),
    ],
)
def test_addresses(text, listen):
    assert listen_of(text) == listen
    if listen is not None:
        assert listen_of(str(listen)) == listen


def test_a_wrong_address_is_named():
    (mistake,) = mistakes_in(text_with('[api]\nlisten = "everywhere"\n'))
    assert "api.listen" in mistake and "everywhere" in mistake and "127.0.0.1:8042" in mistake
