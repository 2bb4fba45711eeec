"""The texts of the files that Asterisk needs, made from the shipped templates.

A template marks a place to be filled as `@name@`: dollar signs and braces belong to Asterisk's own language.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from outdial.core.errors import ConfigError

EVENTS = (
    "FullyBooted",
    "Shutdown",
    "Newstate",
    "DialBegin",
    "DialState",
    "DialEnd",
    "Hangup",
    "OriginateResponse",
    "UserEvent",
    "DeviceStateChange",
)
"""Events that outdial's user of the manager interface is sent; answers to its own lists are never filtered."""

NO_SECRET = "; {} = FILL IN"
"""Stands where a password belongs; as a comment, so that nobody gets in before it is filled in."""
USER = re.compile(r"[A-Za-z0-9_.@+-]{1,80}")
"""A user name that can be the title of a section. `general` is taken."""

_TEMPLATES = Path(__file__).with_name("templates")
_MARK = re.compile(r"@([a-z_]+)@")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files of one server are made from."""

    user: str
    """User of AMI and ARI."""
    secret: str | None = None
    """The user's password. None: the place is marked, to be filled by hand."""
    port: int = 5038
    """TCP port of the manager interface."""
    ari_port: int | None = None
    """TCP port of ARI; None: no file for ARI."""
    permits: tuple[str, ...] = ()
    """Addresses that outdial connects from, as `address/bits`. Empty: the place is marked, to be filled by hand."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """The endpoint that reaches customers."""

    name: str = "trunk"
    contact: str = "203.0.113.10:5060"
    """`host:port`."""
    fax_detect: bool = True
    qualify_s: int = 60
    incoming: str = "from-trunk"
    """Dialplan context of calls that come in."""
    dial_string: str = "PJSIP/{number}@trunk"
    phone_string: str = "PJSIP/{phone}"


@dataclass(frozen=True, slots=True)
class Phone:
    """The endpoint of an agent's phone."""

    name: str
    contact: str = ""
    """`host:port` where the phone is. Empty: it registers."""
    qualify_s: int = 60
    incoming: str = "from-agents"
    password: str | None = None
    """None: the place is marked, to be filled by hand."""


def server_files(wanted: Wanted) -> dict[str, str]:
    """Files that are to be included, by name.

    Args:
        wanted: the server.

    Returns:
        Shape: {file name: text}. Those that hold a password are named in `secret_files`.

    Raises:
        ConfigError: user name or password cannot be written into a configuration file of Asterisk.
    """
    check_user(wanted.user)
    values = {
        "user": wanted.user,
        "secret_line": secret_line("secret", wanted.secret),
        "password_line": secret_line("password", wanted.secret),
        "port": str(wanted.port),
        "ari_port": str(wanted.ari_port or ""),
        "events": "|".join(EVENTS),
        "permits": "\n".join(f"permit = {address}" for address in wanted.permits)
        or "; permit = ADDRESS/32      where outdial connects from; until this is filled in nobody gets in",
    }
    names = ["extensions-outdial.conf", "manager-outdial.conf", "amd.conf", "modules-outdial.conf"]
    if wanted.ari_port is not None:
        names.insert(2, "ari-outdial.conf")
    return {name: fill(name, values) for name in names}


def secret_files(wanted: Wanted) -> tuple[str, ...]:
    """Names of the files that hold the password, if any do."""
    if wanted.secret is None:
        return ()
    return ("manager-outdial.conf",) if wanted.ari_port is None else ("manager-outdial.conf", "ari-outdial.conf")


def pjsip_sample(trunk: Trunk, phones: Sequence[Phone]) -> str:
    """The endpoints that outdial calls through: for reading and copying, or, in the lab, for use."""
    values = {
        "trunk": trunk.name,
        "trunk_contact": trunk.contact,
        "trunk_host": trunk.contact.rpartition(":")[0],
        "fax_detect": "yes" if trunk.fax_detect else "no",
        "qualify_s": str(trunk.qualify_s),
        "incoming": trunk.incoming,
        "dial_string": trunk.dial_string,
        "phone_string": trunk.phone_string,
    }
    return fill("pjsip-outdial-sample.conf", values) + "".join(map(_phone_text, phones))


def fill(name: str, values: Mapping[str, str]) -> str:
    """A template with its marks filled in. A mark without a value is a bug (KeyError)."""
    return _MARK.sub(lambda mark: values[mark[1]], template(name))


@cache
def template(name: str) -> str:
    """A shipped template."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def check_user(user: str) -> None:
    """Check that a user name can be the title of a section.

    Raises:
        ConfigError: it cannot.
    """
    if not USER.fullmatch(user) or user == "general":
        allowed = "1 … 80 letters, digits and _ . @ + -, but not general"
        raise ConfigError([f"user: {user!r} cannot be the name of a user of Asterisk; allowed: {allowed}"])


def secret_line(key: str, secret: str | None) -> str:
    """A password as a configuration file of Asterisk spells it: a semicolon would begin a comment.

    Raises:
        ConfigError: it holds a character that no spelling can carry.
    """
    if secret is None:
        return NO_SECRET.format(key)
    if not secret.isprintable() or secret != secret.strip():
        raise ConfigError(
            ["password: holds control characters or blanks at an end; Asterisk cannot read it from a file"]
        )
    return f"{key} = {secret.replace(';', chr(92) + ';')}"


def _phone_text(phone: Phone) -> str:
    values = {
        "phone": phone.name,
        "incoming": phone.incoming,
        "qualify_s": str(phone.qualify_s),
        "contact": f"contact = sip:{phone.name}@{phone.contact}\n" if phone.contact else "",
        "password_line": secret_line("password", phone.password),
    }
    return fill("pjsip-phone.conf", values)
