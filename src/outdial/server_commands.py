"""What commands say to a running server (`outdial --server URL …`) and what they print."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from outdial.api.board import GroupBoard, NodeBoard
from outdial.api.record_reasons import WhyView
from outdial.api.running_settings import ObjectSettings, Value
from outdial.client import Client, Refused
from outdial.core.errors import ConfigError
from outdial.core.modes import DialingMode
from outdial.results_files import utc_text

TOKEN_VARIABLE = "OUTDIAL_TOKEN"
PATIENCE_S = 120.0
"""Longest silence of the server while it looks through its database. Unit: seconds. Ours."""
TAKE_BACK = "default"
"""Instead of a value: the configuration file counts again."""


def client_of(server: str | None) -> Client:
    """The client for a command.

    Raises:
        ConfigError: no server has been named.
        NotReached: its address is none.
    """
    if not server:
        raise ConfigError(["this is asked of a running server: outdial --server URL …, or the variable OUTDIAL_SERVER"])
    return Client(server, os.environ.get(TOKEN_VARIABLE, ""))


def patient_client_of(server: str) -> Client:
    """The same for what the server may take its time for: it looks through its database, beside the dialer."""
    return Client(server, os.environ.get(TOKEN_VARIABLE, ""), timeout_s=PATIENCE_S)


def run_group(client: Client, what: str, group: str, mode: str = "", *, as_json: bool) -> str:
    """Start, stop, pause or resume a campaign group, or change its mode. Returns what is printed."""
    if what == "mode":
        return _group_text(client.change_mode(group, _mode(mode)), as_json=as_json)
    act = {
        "start": client.start_group,
        "stop": client.stop_group,
        "pause": client.pause_group,
        "resume": client.resume_group,
    }[what]
    return _group_text(act(group), as_json=as_json)


def _mode(text: str) -> DialingMode:
    if text not in set(DialingMode):
        raise ConfigError([f'mode = "{text}": there is no such mode; allowed: {", ".join(DialingMode)}'])
    return DialingMode(text)


def _group_text(group: GroupBoard, *, as_json: bool) -> str:
    if as_json:
        return _json(group)
    why = f": {'; '.join(group.holds)}" if group.holds else ""
    return f"{group.name} is {group.state}, {group.mode}{why}"


def run_node(client: Client, what: str, node: str, *, as_json: bool) -> str:
    """Drain, enable or promote a node. Returns what is printed."""
    act = {"drain": client.drain_node, "enable": client.enable_node, "promote": client.promote_node}[what]
    found = act(node)
    return _json(found) if as_json else _node_text(found)


def _node_text(node: NodeBoard) -> str:
    prime = ", prime node" if node.is_prime else ""
    return f"{node.name} is {node.state}, {node.admin}{prime}, {node.calls} calls"


def run_set(client: Client, group: str, assignments: Sequence[str], *, as_json: bool) -> str:
    """Change settings of a campaign group, or only tell them. Returns what is printed."""
    settings = client.change_settings(group, values_of(assignments)) if assignments else client.settings(group)
    if as_json:
        return json.dumps(
            {"settings": [each.model_dump(mode="json") for each in settings.settings]}, ensure_ascii=False
        )
    return _settings_text(settings)


def values_of(assignments: Sequence[str]) -> Mapping[str, Value | None]:
    """`ring-timeout-s=20` as a name and a value; `default` takes a change back.

    Raises:
        ConfigError: some are none: all mistakes.
    """
    values: dict[str, Value | None] = {}
    mistakes = []
    for text in assignments:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            mistakes.append(f"{text}: no setting; allowed: NAME=VALUE, for example ring-timeout-s=20")
        elif name in values:
            mistakes.append(f"{text}: given twice")
        else:
            values[name] = None if value == TAKE_BACK else _value(value)
    if mistakes:
        raise ConfigError(mistakes)
    return values


def _value(text: str) -> Value:
    """A number or a truth value where it is one, else text; quotes make it text in any case."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _settings_text(settings: ObjectSettings) -> str:
    lines = []
    for each in settings.settings:
        line = f"{each.name} = {_shown(each.value)}"
        if each.overridden_by is not None and each.since_utc_ms is not None:
            line += (
                f"  ({each.overridden_by} since {utc_text(each.since_utc_ms)}; in the file: {_shown(each.file_value)})"
            )
        if each.left_out:
            line += f"  WITHOUT EFFECT: {each.left_out}"
        lines.append(line)
    return "\n".join(lines)


def _shown(value: Value | None) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)


def run_server_why(client: Client, which: str, *, as_json: bool) -> str:
    """Why a group, an agent, a node or a record does nothing now. Returns what is printed.

    Raises:
        Refused: the server knows nothing of that name.
    """
    kinds = ["group", "agent", "node"]
    bare = which.removeprefix("+")
    if bare.isascii() and bare.isdigit():
        kinds += ["record"] if not which.startswith("+") else []
        kinds += ["number"] if 3 <= len(bare) <= 20 else []
    for kind in kinds:
        try:
            subjects = client.why(**{kind: which})
        except Refused as error:
            if error.status not in (404, 422):
                raise
        else:
            return _why_text(subjects, as_json=as_json)
    raise Refused(404, "not_found", f"there is no group, agent, node or record {which}")


def _why_text(subjects: Sequence[WhyView], *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"subjects": [each.model_dump(mode="json") for each in subjects]}, ensure_ascii=False)
    lines = []
    for subject in subjects:
        lines.append(
            f"{subject.kind} {subject.name} is {subject.state}" + ("" if subject.reasons else ": nothing keeps it")
        )
        for reason in subject.reasons:
            group = f"{reason.group}: " if reason.group else ""
            ends = reason.ends_when if reason.until_utc_ms is None else f"{utc_text(reason.until_utc_ms)}"
            lines.append(f"  {group}{reason.text}; ends: {ends}")
    return "\n".join(lines)


def _json(model: BaseModel) -> str:
    value: Any = model.model_dump(mode="json")
    return json.dumps(value, ensure_ascii=False)
