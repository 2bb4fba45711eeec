"""The agenda keeps order; the calendar may be stepped."""

from outdial.core.events import AgentBecameReady
from outdial.sim.clock import Agenda, Calendar


def test_what_is_noted_first_happens_first():
    agenda, done = Agenda(), []
    for name in "abc":
        agenda.add(5, lambda _at_ms, _serial, subject: done.append(subject), name)
    agenda.add(4, lambda _at_ms, _serial, subject: done.append(subject), "earlier")
    assert agenda.pop_due(5) is None
    assert done == ["earlier", "a", "b", "c"]


def test_nothing_happens_before_its_time():
    agenda, done = Agenda(), []
    agenda.add(10, lambda at_ms, _serial, _subject: done.append(at_ms), None)
    assert agenda.next_due() == 10
    assert agenda.pop_due(9) is None
    assert done == []


def test_one_action_may_tell_several_things_and_in_order():
    agenda = Agenda()

    def speak(_at_ms, _serial, _subject):
        agenda.emit(AgentBecameReady(1))
        agenda.emit(AgentBecameReady(2))

    agenda.add(3, speak, None)
    assert agenda.pop_due(3) == AgentBecameReady(1)
    assert agenda.next_due() == 3
    assert agenda.pop_due(3) == AgentBecameReady(2)
    assert agenda.next_due() is None


def test_utc_can_be_stepped_without_touching_monotonic_time():
    calendar = Calendar(1_000_000)
    assert calendar.reading(5) == (5, 1_000_005)
    calendar.step(-3_600_000)
    assert calendar.reading(6) == (6, 1_000_006 - 3_600_000)
