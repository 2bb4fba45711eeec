"""An API with tokens, people and sessions in memory, a clock that a test turns, and clients of every kind."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from api_samples import SteppedDialer
from config_samples import load_text, text_with
from outdial.api.access import Caller
from outdial.api.app import make_app
from outdial.api.audit_log import AuditLog
from outdial.api.credentials import Token, User, digest_of, new_secret
from outdial.api.gate import Gate, GateSettings
from outdial.api.live_board import AlarmsOf, LiveBoard
from outdial.api.memory_access import MemoryAccess
from outdial.api.observed import Observability, Webhooks, WebhookStatus
from outdial.api.origins import COOKIE, SECURE_COOKIE, Origins
from outdial.api.parts import ApiParts
from outdial.api.passwords import PasswordCheck, hashed
from outdial.api.protection import Accounts, Protection
from outdial.api.request_limits import RequestLimits
from outdial.api.roles import Role, Scope
from outdial.api.sign_in import SignIns
from outdial.config import Loaded
from outdial.core.errors import OutdialError
from outdial.core.events import AgentBecameReady, AgentLoggedIn, ServerConnected

NOW = 1_800_000_000_000
PASSWORD = "correct horse battery staple"
CHEAP = hashed(PASSWORD, cost=16, lanes=1)
HOST = "127.0.0.1:8042"
PAGE = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}

TWO_CAMPAIGNS = """
[[agent]]
dbid = 8
login = "bob"
phone = "1008"

[[agent-group]]
dbid = 2
name = "night"
agents = ["bob"]

[[calling-list]]
dbid = 2
name = "strangers"
synthetic = 100

[[campaign]]
dbid = 2
name = "autumn"
lists = ["strangers"]

[[campaign-group]]
dbid = 2
name = "west"
campaign = "autumn"
agent-group = "night"
dialing-mode = "progressive"
dialer = "main"
"""


class Away(OutdialError):
    """The database does not answer."""

    code = "store_unavailable"
    retriable = True


class Moody(MemoryAccess):
    """Records that can be out of reach, and that count what they are asked."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.asked = 0

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name not in ("is_away", "asked"):
            self.asked += 1
            if self.is_away:
                raise Away("the database does not answer")
        return super().__getattribute__(name)


def watched() -> Observability:
    """A server with metrics, and with a webhook for each campaign."""

    async def metrics() -> bytes:
        return b"outdial_info 1\n"

    async def retry(name: str) -> int:
        return 0

    events = ("attempt.settled",)
    hooks = [
        WebhookStatus(name, "https://crm.example", events, (campaign,), 0, 0, "")
        for name, campaign in (("crm", "spring"), ("wallboard", "autumn"))
    ]
    webhooks = Webhooks(lambda: hooks, retry)
    return Observability(metrics, "text/plain; charset=utf-8", False, lambda: True, lambda: True, webhooks)


class AccountStory:
    """An application with accounts."""

    def __init__(
        self, origins: Origins | None = None, text: str | None = None, loaded: Loaded | None = None, **protection: Any
    ) -> None:
        self.utc_ms = NOW
        self.lines: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self.records = Moody()
        self.dialer = SteppedDialer((loaded or load_text(text or text_with())).configuration)
        self._all_is_well()
        self.board = LiveBoard(self.dialer, self.alarms_of(), "start")
        origins = origins or Origins()
        self.gate = Gate(self.records, GateSettings(origins), lambda: self.utc_ms)
        self.passwords = PasswordCheck(16)
        self.sign_ins = SignIns(self.gate, self.passwords, lambda: self.utc_ms)
        limits = RequestLimits(origins, **protection.pop("limits", {}))
        parts = ApiParts(
            dialer=self.dialer,
            board=self.board,
            access=self.gate,
            audit=AuditLog(self.records, lambda: self.utc_ms, self.changes.append),
            version="0",
            accounts=Accounts(self.gate, self.sign_ins, self.passwords),
            protection=Protection(limits, tell=self.lines.append, mono_ms=lambda: self.utc_ms, **protection),
            observability=watched(),
            **self.parts(),
        )
        self.app = make_app(parts)
        self.transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=("192.0.2.7", 50_000))

    def parts(self) -> Mapping[str, Any]:
        """Further parts of the API, by name."""
        return {}

    def alarms_of(self) -> AlarmsOf:
        """Alarms that the board shows."""
        return lambda snapshot: ()

    def _all_is_well(self) -> None:
        for node in self.dialer.configuration.nodes:
            self.dialer.tell(ServerConnected(node.dbid))
        for agent in self.dialer.configuration.agents:
            self.dialer.tell(AgentLoggedIn(agent.dbid, agent.phone))
            self.dialer.tell(AgentBecameReady(agent.dbid))

    # --- who is there ------------------------------------------------------------------------------------------------

    async def add_token(
        self,
        secret: str,
        scopes: Iterable[Scope] = tuple(Scope),
        campaigns: frozenset[str] | None = None,
        agent_id: int | None = None,
        expires_utc_ms: int | None = None,
    ) -> str:
        """A token that counts. Returns its id."""
        token_id = digest_of(secret)[:12]
        token = Token(token_id, f"of {token_id}", frozenset(scopes), campaigns, agent_id, NOW, expires_utc_ms)
        assert await self.records.add_token(token, digest_of(secret))
        return token_id

    async def add_user(self, login: str, role: Role = Role.ADMIN, **values: Any) -> None:
        """A person whose password is `PASSWORD`."""
        values = {"campaigns": None, "agent_id": None} | values
        assert await self.records.add_user(User(login, role, password=CHEAP, created_utc_ms=NOW, **values))

    def guest_key(self, name: str = "demo") -> str:
        """A one-time key for somebody who may look."""
        key = new_secret()
        self.sign_ins.expect(key, name, Caller(f"guest {name}", frozenset({Scope.READ})))
        return key

    # --- clients -----------------------------------------------------------------------------------------------------

    def client(self, secret: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A program, with a token or without."""
        if secret is not None:
            headers["authorization"] = f"Bearer {secret}"
        return httpx.AsyncClient(transport=self.transport, base_url=f"http://{HOST}/v1", headers=headers)

    async def browser(self, **credentials: str) -> httpx.AsyncClient:
        """A browser that has signed in, on a page of ours."""
        client = self.client(**PAGE)
        answer = await client.post("/session", json=credentials)
        assert answer.status_code == 200, answer.text
        client.headers["x-csrf-token"] = answer.json()["csrf_token"]
        return client


def cookie_in(answer: httpx.Response) -> str:
    """The value of our cookie in an answer."""
    return answer.cookies.get(COOKIE) or answer.cookies.get(SECURE_COOKIE) or ""
