"""Random worlds: a configuration and every knob of its world, drawn from one seed.

Swarm testing: each seed leaves out whole kinds of things (modes, callees, faults, options) and gives the rest wildly
different weights, so that rare combinations are as likely as common ones. Everything is quick (rings of a second,
conversations of some seconds), so that a second of computing time sees hundreds of attempts.

`knobs` prints all of it: a failure is told with everything that led to it.
"""

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from outdial.core.events import (
    ConfigurationLoaded,
    Event,
    GroupModeChangeRequested,
    GroupPauseRequested,
    GroupResumeRequested,
    GroupStartRequested,
    GroupStopRequested,
    NodeDrainRequested,
    NodeEnableRequested,
    NodePromoteRequested,
)
from outdial.core.modes import DialingMode
from outdial.core.settings import Configuration
from outdial.core.units import SECOND_MS, Millis
from outdial.sim.draws import Stream
from outdial.sim.random_configuration import random_configuration
from outdial.sim.settings import (
    CalleeKind,
    CalleeSettings,
    FaultKind,
    FaultRate,
    FaultSettings,
    IvrSettings,
    ListShape,
    NodeSettings,
    OperatorAct,
    WorkforceSettings,
    WorldSettings,
)

ATTEMPTS_WANTED = 4_000
"""Attempts that a random run is sized for; few runs have less than a third of it. Ours: about a second of computing."""
DURATION_MS: tuple[Millis, Millis] = (60 * SECOND_MS, 900 * SECOND_MS)
"""Shortest and longest fault time. Unit: ms."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world with its configuration and its seed."""

    seed: int
    configuration: Configuration
    settings: WorldSettings


def random_scenario(seed: int) -> Scenario:
    """Draw a world. The same seed gives the same world, always."""
    configuration = random_configuration(seed)
    dice = Stream(seed, "scenario")
    duration_ms = _duration_ms(configuration, dice)
    settings = WorldSettings(
        start_utc_ms=1_781_082_000_000 + dice.between(-60, 60) * SECOND_MS,
        duration_ms=duration_ms,
        cool_down_ms=30 * SECOND_MS,
        settle_ms_max=400 * SECOND_MS,
        groups_to_start=tuple(
            group.dbid for group in configuration.campaign_groups if group.dbid == 1 or dice.chance(0.9)
        ),
        operator_acts=_by_time(
            (_operator_acts(configuration, duration_ms, dice) if dice.chance(0.6) else ())
            + _pauses_and_promotions(configuration, duration_ms, seed)
        ),
        callees=_callees(configuration, dice),
        ivr=IvrSettings(dice.between(500, 5_000), dice.ratio(0.1, 1.0), dice.ratio()),
        workforce=replace(
            _workforce(duration_ms, dice), leave_announce_ms=_leave_announce_ms(seed), **_what_agents_say(seed)
        ),
        node=_node(dice),
        nodes=tuple((node.dbid, _node(dice)) for node in configuration.nodes if dice.chance(0.4)),
        lists=tuple(
            ListShape(
                calling_list.dbid,
                round(dice.log_between(50, 20_000)) if dice.chance(0.2) else 8_000,
                dice.pick((1, 1, 2, 3)),
                dice.pick((0.0, 0.0, 0.1, 0.5)),
                0.05 if seed % 5 == 2 else 0.0,
            )
            for calling_list in configuration.calling_lists
        ),
        store_ms=(1, dice.pick((2, 20, 500))),
        faults=_faults(duration_ms, dice) if dice.chance(0.85) else FaultSettings(),
        dn_events_from_all_nodes=dice.chance(0.4),
    )
    return Scenario(seed, configuration, settings)


def _duration_ms(configuration: Configuration, dice: Stream) -> Millis:
    """Long enough for the attempts that are wanted, as far as agents and ports let one guess."""
    ports = sum(switch.channel_num for switch in configuration.switches)
    ports += sum(node.ports or 0 for node in configuration.nodes)
    queues = sum(group.maximum_queue_size for group in configuration.campaign_groups)
    per_s = min(ports, len(configuration.agents) + queues) * dice.ratio(0.15, 0.4)
    low, high = DURATION_MS
    return min(high, max(low, round(1_000 * ATTEMPTS_WANTED / per_s)))


