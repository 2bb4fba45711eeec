"""Passwords, limits on guessing, and addresses."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from account_samples import CHEAP, PASSWORD
from outdial.api.origins import csrf_token_of, has_csrf_token
from outdial.api.passwords import AT_ONCE_MAX, COST, LANES, WAITING_MAX, PasswordCheck, TooManySignIns, hashed, is_right
from outdial.api.sign_in_limit import KEYS_MAX, LOGIN_TRIES_MAX, PAIR_TRIES_MAX, WINDOW_MS, SignInLimit, network_of


def test_a_password_is_known_by_its_hash_alone():
    one, other = hashed(PASSWORD, cost=16), hashed(PASSWORD, cost=16)
    assert one != other and PASSWORD not in one
    assert is_right(PASSWORD, one) and is_right(PASSWORD, other)
    assert not is_right(PASSWORD + " ", one) and not is_right("", one)
    assert is_right("\udcff€", hashed("\udcff€", cost=16))


@pytest.mark.slow
def test_hashes_cost_what_owasp_advises_and_keep_their_own_cost():
    kept = hashed(PASSWORD)
    assert kept.split(":")[:4] == ["scrypt", "32768", "8", "3"] and (COST, LANES) == (2**15, 3)
    assert is_right(PASSWORD, kept)
    assert CHEAP.split(":")[1] == "16" and is_right(PASSWORD, CHEAP)


async def test_only_some_sign_in_at_once(monkeypatch):
    running = most = 0
    go = asyncio.Event()

    async def in_thread(work, *arguments):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go.wait()
        running -= 1
        return work(*arguments)

    monkeypatch.setattr("outdial.api.passwords.asyncio.to_thread", in_thread)
    check = PasswordCheck(16)
    check._nobody = CHEAP
    tries = [asyncio.create_task(check.is_right(PASSWORD, CHEAP)) for _ in range(WAITING_MAX)]
    await asyncio.wait(tries, timeout=0.01)
    with pytest.raises(TooManySignIns):
        await check.is_right(PASSWORD, CHEAP)
    go.set()
    assert all(await asyncio.gather(*tries)) and most == AT_ONCE_MAX
    assert not await check.is_right(PASSWORD, None)


@pytest.mark.parametrize(
    "address, network",
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::1", "::/64"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address, network):
    assert network_of(address) == network


def test_tries_are_forgotten_after_the_window():
    limit = SignInLimit()
    for n in range(PAIR_TRIES_MAX):
        assert limit.wait_ms("anna", "a", n) == 0
        limit.tries("anna", "a", n)
    assert limit.wait_ms("anna", "a", 100) == WINDOW_MS - 100
    assert limit.wait_ms("anna", "b", 100) == limit.wait_ms("bob", "a", 100) == 0
    assert limit.wait_ms("anna", "a", WINDOW_MS) == 0
    limit.tries("anna", "a", WINDOW_MS)
    assert limit.wait_ms("anna", "a", WINDOW_MS) == 0


def test_who_succeeds_does_not_count():
    limit = SignInLimit()
    for n in range(1_000):
        limit.tries("anna", "a", n)
        limit.succeeded("anna", "a")
        assert limit.wait_ms("anna", "a", n) == 0
    assert not (limit._pairs or limit._addresses or limit._logins)


TRIES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.booleans(), st.integers(0, 60_000)))


@given(TRIES)
def test_in_any_quarter_of_an_hour_at_most_twice_the_limit_fails(tries):
    """Twice, because a stretch of time may have the end of one window and the beginning of the next."""
    limit, now, failed = SignInLimit(), 0, []
    for login, address, succeeds, pause_ms in tries:
        now += pause_ms
        if limit.wait_ms(login, address, now):
            continue
        limit.tries(login, address, now)
        if succeeds:
            limit.succeeded(login, address)
            failed = [one for one in failed if one[:2] != (login, address)]
        else:
            failed.append((login, address, now))
        for pair in {one[:2] for one in failed}:
            lately = [at for *who, at in failed if tuple(who) == pair and now - at < WINDOW_MS]
            assert len(lately) <= 2 * PAIR_TRIES_MAX


def test_memory_is_bounded():
    limit = SignInLimit()
    for n in range(KEYS_MAX + 5):
        limit.tries(f"u{n}", f"a{n}", n)
    assert [len(counts) for counts in (limit._pairs, limit._addresses, limit._logins)] == [KEYS_MAX] * 3


def test_keys_that_are_tried_from_many_networks_have_no_tries_of_passwords_forgotten():
    limit = SignInLimit()
    for n in range(LOGIN_TRIES_MAX):
        limit.tries("anna", f"2001:db8:0:{n:x}::/64", 0)
    for n in range(KEYS_MAX + 5):
        limit.tries("", f"2001:db8:1:{n:x}::/64", 1)
    assert limit.wait_ms("anna", "192.0.2.1", 2) > 0


def test_a_csrf_token_follows_from_its_session_alone():
    token = csrf_token_of("secret")
    assert token == csrf_token_of("secret") != csrf_token_of("other")
    assert "secret" not in token
    assert has_csrf_token({"x-csrf-token": token}, "secret")
    for wrong in ({}, {"x-csrf-token": token[:-1]}, {"x-csrf-token": "é"}):
        assert not has_csrf_token(wrong, "secret")
