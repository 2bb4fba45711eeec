"""`outdial user add`, `list`, `remove` and `password`: people in the database."""

import getpass
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from outdial.access_wishes import by_command, limits_in, limits_text
from outdial.api.credentials import LOGIN, User, is_login
from outdial.api.passwords import PASSWORD, PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN, hashed
from outdial.api.roles import Role
from outdial.config import Loaded, load
from outdial.config.loaded import Password
from outdial.config.mistakes import show_value
from outdial.configured_store import in_new_store, in_store, utc_now_ms
from outdial.core.errors import ConfigError
from outdial.results_files import utc_text
from outdial.store.access_rows import StoredAccess
from outdial.store.interface import Store


@dataclass(frozen=True, slots=True)
class UserWish:
    """What a new person is to be, as it was typed."""

    login: str
    role: str
    campaigns: tuple[str, ...]
    agent: str | None


def run_add(config: Path, wish: UserWish, password_file: Path | None, *, as_json: bool) -> str:
    """Let a person sign in. Returns what is printed.

    Raises:
        ConfigError: the configuration, the arguments or the password have mistakes.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded, now = load(config), utc_now_ms()
    mistakes: list[str] = []
    if not is_login(wish.login):
        mistakes.append(f"LOGIN {show_value(wish.login)}: allowed: {LOGIN}")
    roles = [role.value for role in Role]
    if wish.role not in roles:
        mistakes.append(f"--role {show_value(wish.role)}: allowed: {', '.join(roles)}")
    limits = limits_in(loaded, wish.campaigns, wish.agent, mistakes)
    if wish.role == Role.AGENT and wish.agent is None:
        mistakes.append("--agent: missing: a person with the role agent works as an agent of the configuration")
    if mistakes:
        raise ConfigError(mistakes)
    user = User(wish.login, Role(wish.role), limits.campaigns, limits.agent_id, _hash_of(password_file), now)

    async def work(store: Store) -> bool:
        records = StoredAccess(store)
        if not await records.add_user(user):
            return False
        await records.add_audit([by_command(now, "user.create", f"user:{user.login}", None, user.shown())])
        return True

    if not in_new_store(loaded, work):
        raise ConfigError([f"LOGIN {show_value(wish.login)}: there is a person with this login"])
    return json.dumps(_told(user), ensure_ascii=False) if as_json else f"{_line(loaded, user)}: added"


def run_list(config: Path, *, as_json: bool) -> str:
    """Tell who may sign in. Returns what is printed.

    Raises:
        ConfigError: the configuration has mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)

    async def work(store: Store) -> tuple[User, ...]:
        return await StoredAccess(store).users()

    found = in_store(loaded, work)
    if as_json:
        return json.dumps({"users": [_told(user) for user in found]}, ensure_ascii=False)
    return "\n".join(_line(loaded, user) for user in found) or "nobody"


def run_remove(config: Path, login: str, *, as_json: bool) -> str:
    """Let a person not sign in any more. Returns what is printed. Raises: see `run_password`."""
    loaded, now = load(config), utc_now_ms()

    async def work(store: Store) -> bool:
        records = StoredAccess(store)
        user = await records.user(login)
        if user is None or not await records.remove_user(login):
            return False
        await records.add_audit([by_command(now, "user.remove", f"user:{login}", user.shown(), None)])
        return True

    if not in_store(loaded, work):
        raise _nobody(login)
    return json.dumps({"login": login}, ensure_ascii=False) if as_json else f"{login}: removed"


def run_password(config: Path, login: str, password_file: Path | None, *, as_json: bool) -> str:
    """Give a person a new password. Returns what is printed.

    Raises:
        ConfigError: the configuration, the login or the password has mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded, now = load(config), utc_now_ms()
    password = _hash_of(password_file)

    async def work(store: Store) -> bool:
        records = StoredAccess(store)
        user = await records.user(login)
        if user is None or not await records.save_user(replace(user, password=password), user, end_sessions=True):
            return False
        await records.add_audit([by_command(now, "user.password", f"user:{login}", None, None)])
        return True

    if not in_store(loaded, work):
        raise _nobody(login)
    return json.dumps({"login": login}, ensure_ascii=False) if as_json else f"{login}: has a new password"


def _told(user: User) -> dict[str, Any]:
    """A person as the JSON of commands tells it: instants are text there."""
    told = user.shown()
    created_utc_ms = told.pop("created_utc_ms")
    return {**told, "created_utc": utc_text(created_utc_ms)}


def _hash_of(password_file: Path | None) -> str:
    """Read a new password, from a file or from who sits at the terminal, and hash it."""
    if password_file is not None:
        password = Password(password_file).read()
    elif not sys.stdin.isatty():
        raise ConfigError(["--password-file: missing: there is no terminal to ask for a password"])
    else:
        password = getpass.getpass("New password: ")
        if getpass.getpass("Again: ") != password:
            raise ConfigError(["the two passwords differ"])
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        raise ConfigError([f"the password has {len(password)} characters; allowed: {PASSWORD}"])
    return hashed(password)


def _line(loaded: Loaded, user: User) -> str:
    disabled = " (disabled)" if user.is_disabled else ""
    return f"{user.login}: {user.role.value}{disabled}; {limits_text(loaded, user.campaigns, user.agent_id)}"


def _nobody(login: str) -> ConfigError:
    return ConfigError([f"LOGIN {show_value(login)}: there is nobody with this login"])
