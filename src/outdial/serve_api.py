"""The API in the server's own event loop: a socket, uvicorn, and what the API is put together from.

Requests are light: they read a snapshot or put a fact into the inbox. Whatever takes long is done elsewhere.
"""

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from outdial import __version__
from outdial.alarms import Alarm, Outside
from outdial.api_dialer import ApiDialer
from outdial.config.api import Listen
from outdial.core.errors import OutdialError
from outdial.dashboard_files import add_dashboard
from outdial.live_alarms import LiveAlarms
from outdial.store.steady import pause

if TYPE_CHECKING:  # an ASGI library is slow to import, and not everybody serves an API
    from outdial.api.desk_view import Desks
    from outdial.api.live_board import LiveBoard
    from outdial.service_configuration import ServiceConfiguration

BACKLOG = 1_024
CLOSE_S = 2
"""How long requests may go on when the server ends. Unit: seconds."""
READY_S = 0.02
"""Period of looking whether there is a configuration. Unit: seconds."""
IDLE_CONNECTION_S = 30
UNHEARD_MS = 20_000
"""How long what was sent may stay without an acknowledgement before a connection is given up. Unit: ms."""


class ApiError(OutdialError):
    """The API cannot be served."""

    code = "api"


class ApiLog(Protocol):
    """Where the server tells what happens around its API."""

    def changed(self, change: dict[str, Any]) -> None:
        """Somebody has changed something."""
        ...

    def alarms(self, raised: tuple[Alarm, ...], cleared: tuple[Alarm, ...]) -> None:
        """Alarms have been raised and cleared."""
        ...

    def api_ended(self, error: Exception) -> None:
        """The API has come to an end by itself; dialing goes on."""
        ...


@dataclass(frozen=True, slots=True)
class Host:
    """The server around its API."""

    dialer: ApiDialer
    why_away: Callable[[], str]
    """Why the database counts as away; empty: it does not."""
    log: ApiLog
    desks: "Desks | None" = None
    """Desktops of agents. None: nobody has one."""
    configuration: "ServiceConfiguration | None" = None
    """What may be changed. None: nothing, as there is no file."""


class ServeApi:
    """The API of one server.

    Attributes:
        address: where it listens, as `http://host:port`.
    """

    def __init__(self, listen: Listen, host: Host) -> None:
        """Bind the socket; nothing is answered yet.

        Raises:
            ApiError: the address cannot be had.
        """
        self._host = host
        self._socket = _bind(listen)
        address, port = self._socket.getsockname()[:2]
        self.address = f"http://{Listen(address, port)}"
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Serve from now on, as soon as the dialer has a configuration."""
        self._task = asyncio.create_task(self._serve())
        self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Let everybody go."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._task
        self._socket.close()

    async def _serve(self) -> None:
        import uvicorn

        from outdial.api.app import make_app
        from outdial.api.live_board import LiveBoard
        from outdial.api.parts import ApiParts
        from outdial.serve_changes import ServeFile, ServeSettings
        from outdial.serve_reasons import ServeReasons

        host, changes = self._host, self._host.configuration
        while not host.dialer.is_ready:
            await pause(READY_S)
        alarms = LiveAlarms(host.dialer, lambda: Outside(host.why_away()), host.log.alarms)
        board = LiveBoard(host.dialer, alarms.of, secrets.token_hex(4))
        parts = ApiParts(
            dialer=host.dialer,
            board=board,
            access=_Loopback(),
            audit=_ToldAudit(host.log.changed),
            version=__version__,
            desks=host.desks,
            settings=None if changes is None else ServeSettings(changes),
            configuration_file=None if changes is None else ServeFile(changes),
            record_reasons=None if changes is None else ServeReasons(changes),
        )
        app = make_app(parts)
        add_dashboard(app)
        server = _server(uvicorn, app)
        looking = asyncio.create_task(_look(board))
        serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        try:
            await asyncio.wait({looking, serving}, return_when=asyncio.FIRST_COMPLETED)
            for task in (looking, serving):
                if task.done():
                    task.result()  # raises what has broken it
        finally:
            board.feed.close()
            server.should_exit = True
            looking.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(serving), CLOSE_S + 1)
            await asyncio.gather(looking, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._host.log.api_ended(error)


async def _look(board: "LiveBoard") -> None:
    """Keep the board alive."""
    while True:
        began_s = time.perf_counter()
        board.look()
        await pause(board.pause_s(time.perf_counter() - began_s))


def _server(uvicorn: Any, app: Any) -> Any:
    """uvicorn, which leaves signals to the server around it."""

    class Server(uvicorn.Server):  # type: ignore[misc]
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_CONNECTION_S,
            timeout_graceful_shutdown=CLOSE_S,
        )
    )


def _bind(listen: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # connections inherit it: a page whose machine is gone does not stay
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_MS)
        bound.bind((listen.host, listen.port))
        bound.listen(BACKLOG)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise ApiError(f"{listen}: the API cannot listen there: {error.strerror or error}") from error
    return bound


class _Loopback:
    """Whoever reaches the loopback address."""

    async def identify(self, connection: Any) -> Any:
        from outdial.api.access import ALL_SCOPES, Caller

        return Caller("loopback", ALL_SCOPES)


class _ToldAudit:
    """Changes as lines of the log."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell

    async def note(self, caller: Any, action: str, subject: str, before: Any, after: Any) -> None:
        self._tell({"by": caller.name, "action": action, "subject": subject, "before": before, "after": after})
