"""Agents' phones: device states as Asterisk tells them."""

import pytest

from outdial.core.commands import SubscribePhones
from outdial.core.events import PhoneState, PhoneStateChanged
from outdial.drivers.ami.phones import Phones
from outdial.drivers.ami.requests import DialStrings
from outdial.drivers.ami.wire import Message


def changed(device, state, **more):
    return Message("DeviceStateChange", "", {"Device": device, "State": state, **more}, {})


def complete(action_id):
    return Message("DeviceStateListComplete", "", {"ActionID": action_id}, {})


def following(*phones, strings=None):
    """Phones that are followed, with the list already told: all of them unreachable."""
    followed = Phones(strings or DialStrings())
    (action,) = followed.subscribe(SubscribePhones(101, 101, phones))
    assert action.name == "DeviceStateList"
    followed.hear(complete("phones-1"))
    return followed


def test_list_is_told_when_it_is_complete_and_a_phone_not_in_it_is_unreachable():
    phones = Phones(DialStrings())
    (action,) = phones.subscribe(SubscribePhones(101, 101, ("7101", "7102")))
    action_id = dict(action.fields)["ActionID"]
    assert phones.hear(changed("PJSIP/7101", "NOT_INUSE", ActionID=action_id)) == []
    assert phones.hear(changed("PJSIP/trunk", "INUSE", ActionID=action_id)) == []
    assert phones.hear(complete(action_id)) == [
        PhoneStateChanged(101, "7101", PhoneState.IDLE),
        PhoneStateChanged(101, "7102", PhoneState.UNREACHABLE),
    ]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("NOT_INUSE", PhoneState.IDLE),
        ("INUSE", PhoneState.BUSY),
        ("BUSY", PhoneState.BUSY),
        ("ONHOLD", PhoneState.BUSY),
        ("RINGING", PhoneState.RINGING),
        ("RINGINUSE", PhoneState.BUSY),
        ("UNAVAILABLE", PhoneState.UNREACHABLE),
        ("INVALID", PhoneState.UNREACHABLE),
        ("UNKNOWN", PhoneState.UNKNOWN),
        ("A_NEW_WORD", PhoneState.UNKNOWN),
    ],
)
def test_every_word_of_asterisk_has_its_state(word, state):
    assert following("7101").hear(changed("PJSIP/7101", word)) == [PhoneStateChanged(101, "7101", state)]


def test_phones_that_nobody_asked_about_are_not_told():
    assert following("7101").hear(changed("PJSIP/7109", "INUSE")) == []


def test_change_during_a_list_is_not_undone_by_it():
    phones = Phones(DialStrings())
    phones.subscribe(SubscribePhones(101, 101, ("7101",)))
    assert phones.hear(changed("PJSIP/7101", "INUSE")) == [PhoneStateChanged(101, "7101", PhoneState.BUSY)]
    assert phones.hear(complete("phones-1")) == [PhoneStateChanged(101, "7101", PhoneState.BUSY)]


def test_phones_may_be_behind_another_channel_driver():
    phones = following("7101", strings=DialStrings(phone_string="SIP/{phone}"))
    assert phones.hear(changed("SIP/7101", "BUSY")) == [PhoneStateChanged(101, "7101", PhoneState.BUSY)]


def test_lost_connection_forgets_every_phone():
    phones = following("7101")
    phones.lose_connection()
    assert phones.hear(changed("PJSIP/7101", "BUSY")) == []


def test_answer_to_an_older_question_is_not_an_answer():
    phones = following("7101")
    phones.subscribe(SubscribePhones(101, 101, ("7101",)))
    assert phones.hear(complete("phones-1")) == []
    assert len(phones.hear(complete("phones-2"))) == 1
