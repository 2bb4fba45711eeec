"""The table `[api]`: where the API and the dashboard are served."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from outdial.config.mistakes import Mistakes
from outdial.config.options import Table, core_default, option
from outdial.config.rows import Row
from outdial.core.units import HOUR_MS, MINUTE_MS, Millis

LISTEN = "127.0.0.1:8042"
SESSION_IDLE_MS = 30 * MINUTE_MS
SESSION_MS_MAX = 12 * HOUR_MS
ALLOWED = 'an address and a port, for example "127.0.0.1:8042" or "[::1]:8042"'
ORIGINS = 'scheme, name and port in small letters, for example "https://dial.example.com" or "http://dial:8080"'
PROXIES = 'IP addresses, for example "192.0.2.10"'
_ORIGIN = r"https?://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?"


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen."""

    host: str
    """An IP address."""
    port: int
    """0: any free one."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """What TLS needs."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Api:
    """How the API is served: the table `[api]`."""

    listen: Listen
    tls: Tls | None = None
    """None: plain HTTP."""
    trusted_origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    session_idle_ms: Millis = SESSION_IDLE_MS
    session_ms_max: Millis = SESSION_MS_MAX
    open_metrics: bool = False
    """Anybody who reaches the address may read the metrics."""


class ApiTable(Table):
    """`[api]`: the API and the dashboard of `outdial serve`. Left out: neither is served."""

    listen: str = option(
        "listen",
        "Address and port. Port 0: any free one, which the log names. Beyond loopback the API needs TLS, and somebody "
        "who may use it (`outdial user add`, `outdial token create`).",
        default=LISTEN,
        allowed=ALLOWED,
        min_length=1,
        max_length=64,
    )
    tls_certificate_file: str | None = option(
        "tls-certificate-file",
        "The server's certificate and those that vouch for it, as PEM; relative to the configuration file. Read at the "
        "start.",
        default=None,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )
    tls_key_file: str | None = option(
        "tls-key-file",
        "The certificate's private key, as PEM without a password; relative to the configuration file.",
        default=None,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )
    insecure_plain_http: bool = option(
        "insecure-plain-http",
        "Whether to listen beyond loopback without TLS: passwords and tokens can then be read on the way. For a "
        "network of its own between the server and a proxy that speaks TLS.",
        default=False,
    )
    trusted_origins: list[str] = option(
        "trusted-origins",
        "Origins under which browsers reach the server beside its own address, such as that of a proxy. With `https`: "
        "cookies are sent over TLS only.",
        default=[],
        allowed=ORIGINS,
        max_length=20,
    )
    proxies: list[str] = option(
        "proxies",
        "Addresses of proxies in front of the server: what they say in `X-Forwarded-For` is believed, so that tries to "
        "sign in are counted by the address that they come from.",
        default=[],
        allowed=PROXIES,
        max_length=20,
    )
    session_idle_min: int = option(
        "session-idle-min",
        "A browser has to sign in again when it has asked for nothing for so long. An open page asks.",
        default=SESSION_IDLE_MS // MINUTE_MS,
        unit="minutes",
        ge=1,
        le=1_440,
    )
    session_hours_max: int = option(
        "session-hours-max",
        "A browser has to sign in again after so long in any case.",
        default=SESSION_MS_MAX // HOUR_MS,
        unit="hours",
        ge=1,
        le=168,
    )
    open_metrics: bool = option(
        "open-metrics",
        "Whether everybody who reaches the address may read `/v1/metrics`; else it takes a caller with scope `read`.",
        default=core_default(Api, "open_metrics"),
    )


def check_api(row: Row[ApiTable], mistakes: Mistakes) -> None:
    """Whether the address is one, and may be listened on."""
    table = row.table
    if row.has("trusted_origins"):
        for origin in table.trusted_origins:
            if re.fullmatch(_ORIGIN, origin) is None:
                mistakes.add(row.key("trusted_origins"), "no origin", ORIGINS, value=origin)
    if row.has("proxies"):
        for address in table.proxies:
            if not _is_address(address):
                mistakes.add(row.key("proxies"), "no address", PROXIES, value=address)
    if row.has("tls_certificate_file", "tls_key_file"):
        for one, other in (("tls_certificate_file", "tls_key_file"), ("tls_key_file", "tls_certificate_file")):
            if row.given(one) and not row.given(other):
                mistakes.add(row.key(other), "missing", f"a path, beside {row.key(one)}")
    if not row.has("listen"):
        return
    listen = listen_of(table.listen)
    if listen is None:
        mistakes.add(row.key("listen"), "no address with a port", ALLOWED, value=table.listen)
    elif not listen.is_loopback and not row.given("tls_certificate_file") and not table.insecure_plain_http:
        wrong = "can be reached from elsewhere, and passwords and tokens would be sent in the clear"
        allowed = "a loopback address, tls-certificate-file and tls-key-file, or insecure-plain-http = true on purpose"
        mistakes.add(row.key("listen"), wrong, allowed, value=table.listen)


def api_of(table: ApiTable, folder: Path) -> Api:
    """The table as the server reads it.

    Args:
        table: checked values.
        folder: what paths are relative to.
    """
    listen = listen_of(table.listen)
    assert listen is not None
    tls = None
    if table.tls_certificate_file is not None and table.tls_key_file is not None:
        tls = Tls(folder / table.tls_certificate_file, folder / table.tls_key_file)
    return Api(
        listen=listen,
        tls=tls,
        trusted_origins=tuple(table.trusted_origins),
        proxies=tuple(table.proxies),
        session_idle_ms=table.session_idle_min * MINUTE_MS,
        session_ms_max=table.session_hours_max * HOUR_MS,
        open_metrics=table.open_metrics,
    )


def listen_of(text: str) -> Listen | None:
    """An address with a port. None: it is none."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if not (colon and port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65_535):
        return None
    return Listen(str(address), int(port))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
