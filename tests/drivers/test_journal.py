"""The journal gives back exactly what was written, and refuses what it does not understand."""

import dataclasses
import enum
import json
import types
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialing_story import dialing_story, group
from outdial import __version__
from outdial.core.carry_over import learned
from outdial.core.commands import Command, Connect, Dial, SettleAttempt
from outdial.core.events import (
    CalleeAnswered,
    CallReleased,
    ConfigurationLoaded,
    Event,
    RecordsFetched,
    StatisticsFound,
)
from outdial.core.records import Chain
from outdial.core.settings import Configuration
from outdial.core.units import Now
from outdial.drivers.journal import JournalError, JournalReader, JournalWriter, decode_step, encode_step

EVENTS = typing.get_args(Event)
COMMANDS = typing.get_args(Command)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
NOWS = st.builds(Now, INTEGERS, INTEGERS)


def values(kind: typing.Any) -> st.SearchStrategy:
    """Any value of a type that events and commands are made of."""
    if kind in (int, float, str, bool, type(None)):
        floats = st.floats(allow_nan=False, allow_infinity=False)
        return {int: INTEGERS, float: floats, str: st.text(max_size=8), bool: st.booleans()}.get(kind, st.none())
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{field.name: values(hints[field.name]) for field in dataclasses.fields(kind)})
    if isinstance(kind, type) and hasattr(kind, "_fields"):  # a named tuple
        return st.builds(kind, **{name: values(hint) for name, hint in typing.get_type_hints(kind).items()})
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return st.one_of([values(argument) for argument in arguments])
    assert typing.get_origin(kind) is tuple, f"no strategy for {kind}"
    if arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    return st.tuples(*[values(argument) for argument in arguments])


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_event_comes_back_the_same(kind, data):
    now, event = data.draw(NOWS), data.draw(values(kind))
    step = decode_step(encode_step(now, event, []), 2)
    assert (step.line, step.now, step.event, step.commands, step.failed) == (2, now, event, (), None)
    assert type(step.event) is kind and repr(step.event) == repr(event)


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_command_comes_back_the_same(kind, data):
    command = data.draw(values(kind))
    step = decode_step(encode_step(Now(1, 2), CalleeAnswered(4), [command, Connect(1)]), 2)
    assert step.commands == (command, Connect(1))
    assert type(step.commands[0]) is kind and repr(step.commands[0]) == repr(command)


def test_what_a_group_has_learned_comes_back_to_the_last_digit():
    story = dialing_story(group(1, agents=3))
    story.person_answers(*story.ever(Dial))
    story.advance(70_001)
    event = StatisticsFound(3, 1, learned(story.state, story.state.groups[1]))
    assert 0.0 < event.learned.estimates.hit_ratio.value < 1.0 and len(event.learned.calls.left) > 100
    line = encode_step(Now(1, 2), event, [])
    assert line.startswith(b'{"now":[1,2],"event":{"StatisticsFound":{"request_id":3,"group_id":1,"learned":{"calls":')
    assert decode_step(line, 2).event == event


def test_type_names_are_unique():
    names = [kind.__name__ for kind in (*EVENTS, *COMMANDS)]
    assert len(set(names)) == len(names)


def test_nested_classes_are_covered():
    """The strategies above reach the deep end: configuration, zones, chains, dispositions."""
    hints = typing.get_type_hints(ConfigurationLoaded), typing.get_type_hints(SettleAttempt)
    assert hints[0]["configuration"] is Configuration
    assert "disposition" in hints[1]
    assert typing.get_args(typing.get_type_hints(RecordsFetched)["chains"])[0] is Chain


# --- files --------------------------------------------------------------------------------------------------------


def write(path, count: int = 3) -> None:
    with JournalWriter(path, seed=7) as journal:
        for number in range(count):
            journal.append(Now(number, 1_000 + number), CallReleased(number, 486, 17), [Connect(number)])


def read(path):
    with JournalReader(path) as journal:
        return list(journal), journal


def test_a_journal_begins_with_a_header_and_has_one_line_per_step(tmp_path):
    path = tmp_path / "x.journal"
    write(path)
    lines = path.read_text().splitlines()
    assert json.loads(lines[0]) == {"format": "outdial-journal", "version": 1, "outdial": __version__, "seed": 7}
    assert json.loads(lines[1]) == {
        "now": [0, 1000],
        "event": {"CallReleased": {"call_id": 0, "sip_status": 486, "q850_cause": 17}},
        "commands": [{"Connect": {"server_id": 0}}],
    }
    steps, journal = read(path)
    assert [(step.line, step.event.call_id) for step in steps] == [(2, 0), (3, 1), (4, 2)]
    assert (journal.header.seed, journal.torn) == (7, False)


