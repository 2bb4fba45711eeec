"""How often somebody may try to sign in before being told to wait.

Counted are tries that have not succeeded, within a window that begins with the first of them. A try counts from its
beginning, so that a hundred at the same moment are a hundred. Three counts, each with a limit of its own: one login
from one address (a person who mistypes, a program that guesses), one address (many logins tried from one place), and
one login from everywhere (one person attacked from many places). Nobody can lock out another person with a few tries
from elsewhere.

Ours: the numbers (decision 0027).
"""

import ipaddress
from collections import OrderedDict
from typing import Final

from outdial.core.units import MINUTE_MS, Millis

WINDOW_MS: Final = 15 * MINUTE_MS
PAIR_TRIES_MAX: Final = 10
ADDRESS_TRIES_MAX: Final = 100
LOGIN_TRIES_MAX: Final = 100
KEYS_MAX: Final = 10_000
"""Logins, addresses and pairs that are remembered, of each; of more, those that were counted longest ago are forgotten.
Apart, as somebody with many addresses can try keys quickly, and must not have tries of passwords forgotten."""

_Key = tuple[str, str]
_Count = tuple[int, Millis]


class SignInLimit:
    """Counts tries to sign in. Memory is bounded by three times `KEYS_MAX`."""

    def __init__(self) -> None:
        """Nobody has tried yet."""
        self._pairs: OrderedDict[_Key, _Count] = OrderedDict()
        self._addresses: OrderedDict[_Key, _Count] = OrderedDict()
        self._logins: OrderedDict[_Key, _Count] = OrderedDict()

    def _of(self, key: _Key) -> OrderedDict[_Key, _Count]:
        """Where a key is counted."""
        login, address = key
        return self._addresses if not login else self._pairs if address else self._logins

    def wait_ms(self, login: str, address: str, now_ms: Millis) -> Millis:
        """How long to wait before the next try. 0: it may be now.

        Args:
            login: as it was typed; empty for what has none, such as a key.
            address: see `network_of`.
            now_ms: of a clock that only goes forward.
        """
        longest = 0
        for key, tries_max in _keys(login, address):
            count, began_ms = self._of(key).get(key, (0, now_ms))
            if count >= tries_max:
                longest = max(longest, began_ms + WINDOW_MS - now_ms)
        return longest

    def tries(self, login: str, address: str, now_ms: Millis) -> None:
        """Count a try; it has failed unless `succeeded` follows."""
        for key, _ in _keys(login, address):
            counts = self._of(key)
            count, began_ms = counts.pop(key, (0, now_ms))
            counts[key] = (1, now_ms) if now_ms - began_ms >= WINDOW_MS else (count + 1, began_ms)
            while len(counts) > KEYS_MAX:
                counts.popitem(last=False)

    def take_back(self, login: str, address: str) -> None:
        """The last try does not count: nobody could tell whether it was right."""
        for key, _ in _keys(login, address):
            counts = self._of(key)
            count, began_ms = counts.get(key, (0, 0))
            if count <= 1:
                counts.pop(key, None)
            else:
                counts[key] = (count - 1, began_ms)

    def succeeded(self, login: str, address: str) -> None:
        """The last try was right; who knows the password from here starts from nothing."""
        self.take_back(login, address)
        if login:
            self._of((login, address)).pop((login, address), None)


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the network of 64 bits that one household has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
    return str(found)


def _keys(login: str, address: str) -> tuple[tuple[_Key, int], ...]:
    from_there = (("", address), ADDRESS_TRIES_MAX)
    if not login:
        return (from_there,)
    return (((login, address), PAIR_TRIES_MAX), from_there, ((login, ""), LOGIN_TRIES_MAX))
