"""From raw TOML tables to checked ones: spellings, unknown keys, types and ranges.

A table with a mistake is not thrown away: its good values go into a partial table, so that the checks between tables
still see them and every mistake of a file is found in one go. Ask `Row.has` before using a value.
"""

import enum
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from outdial.config.mistakes import Mistakes, kind_of, show_key, show_names, show_value, suggest
from outdial.config.options import Child, Table, allowed_text, option_of, spellings

T = TypeVar("T", bound=Table)
C = TypeVar("C", bound=Table)

_OUT_OF_RANGE = {"greater_than_equal", "less_than_equal", "greater_than", "less_than", "finite_number"}


@dataclass
class Row(Generic[T]):
    """One table of the file as read."""

    label: str
    """`switch[main]`."""
    table: T
    """Checked values. Of a table with mistakes only those for which `has` says yes."""
    written: dict[str, str]
    """Key as written, per field that is present in the file."""
    raw: dict[str, Any]
    """Value as written, per field that is present in the file."""
    bad: frozenset[str] = frozenset()
    """Fields that are missing or wrong."""
    children: dict[str, list["Row[Any]"]] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        """Whether all these fields have good values."""
        return self.bad.isdisjoint(names)

    def given(self, name: str) -> bool:
        """Whether the file sets this option, rightly or wrongly."""
        return name in self.written

    def key(self, name: str) -> str:
        """Where a field stands, as the file spells it."""
        spelling = self.written.get(name) or option_of(type(self.table).model_fields[name]).spelling
        return f"{self.label}.{show_key(spelling)}"

    def shown(self, name: str) -> object:
        """Value of a field as the file has it, or its default."""
        return self.raw.get(name, getattr(self.table, name, None))

    def child_rows(self, model: type[C], name: str) -> list["Row[C]"]:
        """The tables of an array inside this table."""
        return [row for row in self.children.get(name, []) if isinstance(row.table, model)]


def label_of(kind: str, raw: object, number: int) -> str:
    """`switch[main]` or, for a table without a name, `switch[#2]`."""
    name = raw.get("login" if kind == "agent" else "name") if isinstance(raw, dict) else None
    return f"{kind}[{show_value(name)[1:-1]}]" if isinstance(name, str) and name.strip() else f"{kind}[#{number}]"


def read_rows(model: type[T], raw: object, kind: str, count_max: int, mistakes: Mistakes) -> list[Row[T]]:
    """Read an array of tables.

    Args:
        model: what each table is.
        raw: the value in the file; not yet known to be an array.
        kind: name of the array in the file.
        count_max: most tables that are taken.
        mistakes: where mistakes go.
    """
    if raw is None:
        return []
    if not isinstance(raw, list):
        mistakes.add(kind, f"wrong type ({kind_of(raw)})", f"[[{kind}]], once per object")
        return []
    if len(raw) > count_max:
        mistakes.add(kind, f"{len(raw):,} tables", f"at most {count_max:,}")
    rows: dict[str, Row[T]] = {}
    for n, item in enumerate(raw[:count_max], 1):
        label = label_of(kind, item, n)
        if label in rows:
            label = f"{label[:-1]}, #{n}]"
        rows[label] = read_row(model, item, label, mistakes)
    return list(rows.values())


def read_row(model: type[T], raw: object, label: str, mistakes: Mistakes) -> Row[T]:
    """Read one table."""
    if not isinstance(raw, dict):
        mistakes.add(label, f"wrong type ({kind_of(raw)})", "a table", value=raw)
        return Row(label, model.model_construct(), {}, {}, frozenset(model.model_fields))
    written: dict[str, str] = {}
    values: dict[str, Any] = {}
    children: dict[str, list[Row[Any]]] = {}
    keys = spellings(model)
    for key, value in raw.items():
        name = keys.get(key)
        if key in model.CHILDREN:
            children[key] = _read_children(model.CHILDREN[key], key, value, label, mistakes)
        elif name is None:
            _add_unknown_key(model, label, key, value, mistakes)
        elif name in written:
            both = f"{show_key(written[name])} and {show_key(key)} are the same option"
            mistakes.add(f"{label}.{show_key(key)}", f"given twice: {both}", "one of them", value=value)
        else:
            written[name], values[name] = key, value
    for key, child in model.CHILDREN.items():
        if child.count_min and not children.get(key) and not isinstance(raw.get(key), list | dict):
            mistakes.add(f"{label}.{key}", "missing", f"at least {child.count_min}")
        elif len(children.get(key, [])) < child.count_min:
            mistakes.add(f"{label}.{key}", "empty", f"at least {child.count_min}")
    return _check_values(Row(label, model.model_construct(), written, values, frozenset(), children), mistakes)


