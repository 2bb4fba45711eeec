"""The table `[api]`: where the API and the dashboard are served."""

import ipaddress
from dataclasses import dataclass

from outdial.config.mistakes import Mistakes
from outdial.config.options import Table, option
from outdial.config.rows import Row

LISTEN = "127.0.0.1:8042"
ALLOWED = 'an address and a port, for example "127.0.0.1:8042" or "[::1]:8042"'


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen."""

    host: str
    """An IP address."""
    port: int
    """0: any free one."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Api:
    """How the API is served: the table `[api]`."""

    listen: Listen


class ApiTable(Table):
    """`[api]`: the API and the dashboard of `outdial serve`. Left out: neither is served."""

    listen: str = option(
        "listen",
        "Address and port. Port 0: any free one, which the log names.",
        default=LISTEN,
        allowed=ALLOWED,
        min_length=1,
        max_length=64,
    )


def check_api(row: Row[ApiTable], mistakes: Mistakes) -> None:
    """Whether the address is one."""
    if row.has("listen") and listen_of(row.table.listen) is None:
        mistakes.add(row.key("listen"), "no address with a port", ALLOWED, value=row.table.listen)


def api_of(table: ApiTable) -> Api:
    """The table as the server reads it; checked values."""
    listen = listen_of(table.listen)
    assert listen is not None
    return Api(listen)


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
