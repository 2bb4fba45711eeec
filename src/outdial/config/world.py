"""The table `[world]`: the knobs of the simulated world, as the simulator's own frozen values.

How tables become dataclasses is in `converter`. Added here: what an operator does during the run is written as
`{ at-s = 60, act = "stop-group", group = "east" }`; `seed` is the run's seed; `start-utc` may be a date and time;
lists, groups and reported ports that the world does not mention are taken from the rest of the file.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from outdial.config.converter import BAD, MS_MAX, Converter, Known, Rules
from outdial.config.loaded import Loaded
from outdial.config.mistakes import Mistakes, kind_of, show_names, suggest
from outdial.core import events
from outdial.core.events import Event
from outdial.core.modes import DialingMode
from outdial.core.settings import Configuration
from outdial.core.units import DAY_MS, Millis, NodeId
from outdial.sim.settings import ListShape, NodeSettings, OperatorAct, WorldSettings

WORLD = "world"
SEED_MAX = 2**63 - 1
ACTS_MAX = 10_000

# Ranges that the name of a field does not tell; the docstrings of `outdial.sim.settings` say them.
RULES = Rules(
    ranges={
        ("WorldSettings", "duration_ms"): (1, MS_MAX),
        ("WorldSettings", "start_utc_ms"): (0, 2_200_000_000_000),
        ("WorkforceSettings", "after_call_work_ms_cv"): (0, 1),
        ("ScriptedFault", "duration_ms"): (-DAY_MS, MS_MAX),
        ("FaultRate", "interval_ms_mean"): (1, MS_MAX),
        ("ListShape", "records"): (0, 10_000_000),
        ("ListShape", "chain_length"): (1, 1_000),
    },
    kinds={
        "node_id": "node",
        "nodes": "node",
        "list_id": "calling-list",
        "groups_to_start": "campaign-group",
        "talk_ms_mean_by_group": "campaign-group",
    },
)

ACTS: Mapping[str, tuple[str, Callable[..., Event]]] = {
    "start-group": ("group", events.GroupStartRequested),
    "stop-group": ("group", events.GroupStopRequested),
    "pause-group": ("group", events.GroupPauseRequested),
    "resume-group": ("group", events.GroupResumeRequested),
    "change-mode": ("group", events.GroupModeChangeRequested),
    "drain-node": ("node", events.NodeDrainRequested),
    "enable-node": ("node", events.NodeEnableRequested),
    "promote-node": ("node", events.NodePromoteRequested),
}
"""What an operator can do. Shape: {act: (what it is done to, event)}."""
_KINDS = {"group": "campaign-group", "node": "node"}


@dataclass(frozen=True)
class _Instant:
    """When an operator acts."""

    at_ms: Millis


def world_settings(loaded: Loaded) -> WorldSettings:
    """The simulated world of a configuration.

    Args:
        loaded: the configuration, with or without a table `[world]`.

    Returns:
        The world: what the file says, the simulator's defaults otherwise. Groups to start and the size of synthetic
        lists come from the rest of the file unless `[world]` says something else.

    Raises:
        ConfigError: there are mistakes in `[world]`. A file that was loaded has none.
    """
    mistakes = Mistakes(loaded.file)
    world = read_world(loaded.world, _known(loaded.configuration), mistakes)
    mistakes.raise_any()
    assert world is not None
    if world.groups_to_start is None:
        world = replace(world, groups_to_start=loaded.start_groups)
    return replace(world, lists=_lists(world.lists, loaded), nodes=_nodes(world, loaded))


def world_seed(loaded: Loaded) -> int | None:
    """The seed in `[world]`; None when it has none."""
    seed = loaded.world.get("seed")
    return seed if isinstance(seed, int) else None


def read_world(raw: Mapping[str, Any], known: Known, mistakes: Mistakes) -> WorldSettings | None:
    """Read the table.

    Args:
        raw: the table as parsed.
        known: the objects of the configuration.
        mistakes: where mistakes go.

    Returns:
        The settings; None when there is a mistake.
    """
    converter = Converter(RULES, known, mistakes)
    rest = dict(raw)
    seed = rest.pop("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= SEED_MAX:
        mistakes.add(f"{WORLD}.seed", "wrong value", f"a whole number 0 … {SEED_MAX}", value=seed)
    _read_start(rest, mistakes)
    acts = _read_acts(rest, converter, mistakes)
    world = converter.dataclass(WorldSettings, rest, WORLD)
    return replace(world, operator_acts=acts) if isinstance(world, WorldSettings) else None


def _read_start(raw: dict[str, Any], mistakes: Mistakes) -> None:
    """Turn `start-utc`, a date and time, into `start_utc_ms`."""
    for key in ("start-utc", "start_utc"):
        if key in raw:
            value = raw.pop(key)
            if isinstance(value, datetime.datetime):
                zoned = value if value.tzinfo is not None else value.replace(tzinfo=datetime.UTC)
                raw["start_utc_ms"] = round(zoned.timestamp() * 1_000)
            else:
                wrong = f"wrong type ({kind_of(value)})"
                mistakes.add(f"{WORLD}.{key}", wrong, "a date and time: 2026-06-10T09:00:00Z", value=value)


def _read_acts(raw: dict[str, Any], converter: Converter, mistakes: Mistakes) -> tuple[OperatorAct, ...]:
    acts = []
    for key in ("operator-acts", "operator_acts"):
        entries = raw.pop(key, [])
        if not isinstance(entries, list) or len(entries) > ACTS_MAX:
            allowed = f"an array of at most {ACTS_MAX:,} tables"
            mistakes.add(f"{WORLD}.{key}", f"wrong type ({kind_of(entries)})", allowed, value=entries)
            continue
        for n, entry in enumerate(entries, 1):
            act = _read_act(entry, n, f"{WORLD}.{key}[#{n}]", converter, mistakes)
            if act is not None:
                acts.append(act)
    return tuple(acts)


def _read_act(raw: object, request_id: int, where: str, converter: Converter, mistakes: Mistakes) -> OperatorAct | None:
    if not isinstance(raw, dict):
        mistakes.add(where, f"wrong type ({kind_of(raw)})", "a table", value=raw)
        return None
    act = raw.get("act")
    if not isinstance(act, str) or act not in ACTS:
        near = suggest(act, ACTS) if isinstance(act, str) else ""
        wrong = "missing" if act is None else "unknown value" + (f"; {near}" if near else "")
        mistakes.add(f"{where}.act", wrong, "one of " + ", ".join(f'"{name}"' for name in ACTS), value=act or "")
        return None
    target, event = ACTS[act]
    needed = {target, "mode"} if act == "change-mode" else {target}
    arguments = [request_id]
    for key in sorted(needed):
        if key not in raw:
            mistakes.add(f"{where}.{key}", f"missing; {act} needs it", f"the {key}")
            return None
    arguments.append(converter.reference(_KINDS[target], raw[target], f"{where}.{target}"))
    if "mode" in needed:
        arguments.append(converter.value(DialingMode, raw["mode"], f"{where}.mode", RULES.limits(OperatorAct, "", 0)))
    times = {key: value for key, value in raw.items() if key not in needed and key != "act"}
    unknown = [key for key in times if key.replace("_", "-") not in ("at-ms", "at-s", "at-min", "at-h")]
    for key in unknown:
        mistakes.add(f"{where}.{key}", "unknown key", show_names(["at-s", "act", *sorted(needed)]), value=times[key])
    timed = {key: value for key, value in times.items() if key not in unknown}
    instant = converter.dataclass(_Instant, timed, where)
    if unknown or instant is BAD or BAD in arguments:
        return None
    return OperatorAct(instant.at_ms, event(*arguments))


def _lists(shapes: tuple[ListShape, ...], loaded: Loaded) -> tuple[ListShape, ...]:
    """Synthetic lists have the size that the calling list says, unless the world says another."""
    counts = {list_id: source for list_id, source in loaded.list_files.items() if isinstance(source, int)}
    raw = loaded.world.get("lists", [])
    found = []
    for shape, entry in zip(shapes, raw, strict=True):
        count = None if "records" in entry else counts.get(shape.list_id)
        found.append(shape if count is None else replace(shape, records=count))
    named = {shape.list_id for shape in shapes}
    return (*found, *(ListShape(list_id, count) for list_id, count in counts.items() if list_id not in named))


def _nodes(world: WorldSettings, loaded: Loaded) -> tuple[tuple[NodeId, NodeSettings], ...]:
    """Nodes whose servers have `total-ports` report them, unless the world says something else about the node."""
    nodes = dict(world.nodes)
    for node in loaded.configuration.nodes:
        ports = loaded.edge[node.dbid].total_ports
        if ports is not None and node.dbid not in nodes:
            nodes[node.dbid] = replace(world.node, capacity_ports=ports, reports_total_ports=True)
    return tuple(nodes.items())


def _known(configuration: Configuration) -> Known:
    return {
        "node": {node.name: node.dbid for node in configuration.nodes},
        "calling-list": {item.name: item.dbid for item in configuration.calling_lists},
        "campaign-group": {group.name: group.dbid for group in configuration.campaign_groups},
    }
