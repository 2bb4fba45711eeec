"""What an option is: its spellings, its type and range, its default, its unit, and where all that came from.

Each table of the configuration file is a pydantic model whose fields are made by `option`. The same few words feed
three readers: pydantic checks values, `mistakes` says what is allowed, and the reference page is generated from it.

Ours: an option may be written as the guide and the vendor spell it, or with `-` and `_` exchanged, but not both.
"""

import enum
import functools
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Annotated, Any, ClassVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from outdial.core.results import CallResult

DBID_MAX = 2**31 - 1
DAY_S = 86_400
NAME_CHARACTERS_MAX = 255


class Table(BaseModel):
    """One table of the file. Values are taken as they are: no text for numbers, no `true` for 1, no unknown key."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)
    CHILDREN: ClassVar[Mapping[str, "Child"]] = {}


@dataclass(frozen=True)
class Child:
    """An array of tables inside a table."""

    model: type[Table]
    text: str
    count_min: int = 0
    count_max: int = 1_000
    shorthand: str | None = None
    """Field that a plain value stands for: `lists = ["vip"]` is `lists = [{ calling-list = "vip" }]`."""


@dataclass(frozen=True)
class Option:
    """What the reference page says about an option beyond its type."""

    spelling: str
    source: str
    """`guide`, `vendor` (the vendor's other documents) or `outdial`."""
    unit: str
    allowed: str
    also: tuple[str, ...]
    core: str
    """Field of `outdial.core.settings` that it becomes, as `Class.field`; empty when it stays at the edge."""


def option(
    spelling: str,
    text: str,
    *,
    default: Any = PydanticUndefined,
    source: str = "outdial",
    unit: str = "",
    allowed: str = "",
    also: tuple[str, ...] = (),
    core: str = "",
    **constraints: Any,
) -> Any:
    """Declare one option of a table.

    Args:
        spelling: the option's name in the file, letter for letter as the guide or the vendor spells it.
        text: what it does; one or two sentences.
        default: value when the option is left out; none: the option is required.
        source: who named it: `guide`, `vendor` or `outdial`.
        unit: unit of a quantity.
        allowed: what may be written, when type and range do not say it.
        also: further spellings.
        core: the field of the core's settings that it becomes.
        constraints: pydantic's: `ge`, `le`, `max_length`, ...
    """
    declared = Option(spelling, source, unit, allowed, also, core)
    return Field(default, description=text, json_schema_extra=asdict(declared), **constraints)


def option_of(info: FieldInfo) -> Option:
    """The declaration behind a model's field."""
    return Option(**cast(dict[str, Any], info.json_schema_extra))


@functools.cache
def spellings(model: type[Table]) -> dict[str, str]:
    """Every accepted key of a table. Shape: {key as written: field name}."""
    found: dict[str, str] = {}
    for name, info in model.model_fields.items():
        declared = option_of(info)
        for written in (declared.spelling, *declared.also):
            for key in (written, written.replace("-", "_"), written.replace("_", "-")):
                found[key] = name
    return found


def core_default(owner: type, name: str) -> Any:
    """Default of a field of the core's settings, so that it is written down once."""
    default = next(item for item in fields(owner) if item.name == name).default
    assert default is not MISSING
    return default


def seconds_default(owner: type, name: str) -> float:
    """Default of a field in milliseconds, as seconds; a whole number where it is one."""
    milliseconds: int = core_default(owner, name)
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000


# --- what is allowed, in words -----------------------------------------------------------------------------------


def allowed_text(info: FieldInfo) -> str:
    """What may be written for an option: "a whole number 0 … 1,000,000"."""
    declared = option_of(info)
    if declared.allowed:
        return declared.allowed
    kind = _plain(info.annotation)
    if kind is bool:
        return "true or false"
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
        return "one of " + ", ".join(f'"{member.value}"' for member in kind)
    if kind in (int, float):
        words = "a whole number" if kind is int else "a number"
        return f"{words} {_range(info)}".strip()
    return "text"


def choices_of(info: FieldInfo) -> tuple[str, ...]:
    """All that may be written for an option, if it has few values. Empty: it has many."""
    kind = _plain(info.annotation)
    if kind is bool:
        return "true", "false"
    is_enumeration = isinstance(kind, type) and issubclass(kind, enum.StrEnum)
    return tuple(member.value for member in kind) if is_enumeration else ()


def _plain(annotation: Any) -> Any:
    """`int` for `int`, `int | None` and `Annotated[int, ...]`."""
    inner = [part for part in get_args(annotation) if part is not type(None)]
    return _plain(inner[0]) if inner else annotation


def _range(info: FieldInfo) -> str:
    low = next((item.ge for item in info.metadata if hasattr(item, "ge")), None)
    high = next((item.le for item in info.metadata if hasattr(item, "le")), None)
    return "" if low is None or high is None else f"{low:,} … {high:,}"


# --- kinds of values ---------------------------------------------------------------------------------------------


def _reference(value: object) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("neither a name nor a DBID")
    return value


REFERENCE = "a name (text) or a DBID (whole number)"
Reference = Annotated[str | int, PlainValidator(_reference)]
"""Names another object of the file."""


TIME_OF_DAY = f'"HH:MM" up to "24:00", or seconds since midnight 0 … {DAY_S:,}'


def parse_time_of_day(text: str) -> int | None:
    """Read "HH:MM", "HH:MM:SS" or seconds since midnight; None when it is neither."""
    parts = text.split(":")
    if len(text) > 8 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    if len(parts) == 1:
        seconds = int(text)
    elif len(parts) in (2, 3) and all(len(part) == 2 for part in parts) and max(map(int, parts[1:])) < 60:
        hours, minutes, *rest = map(int, parts)
        seconds = hours * 3600 + minutes * 60 + sum(rest)
    else:
        return None
    return seconds if seconds <= DAY_S else None


def _time_of_day(value: object) -> int:
    if isinstance(value, str) and ":" in value:
        seconds = parse_time_of_day(value)
        if seconds is not None:
            return seconds
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= DAY_S:
        return value
    raise ValueError("not a time of day")


TimeOfDay = Annotated[int, PlainValidator(_time_of_day)]
"""Seconds since local midnight."""


CALL_RESULT = (
    'a call result by name, such as "Busy", "No Answer" or "Answering Machine", or by its number '
    f"0 … {max(CallResult)}; all of them: docs/reference/call-results.md"
)


def _call_result(value: object) -> CallResult:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= max(CallResult):
        return CallResult(value)
    if isinstance(value, str):
        name = value.strip().upper().replace(" ", "_").replace("-", "_")
        for spelled in (name, name.removesuffix("_DETECTED")):
            if spelled in CallResult.__members__:
                return CallResult[spelled]
    raise ValueError("no such call result")


CallResultName = Annotated[CallResult, PlainValidator(_call_result)]

Dbid = Annotated[int, Field(ge=1, le=DBID_MAX)]
Name = Annotated[
    str,
    StringConstraints(max_length=NAME_CHARACTERS_MAX, pattern=r"^[^\s\p{Cc}]([^\p{Cc}]*[^\s\p{Cc}])?$"),
]
NAME = f"text of 1 … {NAME_CHARACTERS_MAX} printable characters, no blank at either end"
Dn = Annotated[str, StringConstraints(max_length=128, pattern=r"^[A-Za-z0-9+*#_./@:-]+$")]
DN = "text of 1 … 128 letters, digits and + * # _ . / @ : -"
