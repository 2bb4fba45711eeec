"""Whatever the bytes are, a wrong file is a ConfigError and nothing else."""

import contextlib
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config_samples import PIECES, text_with
from outdial.config import load, loads
from outdial.config.document import KINDS
from outdial.config.mistakes import VALUE_CHARACTERS_MAX
from outdial.config.options import spellings
from outdial.core.errors import ConfigError

GOOD = text_with()

KEYS = sorted(
    {key for kind in KINDS for key in spellings(kind.model)} | {"treatment", "lists", "world", "nodes", "faults"}
)
SCALARS = st.one_of(
    st.integers(),
    st.integers(0, 3),
    st.floats(),
    st.booleans(),
    st.text(max_size=8),
    st.sampled_from(
        ["main", "north", "sales", "predictive", "power-gvp", "1..3", "..", "{n}", "sim", "x.csv", "09:00"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def toml(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value) if isinstance(value, str) else str(value)


def mistakes_of(text: str) -> list[str] | None:
    """What is wrong with a text; None: nothing."""
    try:
        loads(text, "garbage.toml", Path("/nonexistent"))
    except ConfigError as error:
        return error.mistakes
    return None


def fails_cleanly(text: str) -> None:
    mistakes = mistakes_of(text)
    assert mistakes is None or mistakes
    for line in mistakes or []:
        assert line.startswith("garbage.toml: ") and "\n" not in line


@given(st.text())
@example("\x00")
@example("a = 1\ud800".encode("utf-8", "replace").decode())
@example("[a]\n[a]")
@example("a.b.c = 1\n[a.b]\n")
@example("[[ocs]]\n[ocs]")
def test_any_text(text):
    fails_cleanly(text)


@given(st.binary(max_size=200))
def test_any_bytes(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.toml")
        path.write_bytes(content)
        with contextlib.suppress(ConfigError):
            load(path)


@pytest.mark.slow
@given(
    st.sampled_from([kind.name for kind in KINDS] + ["world"]),
    st.dictionaries(st.sampled_from(KEYS), VALUES),
    st.booleans(),
)
def test_any_values_in_known_keys(kind, values, as_array):
    head = f"[[{kind}]]" if as_array else f"[{kind}]"
    body = "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in values.items())
    pieces = {name: text for name, text in PIECES.items() if f"[{kind}]" not in text}
    fails_cleanly("\n".join([*pieces.values(), head, body]))


@given(st.data())
def test_good_file_with_one_value_replaced(data):
    lines = GOOD.splitlines()
    place = data.draw(st.sampled_from([n for n, line in enumerate(lines) if " = " in line]))
    key = lines[place].partition(" = ")[0]
    lines[place] = f"{key} = {toml(data.draw(VALUES))}"
    fails_cleanly("\n".join(lines))


@given(st.data())
def test_good_file_with_a_piece_cut_out(data):
    start = data.draw(st.integers(0, len(GOOD)))
    fails_cleanly(GOOD[:start] + GOOD[start + data.draw(st.integers(0, 60)) :])


@given(st.text(min_size=VALUE_CHARACTERS_MAX))
def test_long_values_are_shortened(text):
    mistakes = mistakes_of(GOOD + f"[[switch]]\nname = {json.dumps(text)}\n")
    assert mistakes and all(len(line) < 8 * VALUE_CHARACTERS_MAX for line in mistakes)