def _read_children(child: Child, key: str, raw: object, label: str, mistakes: Mistakes) -> list[Row[Any]]:
    where = f"{label}.{key}"
    if not isinstance(raw, list):
        mistakes.add(where, f"wrong type ({kind_of(raw)})", "an array of tables", value=raw)
        return []
    if len(raw) > child.count_max:
        mistakes.add(where, f"{len(raw):,} entries", f"at most {child.count_max:,}")
    rows = []
    for n, item in enumerate(raw[: child.count_max], 1):
        if child.shorthand and isinstance(item, str | int) and not isinstance(item, bool):
            item = {child.shorthand: item}
        rows.append(read_row(child.model, item, f"{where}[#{n}]", mistakes))
    return rows


def _add_unknown_key(model: type[Table], label: str, key: str, value: object, mistakes: Mistakes) -> None:
    official = [option_of(info).spelling for info in model.model_fields.values()] + list(model.CHILDREN)
    if key.replace("_", "-").casefold() in ("password", "secret", "token"):
        wrong = "a secret is not written into the configuration"
        allowed = show_names(name for name in official if name.startswith("password-")) or show_names(official)
        mistakes.add(f"{label}.{show_key(key)}", wrong, allowed, value=value)
        return
    hint = suggest(key, [*spellings(model), *model.CHILDREN])
    wrong = "unknown key" + (f"; {hint}" if hint else "")
    mistakes.add(f"{label}.{show_key(key)}", wrong, show_names(official), value=value)


def _check_values(row: Row[T], mistakes: Mistakes) -> Row[T]:
    """Check types and ranges; of a wrong table keep what is good."""
    model, values = type(row.table), row.raw
    try:
        row.table = model.model_validate(values)
        return row
    except ValidationError as error:
        problems = error.errors(include_url=False)
    bad: dict[str, ErrorDetails] = {}
    for problem in problems:
        bad.setdefault(str(problem["loc"][0]), problem)
    for name, problem in bad.items():
        _add_problem(row, name, problem, mistakes)
    partial = model.model_construct()
    for name, value in values.items():
        if name not in bad:
            model.__pydantic_validator__.validate_assignment(partial, name, value)
    row.table, row.bad = partial, frozenset(bad)
    return row


def _add_problem(row: Row[T], name: str, problem: ErrorDetails, mistakes: Mistakes) -> None:
    info, value = type(row.table).model_fields[name], row.raw.get(name)
    where, allowed, kind = row.key(name), allowed_text(info), problem["type"]
    if kind == "missing":
        mistakes.add(where, "missing", allowed)
        return
    place = problem["loc"][1:]
    if place and isinstance(place[0], int) and isinstance(value, list) and place[0] < len(value):
        where, value = f"{where}[#{place[0] + 1}]", value[place[0]]
    if kind in _OUT_OF_RANGE:
        wrong = "out of range"
    elif kind == "enum" and isinstance(value, str):
        hint = suggest(value, _members(info.annotation))
        wrong = "unknown value" + (f"; {hint}" if hint else "")
    elif kind == "value_error":
        wrong = str(problem.get("ctx", {}).get("error", "wrong value"))
    elif kind == "too_short":
        wrong = "empty"
    elif kind in ("too_long", "string_too_long"):
        wrong = "too long"
    elif kind == "string_pattern_mismatch":
        wrong = "empty" if value == "" else "not in this form"
    else:
        wrong = f"wrong type ({kind_of(value)})"
    mistakes.add(where, wrong, allowed, value=value)


def _members(annotation: Any) -> list[str]:
    """What an enumeration's members are called in the file."""
    if not (isinstance(annotation, type) and issubclass(annotation, enum.Enum)):
        return []
    return [str(member.value) for member in annotation]
