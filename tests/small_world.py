"""A small simulated world, and a hand that gives it commands and writes down what it says.

One switch, two nodes (101 with backup 201, 102 alone), some agents and one list. Callees do what a test wants: `only`
makes everybody the same. Times are short and mostly exact, so that stories can name them.
"""

from dataclasses import replace
from typing import TypeVar

from outdial.core.commands import Command, Connect, Dial, Engage
from outdial.core.events import Event
from outdial.core.modes import DialingMode
from outdial.core.settings import (
    Agent,
    AgentGroup,
    CallingList,
    Campaign,
    CampaignGroup,
    Configuration,
    DialerId,
    DialerKind,
    Node,
    Ocs,
    Switch,
    Zone,
)
from outdial.core.units import Millis
from outdial.sim.settings import (
    CalleeKind,
    CalleeSettings,
    ListShape,
    NodeSettings,
    WorkforceSettings,
    WorldSettings,
)
from outdial.sim.world import World

E = TypeVar("E", bound=Event)

UTC = Zone("UTC", ((0, 0),))


def small_configuration(*, agents: int = 2, mode: DialingMode = DialingMode.PROGRESSIVE) -> Configuration:
    """Two nodes, one campaign group."""
    ids = range(1, agents + 1)
    return Configuration(
        ocs=Ocs(connections=(101, 102)),
        switches=(Switch(1, "switch", 100),),
        nodes=(Node(101, "east", 1, 201, "east-backup"), Node(102, "west", 1)),
        agents=tuple(Agent(agent_id, f"agent{agent_id}", str(7_000 + agent_id)) for agent_id in ids),
        agent_groups=(AgentGroup(1, "team", tuple(ids)),),
        calling_lists=(CallingList(1, "list", UTC),),
        campaigns=(Campaign(1, "campaign", ((1, 10),)),),
        campaign_groups=(
            CampaignGroup(1, "group", 1, 1, mode, DialerId(DialerKind.SWITCH, 1), minimum_record_buffer=10),
        ),
    )


def only(kind: CalleeKind, **changes: object) -> CalleeSettings:
    """Everybody alike: rings 1 s after the request, and for 2 s."""
    settings = CalleeSettings(
        shares=((kind, 1.0),),
        post_dial_ms=(1_000, 1_000),
        person_ring_ms_mean=2_000,
        person_ring_ms_cv=0.0,
        machine_early_ratio=0.0,
        machine_ring_ms_mean=2_000,
        machine_ring_ms_deviation=0,
        verdict_person_ms=(500, 500),
        verdict_machine_ms=(3_000, 3_000),
        person_as_machine_ratio=0.0,
        machine_as_person_ratio=0.0,
        verdict_missing_ratio=0.0,
        talk_ms_mean=10_000,
        talk_ms_cv=0.0,
        patience_ms_mean=10_000_000,
    )
    return replace(settings, **changes)  # type: ignore[arg-type]


def small_settings(callees: CalleeSettings | None = None, **changes: object) -> WorldSettings:
    """Agents who answer at once and do as they should; nodes that act after a millisecond or some."""
    settings = WorldSettings(
        duration_ms=60_000,
        callees=callees or only(CalleeKind.PERSON),
        workforce=WorkforceSettings(
            login_spread_ms=0,
            late_ready_ms_mean=1,
            after_call_work_ms_mean=3_000,
            after_call_work_ms_cv=0.0,
            answer_ms_mean=100,
            no_answer_ratio=0.0,
            break_ratio=0.0,
            drop_engaging_ratio=0.0,
            preview_reject_ratio=0.0,
        ),
        node=NodeSettings(latency_ms_mean=1, connect_ms=100),
        lists=(ListShape(1, 1_000),),
    )
    return replace(settings, **changes)  # type: ignore[arg-type]


class Hand:
    """Drives a world without a dialer.

    Attributes:
        mono_ms: virtual time.
        heard: everything that the world has said. Shape: [(at, event), …].
    """

    def __init__(self, settings: WorldSettings | None = None, configuration: Configuration | None = None) -> None:
        self.world = World(configuration or small_configuration(), settings or small_settings(), seed=1)
        self.mono_ms: Millis = 0
        self.heard: list[tuple[Millis, Event]] = []

    def connect(self, *server_ids: int) -> "Hand":
        """Connect to servers (101 and 102 unless told otherwise) and wait for it."""
        self.give(*(Connect(server_id) for server_id in server_ids or (101, 102)))
        return self.wait(200)

    def give(self, *commands: Command) -> "Hand":
        """Give commands now."""
        for command in commands:
            self.world.carry_out(self.world.reading(self.mono_ms), command)
        return self

    def wait(self, ms: Millis) -> "Hand":
        """Let some time pass."""
        end_ms = self.mono_ms + ms
        while (due_ms := self.world.next_due()) is not None and due_ms <= end_ms:
            due_ms = max(due_ms, self.mono_ms)
            while (event := self.world.pop_due(due_ms)) is not None:
                self.heard.append((due_ms, event))
        self.mono_ms = end_ms
        return self

    def all_of(self, kind: type[E]) -> list[E]:
        """Everything of one kind that was heard so far."""
        return [event for _, event in self.heard if isinstance(event, kind)]

    def at_of(self, kind: type[Event], call_id: int | None = None) -> Millis:
        """When the first of a kind was heard (about a call)."""
        return next(
            at_ms
            for at_ms, event in self.heard
            if isinstance(event, kind) and call_id in (None, getattr(event, "call_id", None))
        )

    def about(self, call_id: int) -> list[str]:
        """Kinds of what was heard about a call, in order."""
        return [type(event).__name__ for _, event in self.heard if getattr(event, "call_id", None) == call_id]


def dial(call_id: int, *, server_id: int = 101, record_id: int = 1, ring_ms_max: Millis = 20_000) -> Dial:
    """A dial request on node 101's primary or the server named; the number follows from the record."""
    node_id = server_id - 100 if server_id >= 200 else server_id
    return Dial(call_id, node_id, server_id, 1, 1, record_id, str(15_550_000_000_000 + record_id), ring_ms_max, True)


def engage(call_id: int, agent_id: int = 1, *, server_id: int = 101) -> Engage:
    """An engage request for an agent's own phone."""
    return Engage(call_id, server_id, server_id, 1, agent_id, str(7_000 + agent_id), 10_000)
