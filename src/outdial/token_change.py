"""`outdial token create`, `list` and `revoke`: tokens in the database."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outdial.access_wishes import by_command, limits_in, limits_text
from outdial.api.credentials import (
    SECRET_START,
    TOKEN_NAME,
    Token,
    digest_of,
    is_token_name,
    new_secret,
    new_token_id,
)
from outdial.api.roles import Scope, in_order
from outdial.config import load
from outdial.config.mistakes import show_value
from outdial.configured_store import in_new_store, in_store, utc_now_ms
from outdial.core.errors import ConfigError
from outdial.core.units import DAY_MS
from outdial.results_files import utc_text
from outdial.store.access_rows import StoredAccess
from outdial.store.interface import Store


@dataclass(frozen=True, slots=True)
class TokenWish:
    """What a new token is to be, as it was typed."""

    name: str
    scopes: str
    campaigns: tuple[str, ...]
    agent: str | None
    expires_days: int | None


def run_create(config: Path, wish: TokenWish, *, as_json: bool) -> str:
    """Make a token. Returns what is printed: with its secret, which is not kept.

    Raises:
        ConfigError: the configuration or the arguments have mistakes.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded, now = load(config), utc_now_ms()
    mistakes: list[str] = []
    if not is_token_name(wish.name):
        mistakes.append(f"NAME {show_value(wish.name)}: allowed: {TOKEN_NAME}")
    scopes = _scopes_in(wish.scopes, mistakes)
    limits = limits_in(loaded, wish.campaigns, wish.agent, mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    expires = None if wish.expires_days is None else now + wish.expires_days * DAY_MS
    token = Token(new_token_id(), wish.name, scopes, limits.campaigns, limits.agent_id, now, expires)
    secret = new_secret(SECRET_START)

    async def work(store: Store) -> bool:
        records = StoredAccess(store)
        if not await records.add_token(token, digest_of(secret)):
            return False
        await records.add_audit([by_command(now, "token.create", f"token:{token.token_id}", None, shown(token))])
        return True

    if not in_new_store(loaded, work):
        raise ConfigError([f"NAME {show_value(wish.name)}: there is a token with this name; revoke it first"])
    if as_json:
        return json.dumps({**shown(token), "token": secret}, ensure_ascii=False)
    limited = limits_text(loaded, token.campaigns, token.agent_id)
    return f"{secret}\n{token.name} ({token.token_id}): {', '.join(in_order(scopes))}; {limited}; shown only this once"


def run_list(config: Path, *, as_json: bool) -> str:
    """Tell what tokens there are. Returns what is printed.

    Raises:
        ConfigError: the configuration has mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded, now = load(config), utc_now_ms()

    async def work(store: Store) -> tuple[Token, ...]:
        return await StoredAccess(store).tokens()

    found = in_store(loaded, work)
    if as_json:
        return json.dumps({"tokens": [shown(token) for token in found]}, ensure_ascii=False)
    lines = [
        f"{token.token_id}  {token.name}: {', '.join(in_order(token.scopes))}; "
        f"{limits_text(loaded, token.campaigns, token.agent_id)}; {_state_of(token, now)}"
        for token in found
    ]
    return "\n".join(lines) or "no tokens"


def run_revoke(config: Path, which: str, *, as_json: bool) -> str:
    """Let a token not count any more. Returns what is printed.

    Raises:
        ConfigError: the configuration or the argument has a mistake, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded, now = load(config), utc_now_ms()

    async def work(store: Store) -> Token | None:
        records = StoredAccess(store)
        for token in await records.tokens():
            if which in (token.token_id, token.name) and await records.revoke_token(token.token_id, now):
                subject = f"token:{token.token_id}"
                await records.add_audit([by_command(now, "token.revoke", subject, shown(token), None)])
                return token
        return None

    revoked = in_store(loaded, work)
    if revoked is None:
        raise ConfigError([f"{show_value(which)}: there is no token with this name or id that could be revoked"])
    if as_json:
        return json.dumps({"id": revoked.token_id, "name": revoked.name}, ensure_ascii=False)
    return f"{revoked.name} ({revoked.token_id}): revoked"


def shown(token: Token) -> dict[str, Any]:
    """A token as JSON: everything but its secret."""
    return {
        "id": token.token_id,
        "name": token.name,
        "scopes": in_order(token.scopes),
        "campaigns": _sorted(token.campaigns),
        "agent_id": token.agent_id,
        "created_utc": utc_text(token.created_utc_ms),
        "expires_utc": _utc(token.expires_utc_ms),
        "used_utc": _utc(token.used_utc_ms),
        "revoked_utc": _utc(token.revoked_utc_ms),
    }


def _scopes_in(text: str, mistakes: list[str]) -> frozenset[Scope]:
    known = [scope.value for scope in Scope]
    words = [word.strip() for word in text.split(",")]
    wrong = [word for word in words if word not in known]
    if wrong:
        mistakes.append(f"--scope {show_value(text)}: allowed: {', '.join(known)}, with commas between")
        return frozenset()
    return frozenset(map(Scope, words))


def _state_of(token: Token, now: int) -> str:
    if token.revoked_utc_ms is not None:
        return f"revoked {utc_text(token.revoked_utc_ms)}"
    if not token.counts_at(now):
        return f"expired {_utc(token.expires_utc_ms)}"
    until = f"counts until {utc_text(token.expires_utc_ms)}" if token.expires_utc_ms else "counts for ever"
    return f"{until}, last used {_utc(token.used_utc_ms) or 'never'}"


def _utc(utc_ms: int | None) -> str | None:
    return None if utc_ms is None else utc_text(utc_ms)


def _sorted(names: Collection[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)
