"""The REST interface: HTTP requests and the events websocket. Answers and error codes are those of 22.10 and 16.28."""

import asyncio
import base64
import hmac
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web

from outdial.drivers.fake_asterisk.channels import Bridge, Channel
from outdial.drivers.fake_asterisk.exchange import Exchange
from outdial.drivers.fake_asterisk.outlet import Faults, Outlet
from outdial.drivers.fake_asterisk.sockets import reset
from outdial.drivers.fake_asterisk.stasis import bridge_json, channel_json, stamp

ADD_CHANNEL_OLD_MS_MAX = 200
"""Before version 20 addChannel takes up to this long: the Stasis loop of a channel without sound sleeps."""
BATCHES_UNREAD_MAX = 100_000
"""What a websocket may leave unread, in turns of the event loop, before it is reset."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AriServer:
    """HTTP side of a fake server."""

    def __init__(
        self, exchange: Exchange, user: str, password: str, version: str, faults: Faults, draw: random.Random
    ) -> None:
        self._exchange = exchange
        self._login = f"{user}:{password}"
        self._version = version
        self._faults = faults
        self._draw = draw
        self._runner: web.AppRunner | None = None
        self._awake = asyncio.Event()
        self._outlets: set[Outlet] = set()
        self._known_at_hang: set[web.RequestHandler] = set()
        self._started = stamp()

    async def start(self, host: str, port: int) -> int:
        """Listen. Returns the TCP port."""
        app = web.Application(middlewares=[self._guard])
        add = app.router.add_route
        add("GET", "/ari/asterisk/ping", self._ping)
        add("GET", "/ari/asterisk/info", self._info)
        add("GET", "/ari/applications", self._applications)
        add("GET", "/ari/applications/{app}", self._application)
        add("GET", "/ari/channels", self._channels)
        add("GET", "/ari/channels/{channel}", self._channel)
        add("DELETE", "/ari/channels/{channel}", self._hang_up)
        add("POST", "/ari/channels/{channel}/continue", self._continue)
        add("GET", "/ari/bridges", self._bridges)
        add("POST", "/ari/bridges", self._create_bridge)
        add("GET", "/ari/bridges/{bridge}", self._bridge)
        add("POST", "/ari/bridges/{bridge}", self._create_bridge)
        add("DELETE", "/ari/bridges/{bridge}", self._destroy_bridge)
        add("POST", "/ari/bridges/{bridge}/addChannel", self._add_channel)
        add("POST", "/ari/bridges/{bridge}/removeChannel", self._remove_channel)
        add("GET", "/ari/events", self._events)
        self._awake.set()
        self._started = stamp()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.0, handler_cancellation=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound: int = self._runner.addresses[0][1]
        return bound

    async def kill(self) -> None:
        """Reset all connections and listen no more."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for site in list(runner.sites):
            await site.stop()
        self._reset(runner)
        self._known_at_hang.clear()  # a dead server carries out nothing
        self._awake.set()
        await runner.cleanup()

    def cut(self) -> None:
        """Reset all connections."""
        if self._runner is not None:
            self._reset(self._runner)

    def hang(self) -> None:
        self._awake.clear()
        if self._runner is not None and self._runner.server is not None:
            self._known_at_hang = set(self._runner.server.connections)

    def wake(self) -> None:
        self._awake.set()
        for outlet in list(self._outlets):
            outlet.flush()

    def _reset(self, runner: web.AppRunner) -> None:
        if runner.server is not None:
            for connection in list(runner.server.connections):
                if isinstance(connection.transport, asyncio.Transport):
                    reset(connection.transport)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Wait while hung; check the login; unknown paths and methods in Asterisk's words."""
        if not self._awake.is_set():
            await self._awake.wait()
            is_closed = request.transport is None or request.transport.is_closing()
            if is_closed and request.protocol not in self._known_at_hang:
                # Of a connection that came and went meanwhile nothing is carried out. A request on one that was there
                # before lies in its receive queue, and is carried out although nobody hears the answer.
                return web.Response(status=503)
        if not self._may_enter(request):
            response = error(401, "Authentication required")
            response.headers["WWW-Authenticate"] = 'Basic realm="Asterisk REST Interface"'
        else:
            try:
                return self._signed(await handler(request))
            except web.HTTPNotFound:
                response = error(404, "Resource not found")
            except web.HTTPMethodNotAllowed:
                response = error(405, "Invalid method")
        return self._signed(response)

    def _signed(self, response: web.StreamResponse) -> web.StreamResponse:
        if not response.prepared:
            response.headers["Server"] = f"Asterisk/{self._version}"
        return response

    def _may_enter(self, request: web.Request) -> bool:
        scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
        given = request.query.get("api_key", "")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(coded, validate=True).decode()
            except ValueError:
                return False
        return hmac.compare_digest(given.encode(), self._login.encode())

    # --- asterisk, applications --------------------------------------------------------------------------------

    async def _ping(self, request: web.Request) -> web.Response:
        asterisk_id = self._exchange.stasis.asterisk_id
        return answer({"ping": "pong", "timestamp": stamp(), "asterisk_id": asterisk_id})

    async def _info(self, request: web.Request) -> web.Response:
        options = {"os": "Linux", "kernel": "unknown", "machine": "unknown", "options": "", "date": "", "user": ""}
        return answer(
            {
                "build": options,
                "system": {"version": self._version, "entity_id": self._exchange.stasis.asterisk_id},
                "config": {
                    "name": self._exchange.systemname,
                    "default_language": "en",
                    "setid": {"user": "", "group": ""},
                },
                "status": {"startup_time": self._started, "last_reload_time": self._started},
            }
        )

    async def _applications(self, request: web.Request) -> web.Response:
        return answer(self._exchange.stasis.apps_json())

    async def _application(self, request: web.Request) -> web.Response:
        shown = self._exchange.stasis.app_json(request.match_info["app"])
        return error(404, "Application not found") if shown is None else answer(shown)

    # --- channels ----------------------------------------------------------------------------------------------

    def _find_channel(self, request: web.Request) -> Channel | None:
        return self._exchange.channels.get(request.match_info["channel"])

    async def _channels(self, request: web.Request) -> web.Response:
        return answer([channel_json(channel) for channel in self._exchange.channels.values()])

    async def _channel(self, request: web.Request) -> web.Response:
        channel = self._find_channel(request)
        return error(404, "Channel not found") if channel is None else answer(channel_json(channel))

    async def _hang_up(self, request: web.Request) -> web.Response:
        channel = self._find_channel(request)
        if channel is None:
            return error(404, "Channel not found")
        cause = request.query.get("reason_code", "16")
        self._exchange.stasis.hang_up_requested(channel, {"cause": 32, "soft": True})
        self._exchange.hang_up(channel, int(cause) if cause.isdecimal() else 16)
        return web.Response(status=204)

    async def _continue(self, request: web.Request) -> web.Response:
        channel = self._find_channel(request)
        if channel is None:
            return error(404, "Channel not found")
        if channel.stasis is None:
            return error(409, "Channel not in Stasis application")
        context = request.query.get("context", channel.context)
        exten = request.query.get("extension", channel.exten)
        priority = request.query.get("priority", "")
        next_priority = int(priority) if priority.isdecimal() else channel.priority + 1
        self._exchange.redirect(channel, context, exten, next_priority)
        return web.Response(status=204)

    # --- bridges -----------------------------------------------------------------------------------------------

    def _find_bridge(self, request: web.Request) -> Bridge | None:
        return self._exchange.bridges.over_ari.get(request.match_info["bridge"])

    async def _bridges(self, request: web.Request) -> web.Response:
        return answer([bridge_json(bridge) for bridge in self._exchange.bridges.over_ari.values()])

    async def _bridge(self, request: web.Request) -> web.Response:
        bridge = self._find_bridge(request)
        return error(404, "Bridge not found") if bridge is None else answer(bridge_json(bridge))

    async def _create_bridge(self, request: web.Request) -> web.Response:
        bridge_id = request.match_info.get("bridge") or request.query.get("bridgeId") or f"bridge-{stamp()}"
        existing = self._exchange.bridges.over_ari.get(bridge_id)
        kind = request.query.get("type", "")
        if existing is not None:
            if self._exchange.modern:
                return error(409, f"Bridge with id '{bridge_id}' already exists")
            if kind:
                return error(500, "Supplying a bridge type when updating a bridge is not allowed.")
            return answer(bridge_json(existing))
        if not {"", "mixing", "dtmf_events", "proxy_media", "holding"}.issuperset(kind.split(",")):
            return error(500, "Unable to create bridge")
        return answer(bridge_json(self._exchange.bridges.create(bridge_id, request.query.get("name", ""))))

    async def _destroy_bridge(self, request: web.Request) -> web.Response:
        bridge = self._find_bridge(request)
        if bridge is None:
            return error(404, "Bridge not found")
        self._exchange.bridges.destroy(bridge)
        return web.Response(status=204)

    async def _add_channel(self, request: web.Request) -> web.Response:
        bridge, channels, problem = self._bridge_and_channels(request)
        if problem is not None or bridge is None:
            return problem or error(404, "Bridge not found")
        if not self._exchange.modern:
            await asyncio.sleep(self._exchange.far_ms(ADD_CHANNEL_OLD_MS_MAX) / 1_000 * self._draw.random())
        for channel in channels:
            if not channel.gone and channel.stasis is not None:
                self._exchange.bridges.enter(bridge, channel)
        return web.Response(status=204)

    async def _remove_channel(self, request: web.Request) -> web.Response:
        bridge, channels, problem = self._bridge_and_channels(request)
        if problem is not None or bridge is None:
            return problem or error(404, "Bridge not found")
        if any(channel.bridge is not bridge for channel in channels):
            return error(422, "Channel not in this bridge")
        for channel in channels:
            self._exchange.bridges.leave(channel)
        return web.Response(status=204)

    def _bridge_and_channels(self, request: web.Request) -> tuple[Bridge | None, list[Channel], web.Response | None]:
        """What addChannel and removeChannel are about, or why they cannot be done."""
        bridge = self._find_bridge(request)
        if bridge is None:
            return None, [], error(404, "Bridge not found")
        names = request.query.get("channel", "")
        if not names:
            return bridge, [], error(400, "Missing parameter channel")
        channels = []
        for name in names.split(","):
            channel = self._exchange.channels.get(name)
            if channel is None:
                return bridge, [], error(400, "Channel not found")
            if channel.stasis is None:
                return bridge, [], error(422, "Channel not in Stasis application")
            channels.append(channel)
        return bridge, channels, None

    # --- events ------------------------------------------------------------------------------------------------

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The websocket: events of the applications named in `app`."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=426, text="Upgrade Required", content_type="text/html")
        apps = [app for app in request.query.get("app", "").split(",") if app]
        if not apps:
            return error(400, "Missing parameter app")
        # Answers to pings and closing are given by hand, so that a hung server gives none.
        websocket = web.WebSocketResponse(autoping=False, autoclose=False)
        await websocket.prepare(request)
        queue: asyncio.Queue[list[str]] = asyncio.Queue(BATCHES_UNREAD_MAX)

        def write(batch: list[str]) -> None:
            try:
                queue.put_nowait(batch)
            except asyncio.QueueFull:
                outlet.close()
                if isinstance(request.transport, asyncio.Transport):
                    reset(request.transport)

        outlet = Outlet(write, self._faults, self._draw, lambda: not self._awake.is_set())
        self._outlets.add(outlet)
        stasis = self._exchange.stasis
        for app in apps:
            stasis.connect(app, outlet.send_event)
        sender = asyncio.create_task(self._send(websocket, queue))
        try:
            async for message in websocket:
                await self._awake.wait()
                if message.type is WSMsgType.PING:
                    await websocket.pong(message.data)
            await self._awake.wait()
        except ConnectionError:
            pass  # reset: as good as closed
        finally:
            outlet.close()
            self._outlets.discard(outlet)
            sender.cancel()
            for app in apps:
                stasis.disconnect(app, outlet.send_event)
        await websocket.close()
        return websocket

    async def _send(self, websocket: web.WebSocketResponse, queue: asyncio.Queue[list[str]]) -> None:
        try:
            while True:
                for event in await queue.get():
                    await self._awake.wait()
                    await websocket.send_str(event)
        except ConnectionError:
            pass  # the reader notices the end and cleans up


def answer(content: Any) -> web.Response:
    return web.Response(body=json.dumps(content, separators=(",", ":")).encode(), content_type="application/json")


def error(status: int, message: str) -> web.Response:
    response = answer({"message": message})
    response.set_status(status)
    return response
