"""The API in the server's own event loop: a socket, uvicorn, and what the API is put together from.

Requests are light: they read a snapshot or put a fact into the inbox. Whatever takes long is done elsewhere.
"""

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from outdial import __version__, garbage
from outdial.api.credentials import AccessRecords
from outdial.api_dialer import ApiDialer
from outdial.config.api import Api, Listen
from outdial.dashboard_files import add_dashboard
from outdial.observation import Observation
from outdial.serve_access import Door, keep_up, keep_up_once
from outdial.serve_certificate import ApiError, Certificate
from outdial.serve_connections import connections_max, impatient
from outdial.shared_store import SharedStore
from outdial.store.steady import pause

if TYPE_CHECKING:  # an ASGI library is slow to import, and not everybody serves an API
    from outdial.api.desk_view import Desks
    from outdial.api.live_board import LiveBoard
    from outdial.changed_settings import Changing
    from outdial.service_configuration import ServiceConfiguration

BACKLOG = 1_024
CLOSE_S = 2
"""How long requests may go on when the server ends. Unit: seconds."""
READY_S = 0.02
"""Period of looking whether there is a configuration. Unit: seconds."""
IDLE_CONNECTION_S = 30
HEAD_BYTES_MAX = 65_536
UNHEARD_MS = 20_000
"""How long what was sent may stay without an acknowledgement before a connection is given up. Unit: ms."""


class ApiLog(Protocol):
    """Where the server tells what happens around its API."""

    def changed(self, change: dict[str, Any]) -> None:
        """Somebody has changed something."""
        ...

    def requested(self, line: dict[str, Any]) -> None:
        """A request has changed something, or was refused."""
        ...

    def api_ended(self, error: Exception) -> None:
        """The API has come to an end by itself; dialing goes on."""
        ...


@dataclass(frozen=True, slots=True)
class Host:
    """The server around its API."""

    dialer: ApiDialer
    observation: Observation
    """Knows alarms and metrics."""
    log: ApiLog
    access: AccessRecords
    """Where tokens, people, sessions and the audit are kept."""
    guests: Mapping[str, str] = field(default_factory=dict)
    """One-time keys of guests who may do everything. Shape: {name: key}."""
    desks: "Desks | None" = None
    """Desktops of agents. None: nobody has one."""
    configuration: "ServiceConfiguration | None" = None
    """What may be changed. None: there is no file."""
    changing: "Changing[Any] | None" = None
    """Whose settings may be changed, where there is no file."""


class ServeApi:
    """The API of one server.

    Attributes:
        address: where it listens, as `http://host:port`, with `https` over TLS.
    """

    def __init__(self, api: Api, host: Host) -> None:
        """Bind the socket; nothing is answered yet.

        Raises:
            ApiError: the address cannot be had, or the certificate cannot be used.
        """
        self._host = host
        self._door = Door(api, host.access, host.log.changed, host.log.requested, host.guests)
        self._certificate = None if api.tls is None else Certificate(api.tls)
        self._socket = _bind(api.listen)
        address, port = self._socket.getsockname()[:2]
        self.address = f"{'http' if api.tls is None else 'https'}://{Listen(address, port)}"
        self._task: asyncio.Task[None] | None = None

    @property
    def link(self) -> str:
        """The address for people: with the key of the first guest, which works once."""
        key = next(iter(self._host.guests.values()), "")
        return f"{self.address}/" + (f"#key={key}" if key else "")

    def begin(self, shared: SharedStore | None = None) -> None:
        """Serve from now on, as soon as the dialer has a configuration.

        Args:
            shared: its database. None: nothing is told of lists and records.
        """
        self._task = asyncio.create_task(self._serve(shared))
        self._task.add_done_callback(self._ended)

    async def renew_certificate(self) -> bool:
        """Read the certificate again. Returns whether another one is in use now, for connections that are made then.

        Raises:
            ApiError: it cannot be used; the one before stays in use.
        """
        return self._certificate is not None and await asyncio.to_thread(self._certificate.renew)

    async def close(self) -> None:
        """Let everybody go."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._task
        self._socket.close()

    async def _serve(self, shared: SharedStore | None) -> None:
        import uvicorn

        from outdial.api.app import make_app
        from outdial.api.live_board import LiveBoard
        from outdial.api.parts import ApiParts
        from outdial.api.warm_up import warm_up
        from outdial.changed_settings import ChangedSettings
        from outdial.operations.side import Operations
        from outdial.serve_changes import ServeFile
        from outdial.serve_reasons import ServeReasons

        host, changes = self._host, self._host.configuration
        changing = changes or host.changing
        while not host.dialer.is_ready:
            await pause(READY_S)
        operations = None if shared is None else Operations(shared, host.dialer.records_added)
        board = LiveBoard(host.dialer, host.observation.alarms.of, secrets.token_hex(4))
        accounts, audit, protection = self._door.make()
        parts = ApiParts(
            dialer=host.dialer,
            board=board,
            access=accounts.gate,
            audit=audit,
            version=__version__,
            accounts=accounts,
            protection=protection,
            desks=host.desks,
            settings=None if changing is None else ChangedSettings(changing),
            configuration_file=None if changes is None else ServeFile(changes),
            record_reasons=None
            if changes is None or operations is None
            else ServeReasons(changes, operations.running.looks),
            store=None if operations is None else operations.side,
            observability=host.observation.for_api(is_open=self._door.api.open_metrics),
        )
        app = make_app(parts)
        add_dashboard(app)
        await warm_up(app)
        server = _server(uvicorn, app, self._door.api)
        if self._certificate is not None:
            server.config.load()
            server.config.ssl = self._certificate.listening()
        garbage.settle()
        looking = asyncio.create_task(_look(board))
        serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        beside = [looking, asyncio.create_task(keep_up(accounts, audit))]
        if operations is not None:
            beside.append(asyncio.create_task(operations.run()))
        try:
            await asyncio.wait({*beside, serving}, return_when=asyncio.FIRST_COMPLETED)
            for task in (*beside, serving):
                if task.done():
                    task.result()  # raises what has broken it
        finally:
            board.feed.close()
            server.should_exit = True
            for task in beside:
                task.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(serving), CLOSE_S + 1)
            await asyncio.gather(*beside, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(keep_up_once(accounts, audit), CLOSE_S)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._socket.close()  # or whoever comes would wait for an answer that nobody gives
            self._host.log.api_ended(error)


async def _look(board: "LiveBoard") -> None:
    """Keep the board alive. Calls have their turn between the two halves of a look."""
    while True:
        began_s = time.perf_counter()
        snapshot = board.observe()
        took_s = time.perf_counter() - began_s
        await pause(0)
        began_s = time.perf_counter()
        board.tell(snapshot)
        await pause(board.pause_s(took_s + time.perf_counter() - began_s))


def _server(uvicorn: Any, app: Any, api: Api) -> Any:
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
            proxy_headers=bool(api.proxies),
            forwarded_allow_ips=",".join(api.proxies) or None,
            http=impatient(connections_max()),
            h11_max_incomplete_event_size=HEAD_BYTES_MAX,
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
