"""Repeating a journal: the same, or the first difference."""

import msgspec
import pytest

from outdial.core.commands import Connect, Disconnect
from outdial.core.errors import InvariantViolated
from outdial.core.events import DialAccepted, DoNotCallAdded
from outdial.core.units import Now
from outdial.drivers.journal import JournalError, JournalWriter
from outdial.replay import Difference, replay, to_json, to_text


class Echo:
    """A core that connects to the server whose number is the call's."""

    def step(self, now, event):
        if isinstance(event, DoNotCallAdded):
            raise InvariantViolated(f"a bug, planted: {event.number}")
        return [Connect(event.call_id), Disconnect(event.call_id)]


class Different(Echo):
    """Disagrees from call 3 on."""

    def step(self, now, event):
        commands = super().step(now, event)
        return commands if event.call_id < 3 else [*commands[:1], Connect(99)]


@pytest.fixture
def path(tmp_path):
    path, core = tmp_path / "x.journal", Echo()
    with JournalWriter(path, seed=7) as journal:
        for number in range(5):
            event = DialAccepted(number)
            journal.append(Now(number, 9), event, core.step(Now(number, 9), event))
    return path


def fail(path, message):
    line = b'{"now":[9,9],"event":{"DoNotCallAdded":{"number":"1"}},"failed":"%b"}\n' % message
    path.write_bytes(path.read_bytes() + line)


def test_the_same_core_gives_the_same_commands(path):
    result = replay(path, Echo)
    assert result.identical
    assert (result.steps, result.commands, result.torn, result.failure) == (5, 10, False, None)
    assert to_text(result) == "identical: 5 steps, 10 commands"
    assert to_json(result)["difference"] is None


def test_the_first_difference_is_shown(path):
    result = replay(path, Different)
    assert result.difference == Difference(
        line=5,
        now=Now(3, 9),
        event=DialAccepted(3),
        expected=(Connect(3), Disconnect(3)),
        got=(Connect(3), Connect(99)),
    )
    assert (result.identical, result.steps, result.commands) == (False, 3, 6)
    text = to_text(result)
    assert "line 5" in text and "DialAccepted(call_id=3)" in text
    assert "journal  Disconnect(server_id=3)" in text and "now      Connect(server_id=99)" in text
    assert "3 steps came out the same" in text
    shown = msgspec.json.decode(msgspec.json.encode(to_json(result)))["difference"]
    assert shown["event"] == {"DialAccepted": {"call_id": 3}}
    assert shown["got"] == [{"Connect": {"server_id": 3}}, {"Connect": {"server_id": 99}}]


def test_a_recorded_bug_is_reproduced(path):
    fail(path, b"a bug, planted: 1")
    result = replay(path, Echo)
    assert result.identical and result.failure == "a bug, planted: 1"
    assert "ended in a bug" in to_text(result)


def test_a_bug_that_does_not_show_again_is_a_difference(path):
    fail(path, b"another bug")
    result = replay(path, Echo)
    assert result.difference is not None
    assert (result.difference.line, result.difference.expected_failure) == (7, "another bug")
    assert result.difference.got_failure == "a bug, planted: 1"
    assert "now      ended in a bug: a bug, planted: 1" in to_text(result)


def test_a_torn_journal_is_repeated_up_to_the_tear(path):
    path.write_bytes(path.read_bytes()[:-9])
    result = replay(path, Echo)
    assert (result.identical, result.steps, result.torn) == (True, 4, True)
    assert "cut off" in to_text(result)


def test_a_file_that_is_no_journal_is_refused(tmp_path):
    (tmp_path / "x.journal").write_text("name,phone\n")
    with pytest.raises(JournalError):
        replay(tmp_path / "x.journal", Echo)
