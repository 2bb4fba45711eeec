"""Made-up snapshots for tests of what is drawn from them."""

from dataclasses import replace

from outdial.core.modes import DialingMode
from outdial.core.settings import DialerId, DialerKind
from outdial.core.snapshot import GroupCounts, GroupPorts, GroupView, NodeView, PoolView, Snapshot

SWITCH = DialerId(DialerKind.SWITCH, 1)


def group_view(number: int, name: str, **changes) -> GroupView:
    """A running group; `maximum`, `used`, `need_millis`, `reason` go into its ports, `attempts` … into its counts."""
    ports = GroupPorts(
        maximum_ports=changes.pop("maximum", 20),
        used_ports=changes.pop("used", 12),
        regular_ports=0,
        engaging_ports=0,
        engaging_maximum_ports=None,
        need_millis=changes.pop("need_millis", 20_000),
        need_engaging_millis=0,
        peak_millis=changes.pop("peak_millis", 32_000),
        peak_engaging_millis=0,
        reserved_ports=0,
        rule="proportion",
        reason=changes.pop("reason", "needs 20 of the 50 ports that all groups need: 40 of 100 ports in proportion"),
        since_mono_ms=0,
    )
    counts = GroupCounts(
        attempts=changes.pop("attempts", 100),
        answered=changes.pop("answered", 40),
        connected=38,
        abandoned=changes.pop("abandoned", 1),
        dropped=1,
        results=(("busy", 60), ("answer", 40)),
        node_faults=0,
    )
    view = GroupView(
        group_id=number,
        name=name,
        state="running",
        mode=DialingMode.PREDICTIVE,
        pacing="predictive",
        dialer=SWITCH,
        node_id=None,
        ports=ports,
        agents_logged_in=10,
        agents_ready=2,
        agents_busy=7,
        dialing=5,
        ringing=3,
        answered=1,
        waiting=0,
        connected=7,
        buffered_chains=50,
        counts=counts,
        abandon_millis=20,
        decisions=(),
        holds=(),
    )
    return replace(view, **changes)


def node_view(number: int, name: str, **changes) -> NodeView:
    """An active node on its primary."""
    view = NodeView(
        node_id=number,
        name=name,
        state="on primary",
        admin="enabled",
        is_prime=False,
        server_id=number,
        calls=6,
        requests=120,
        faults=0,
        note="",
        since_mono_ms=0,
    )
    return replace(view, **changes)


def pool_view(**changes) -> PoolView:
    """The switch's pool."""
    view = PoolView(
        dialer=SWITCH,
        name="cluster",
        ports=60,
        source="channel_num",
        used_ports=24,
        reserved_ports=0,
        dynamic=True,
        shortage=False,
        recalculated_at_mono_ms=0,
        note="",
    )
    return replace(view, **changes)


def snapshot(groups=(), nodes=(), pools=(), **changes) -> Snapshot:
    """A dialer at 65 seconds."""
    view = Snapshot(
        mono_ms=65_000,
        utc_ms=1_700_000_065_000,
        groups=tuple(groups),
        pools=tuple(pools),
        nodes=tuple(nodes),
        agents=(),
        prime_node_id=1,
        stops=(),
        late_events=0,
        ignored_dn_events=0,
        unknown_results=0,
        agent_groups=(),
    )
    return replace(view, **changes)
