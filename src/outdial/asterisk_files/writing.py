"""`outdial asterisk-config`: writes, for each Asterisk of a configuration, the files that outdial needs there."""

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from outdial.asterisk_files.texts import (
    Phone,
    Trunk,
    Wanted,
    fill,
    pjsip_sample,
    secret_files,
    server_files,
)
from outdial.config.loaded import Loaded, Server
from outdial.core.errors import ConfigError, OutdialError
from outdial.doctor_asterisk import endpoint_of

PHONES_SHOWN = 2
"""Agents' phones in the sample; the others are written like these."""
SECRET_MODE = 0o600
"""Permissions of files that hold a password."""
PLAIN_MODE = 0o644

_BIND = "a bindaddr that outdial can reach"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Written:
    """What was written for one server."""

    server: str
    """Name of the application."""
    folder: Path
    files: tuple[str, ...]
    secret_files: tuple[str, ...]
    """Those of the files that hold the password."""


def write_all(loaded: Loaded, out: Path, *, with_secrets: bool, permits: Sequence[str]) -> list[Written]:
    """Write a folder for each Asterisk, primary or backup.

    Args:
        loaded: the configuration.
        out: made if missing. Files of an earlier run are replaced, others are left alone.
        with_secrets: read the passwords and write them; such files are for their owner only.
        permits: addresses that outdial connects from, as `permits_of` returns them.

    Returns:
        One entry per folder, in the order of the configuration; empty when no server is an Asterisk.

    Raises:
        ConfigError: a password is missing, or a user or password cannot be written so that Asterisk reads it. Nothing
            has been written then.
        OutdialError: a file cannot be written.
    """
    servers = [server for server in loaded.edge.values() if server.driver.is_asterisk]
    folders = _folders(servers)
    planned = []
    for server in servers:
        wanted = _wanted(server, permits, with_secrets=with_secrets)
        planned.append((server, _texts(loaded, server, wanted), secret_files(wanted)))
    written = []
    for server, texts, secret in planned:
        folder = out / folders[server.dbid]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                _write(folder / name, text, SECRET_MODE if name in secret else PLAIN_MODE)
        except OSError as error:
            raise OutdialError(f"{folder}: cannot be written: {error}") from error
        written.append(Written(server.name, folder, tuple(texts), secret))
    return written


def permits_of(addresses: Sequence[str]) -> tuple[str, ...]:
    """Addresses or networks as Asterisk's `permit` spells them, `address/bits`.

    Raises:
        ConfigError: one of them is not an address.
    """
    permits, mistakes = [], []
    for address in addresses:
        try:
            permits.append(str(ipaddress.ip_network(address)))
        except ValueError as error:
            mistakes.append(f"--from {address}: {error}; allowed: an IP address, or a network such as 192.0.2.0/24")
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(permits)


def _wanted(server: Server, permits: Sequence[str], *, with_secrets: bool) -> Wanted:
    secret = server.password.read() if with_secrets and server.password is not None else None
    if not permits and _is_loopback(server.host):
        permits = ("127.0.0.0/8", "::1/128")
    return Wanted(server.user, secret, server.port, server.ari_port, tuple(permits))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _texts(loaded: Loaded, server: Server, wanted: Wanted) -> dict[str, str]:
    trunk = endpoint_of(server.dial_string.replace("{number}", "0")) or "trunk"
    phones = list(dict.fromkeys(agent.phone for agent in loaded.configuration.agents))
    endpoints = [endpoint_of(server.phone_string.replace("{phone}", phone)) for phone in phones[:PHONES_SHOWN]]
    sample = pjsip_sample(
        Trunk(trunk, dial_string=server.dial_string, phone_string=server.phone_string),
        [Phone(endpoint) for endpoint in endpoints if endpoint is not None],
    )
    more = len(phones) - PHONES_SHOWN
    if more > 0:
        sample += f"\n; … and {more:,} more phones like these\n"
    return {
        "README.txt": _readme(loaded, server, wanted),
        **server_files(wanted),
        "pjsip-outdial-sample.conf": sample,
    }


def _readme(loaded: Loaded, server: Server, wanted: Wanted) -> str:
    steps = [
        ("extensions.conf", 'at its end:   #include "extensions-outdial.conf"'),
        ("manager.conf", f"in [general]:   enabled = yes   port = {server.port}   and {_BIND}"),
        ("", 'at its end:   #include "manager-outdial.conf"'),
    ]
    if not wanted.permits:
        steps.append(("manager-outdial.conf", "fill in permit: the address that outdial connects from"))
    if wanted.secret is None:
        steps.append(("manager-outdial.conf", "fill in the password (secret)"))
    if server.ari_port is not None:
        http = f"in [general]:   enabled = yes   bindport = {server.ari_port}   and {_BIND}"
        steps += [
            ("http.conf", http),
            ("ari.conf", "in [general]:   enabled = yes"),
            ("", 'at its end:   #include "ari-outdial.conf"'),
        ]
        if wanted.secret is None:
            steps.append(("ari-outdial.conf", "fill in the same password"))
    steps += [
        ("pjsip.conf", "trunk and agents' phones as in pjsip-outdial-sample.conf, which says what matters"),
        ("amd.conf", "the file here, if there is none yet"),
        ("modules.conf", 'nothing with autoload = yes; else   #include "modules-outdial.conf"   at its end'),
        ("asterisk -rx", "'core reload', and 'module load app_amd.so' if amd.conf is new"),
    ]
    groups = loaded.configuration.campaign_groups
    contexts = sorted({group.ivr_application for group in groups if group.ivr_application})
    applications = "".join(
        f"\n* The context [{context}] is an IVR application and yours: calls enter it at s, priority 1. To ask for an\n"
        "  agent it runs UserEvent(OutdialAgent) and then Goto(outdial,wait,1)."
        for context in contexts
    )
    applications += "".join(
        f"\n* The sound {sound} is a drop message and yours: put its file where Asterisk looks for sounds, mostly\n"
        "  /usr/share/asterisk/sounds/en, in the codec of the trunk (such as .ulaw) or as .wav, 8 kHz, 16 bit, mono."
        for sound in sorted({name for group in groups for name in group.drop_message.split("&") if name})
    )
    values = {
        "name": server.name,
        "underline": "=" * len(f"outdial on this Asterisk: {server.name}"),
        "steps": "".join(f"  {file:<22}{text}\n" for file, text in steps),
        "config": loaded.file,
        "applications": applications,
    }
    return fill("README.txt", values)


def _folders(servers: Sequence[Server]) -> dict[int, str]:
    """A folder name for each server: its name as far as a file system likes it; with its DBID where two are alike."""
    names = {server.dbid: _UNSAFE.sub("_", server.name).lstrip(".") or "server" for server in servers}
    lower = [name.lower() for name in names.values()]
    return {dbid: name if lower.count(name.lower()) == 1 else f"{name}-{dbid}" for dbid, name in names.items()}


def _write(path: Path, text: str, mode: int) -> None:
    """Replace a file in one step; at no time is a password readable for others."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    new.replace(path)