def test_the_writer_knows_its_position(tmp_path):
    with JournalWriter(tmp_path / "x.journal") as journal:
        assert journal.lines == 1
        journal.append(Now(0, 0), CalleeAnswered(1), [])
        assert journal.lines == 2


def test_the_writer_wants_a_flush_one_second_after_the_first_waiting_step(tmp_path):
    with JournalWriter(tmp_path / "x.journal") as journal:
        assert journal.flush_due() is None
        journal.append(Now(500, 0), CalleeAnswered(1), [])
        journal.append(Now(900, 0), CalleeAnswered(1), [])
        assert journal.flush_due() == 1_500
        journal.flush()
        assert journal.flush_due() is None
        assert (tmp_path / "x.journal").read_bytes().count(b"\n") == 3


def test_a_journal_is_never_overwritten(tmp_path):
    path = tmp_path / "x.journal"
    write(path)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="exists already"):
        JournalWriter(path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_an_operating_error(tmp_path):
    with pytest.raises(JournalError, match="cannot be created"):
        JournalWriter(tmp_path / "missing" / "x.journal")


@pytest.mark.parametrize("cut", [1, 2, 20, 70])
def test_a_torn_last_line_is_left_out_and_reported(tmp_path, cut):
    path = tmp_path / "x.journal"
    write(path)
    path.write_bytes(path.read_bytes()[:-cut])
    steps, journal = read(path)
    if cut == 1:  # only the line feed is missing: the step is whole
        assert (len(steps), journal.torn) == (3, False)
    else:
        assert (len(steps), journal.torn) == (2, True)


def test_a_broken_line_in_the_middle_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "x.journal"
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b'{"now":[1\n', *lines[2:]]))
    with pytest.raises(JournalError, match=r"x\.journal, line 3: "):
        read(path)


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("CallReleased", "CallVanished", "event 'CallVanished' is unknown"),
        ("Connect", "Disengage", "command 'Disengage' is unknown"),
        ("sip_status", "sip_colour", "event CallReleased: unknown to outdial .*: field sip_colour"),
        ('"q850_cause":17', '"q850_cause":17,"mood":1', "field mood"),
        ('"server_id":1', '"server_id":"1"', r"command Connect: Expected `int`, got `str` - at `\$.server_id`"),
        ('"call_id":1,', "", "event CallReleased: .*missing required field `call_id`"),
        ('"now":[1,1001]', '"now":[1]', "length 2"),
        ('"now"', '"then"', "unknown field `then`"),
        ('"event":{', '"event":{"X":{},', "exactly one type name"),
        ("{", "", "Expected `object`"),
        (':{"server', '{"server', "malformed"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(tmp_path, old, new, said):
    path = tmp_path / "x.journal"
    write(path)
    lines = path.read_text().splitlines(keepends=True)
    assert old in lines[2]
    lines[2] = lines[2].replace(old, new, 1)
    path.write_text("".join(lines))
    with pytest.raises(JournalError, match=rf"x\.journal, line 3: .*{said}") as caught:
        read(path)
    assert caught.value.code == "journal"


def test_an_unknown_field_deep_inside_is_named_with_its_path():
    line = encode_step(Now(0, 0), RecordsFetched(1, 1, ()), []).replace(
        b'"chains":[]',
        b'"chains":[{"records":[{"record_id":1,"list_id":1,"number":"1","zone":{"name":"x",'
        b'"offsets":[],"colour":1}}]}]',
    )
    with pytest.raises(ValueError, match=r"field chains\.0\.records\.0\.zone\.colour"):
        decode_step(line, 2)


def test_fields_that_are_left_out_take_their_defaults():
    line = b'{"now": [0, 0], "event": {"CallReleased": {"call_id": 4}}, "commands": []}'
    assert decode_step(line, 2).event == CallReleased(4)


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "line 1: no journal header"),
        (b"name,phone\n", "line 1: no journal header"),
        (b'{"format":"outdial-journal","version":2,"outdial":"9"}\n', "reads outdial-journal version 1"),
        (b'{"format":"diary","version":1,"outdial":"9"}\n', "this is diary version 1"),
        (b"\xff\xfe\n", "line 1: no journal header"),
    ],
)
def test_a_file_that_is_no_journal_is_refused(tmp_path, content, said):
    path = tmp_path / "x.journal"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=said):
        JournalReader(path)


def test_a_missing_file_is_an_operating_error(tmp_path):
    with pytest.raises(JournalError, match="cannot be read: No such file"):
        JournalReader(tmp_path / "x.journal")