def _callees(configuration: Configuration, dice: Stream) -> CalleeSettings:
    kinds = [CalleeKind.PERSON] if dice.chance(0.95) else []
    kinds += [kind for kind in CalleeKind if kind is not CalleeKind.PERSON and dice.chance(0.6)]
    kinds = kinds or [CalleeKind.BUSY]
    ring_ms = dice.between(200, 4_000)
    return CalleeSettings(
        shares=tuple((kind, dice.log_between(0.05, 1.0)) for kind in kinds),
        person_factors=((dice.between(0, 100_000), dice.pick((0.0, 0.3, 3.0))),) if dice.chance(0.3) else (),
        post_dial_ms=(dice.between(0, 200), dice.between(200, 1_500)),
        person_ring_ms_mean=ring_ms,
        person_ring_ms_cv=dice.ratio(0.1, 1.0),
        person_ring_ms_max=6 * ring_ms,
        machine_early_ratio=dice.ratio(),
        machine_early_ms_max=dice.between(0, 1_000),
        machine_ring_ms_mean=dice.between(500, 6_000),
        machine_ring_ms_deviation=dice.between(0, 1_000),
        verdict_person_ms=(dice.between(0, 200), dice.between(200, 1_600)),
        verdict_machine_ms=(dice.between(0, 500), dice.between(500, 4_000)),
        person_as_machine_ratio=dice.pick((0.0, 0.02, 0.3)),
        machine_as_person_ratio=dice.pick((0.0, 0.05, 0.5)),
        verdict_missing_ratio=dice.pick((0.0, 0.005, 0.2)),
        talk_ms_mean=dice.between(500, 12_000),
        talk_ms_cv=dice.ratio(0.1, 1.5),
        talk_ms_mean_by_group=tuple(
            (group.dbid, dice.between(200, 20_000)) for group in configuration.campaign_groups if dice.chance(0.2)
        ),
        machine_talk_ms_mean=dice.between(100, 4_000),
        patience_ms_mean=round(dice.log_between(300, 60_000)),
        machine_stays_ms=dice.between(1_000, 30_000),
    )


def _workforce(duration_ms: Millis, dice: Stream) -> WorkforceSettings:
    ends_early = dice.chance(0.1)
    return WorkforceSettings(
        shift_start_ms=dice.pick((0, 0, 5_000)),
        login_spread_ms=dice.between(0, 20_000),
        shift_end_ms=round(duration_ms * dice.ratio(0.5, 1.1)) if ends_early else None,
        late_ready_ms_mean=dice.between(1, 3_000),
        after_call_work_ms_mean=dice.between(0, 6_000),
        after_call_work_ms_cv=dice.ratio(),
        answer_ms_mean=round(dice.log_between(10, 2_000)),
        no_answer_ratio=dice.pick((0.0, 0.01, 0.3)),
        missed_call_pause_ms_mean=dice.between(100, 5_000),
        break_ratio=dice.pick((0.0, 0.02, 0.3)),
        break_ms_mean=dice.between(500, 20_000),
        drop_engaging_ratio=dice.pick((0.0, 0.05, 0.5)),
        phone_loss_interval_ms_mean=dice.pick((0, 0, 20_000, 200_000)),
        phone_loss_ms_mean=dice.between(100, 10_000),
        preview_ms_mean=dice.between(100, 2_000),
        preview_reject_ratio=dice.pick((0.0, 0.1, 0.8)),
        preview_cancel_ratio=dice.ratio(),
        preview_ask_ms=dice.between(500, 10_000),
    )


def _what_agents_say(seed: int) -> dict[str, Any]:
    """Drawn apart, so that worlds stay what they were otherwise."""
    dice = Stream(seed, "what agents say")
    return {
        "callback_ratio": dice.pick((0.0, 0.1, 0.5)),
        "callback_personal_ratio": dice.pick((0.5, 1.0)),
        "callback_ms_mean": dice.between(1_000, 60_000),
        "disposition_ratio": dice.pick((0.0, 0.1, 0.3)),
    }


def _leave_announce_ms(seed: int) -> Millis:
    """With dice of its own: the other knobs of a world are what they were before anybody announced anything."""
    return Stream(seed, "announcements").pick((0, 0, 0, 2_000, 8_000, 30_000))


def _node(dice: Stream) -> NodeSettings:
    capacity = round(dice.log_between(2, 200)) if dice.chance(0.3) else None
    return NodeSettings(
        capacity_ports=capacity,
        reports_total_ports=capacity is not None and dice.chance(0.8),
        refuses_by_release=dice.chance(0.5),
        latency_ms_mean=round(dice.log_between(1, 400)),
        connect_ms=round(dice.log_between(1, 2_000)),
        ha_calls=dice.chance(0.2),
    )


def _faults(duration_ms: Millis, dice: Stream) -> FaultSettings:
    """Some kinds not at all, the others from once a run to all the time."""
    kinds = [kind for kind in FaultKind if dice.chance(0.4)]
    rates = []
    for kind in kinds:
        interval_ms = round(dice.log_between(duration_ms / 20, duration_ms))
        length_ms = round(dice.log_between(100, 30_000))
        if kind is FaultKind.CLOCK_STEP:
            length_ms = round(dice.log_between(100, 7_200_000))
        rates.append(FaultRate(kind, interval_ms, length_ms, dice.log_between(0.01, 0.9)))
    return FaultSettings(
        rates=tuple(rates),
        late_ms_mean=round(dice.log_between(10, 10_000)),
        stale_request_ratio=dice.pick((0.0, 0.5, 1.0)),
    )


def _operator_acts(configuration: Configuration, duration_ms: Millis, dice: Stream) -> tuple[OperatorAct, ...]:
    """An operator who tries things; requests that make no sense are refused, which is also worth seeing.

    Whatever was tried, when the fault time is over every node may be used and every group is told to start.
    """
    acts: list[OperatorAct] = []
    for request_id in range(1, dice.between(1, 12) + 1):
        group = dice.pick(configuration.campaign_groups).dbid
        node = dice.pick(configuration.nodes).dbid
        choices: tuple[tuple[Event, Event | None], ...] = (
            (GroupStopRequested(request_id, group), GroupStartRequested(20 + request_id, group)),
            (NodeDrainRequested(request_id, node), NodeEnableRequested(20 + request_id, node)),
            (GroupModeChangeRequested(request_id, group, dice.pick(tuple(DialingMode))), None),
            (ConfigurationLoaded(_reload(configuration, dice)), None),
        )
        act, opposite = dice.pick(choices)
        at_ms = dice.between(0, duration_ms)
        acts.append(OperatorAct(at_ms, act))
        if opposite is not None and dice.chance(0.8):
            acts.append(OperatorAct(min(duration_ms, at_ms + round(dice.log_between(1, 60_000))), opposite))
    end_ms = duration_ms + 1
    acts += [OperatorAct(end_ms, NodeEnableRequested(50 + n.dbid, n.dbid)) for n in configuration.nodes]
    acts += [OperatorAct(end_ms, GroupStartRequested(40 + g.dbid, g.dbid)) for g in configuration.campaign_groups]
    return _by_time(tuple(acts))


def _pauses_and_promotions(configuration: Configuration, duration_ms: Millis, seed: int) -> tuple[OperatorAct, ...]:
    """With dice of their own: worlds without them are what they were before there were any."""
    dice = Stream(seed, "pauses and promotions")
    if not dice.chance(0.4):
        return ()
    acts: list[OperatorAct] = []
    for request_id in range(100, 100 + dice.between(1, 8)):
        at_ms, group = dice.between(0, duration_ms), dice.pick(configuration.campaign_groups).dbid
        if dice.chance(0.3):
            acts.append(OperatorAct(at_ms, NodePromoteRequested(request_id, dice.pick(configuration.nodes).dbid)))
            continue
        acts.append(OperatorAct(at_ms, GroupPauseRequested(request_id, group)))
        resumed_at_ms = min(duration_ms, at_ms + round(dice.log_between(1, 30_000)))
        acts.append(OperatorAct(resumed_at_ms, GroupResumeRequested(20 + request_id, group)))
    end_ms = duration_ms + 1
    acts += [OperatorAct(end_ms, GroupResumeRequested(150 + g.dbid, g.dbid)) for g in configuration.campaign_groups]
    return tuple(acts)


def _by_time(acts: tuple[OperatorAct, ...]) -> tuple[OperatorAct, ...]:
    """In the order in which they are done."""
    return tuple(sorted(acts, key=lambda act: act.at_ms))


def _reload(configuration: Configuration, dice: Stream) -> Configuration:
    """The same objects with other ports."""
    switches = tuple(
        replace(
            switch,
            channel_num=max(1, round(switch.channel_num * dice.log_between(0.2, 3.0))),
            dynamic_port_allocation=dice.chance(0.7),
        )
        for switch in configuration.switches
    )
    groups = tuple(
        replace(group, number_of_cpd_ports=dice.between(1, 12))
        if group.number_of_cpd_ports and dice.chance(0.5)
        else group
        for group in configuration.campaign_groups
    )
    return replace(configuration, switches=switches, campaign_groups=groups)


# --- as text ----------------------------------------------------------------------------------


def knobs(scenario: Scenario) -> str:
    """Every knob of a scenario, one per line: `settings.callees.talk_ms_mean = 5000`."""
    lines: list[str] = []
    _print(scenario, "", lines)
    return "\n".join(lines)


def _print(value: Any, name: str, lines: list[str]) -> None:
    if is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, Configuration) and name != "configuration":
            lines.append(f"{name} = the configuration with {value.switches} {_ports_of(value)}")
            return
        for field in fields(value):
            _print(getattr(value, field.name), f"{name}.{field.name}" if name else field.name, lines)
    elif isinstance(value, tuple) and value and all(is_dataclass(item) for item in value):
        for place, item in enumerate(value):
            lines.append(f"{name}[{place}] = {_short(item)}")
    elif isinstance(value, float):
        lines.append(f"{name} = {value:.4g}")
    else:
        lines.append(f"{name} = {value}")


def _ports_of(configuration: Configuration) -> str:
    return str({group.dbid: group.number_of_cpd_ports for group in configuration.campaign_groups})


def _short(item: Any) -> str:
    """A small object on one line, without what has the default value."""
    if isinstance(item, OperatorAct) and isinstance(item.event, ConfigurationLoaded):
        configuration = item.event.configuration
        return f"at {item.at_ms} ms: reload with {configuration.switches} {_ports_of(configuration)}"
    return str(item)
