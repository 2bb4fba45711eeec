"""ARI messages as Asterisk writes them, and as it should not."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.drivers.ari.wire import (
    NO_ANSWER,
    Application,
    ApplicationReplaced,
    AriGarbled,
    AriReply,
    AriRequest,
    Bridge,
    BridgeDestroyed,
    Channel,
    ChannelEnteredBridge,
    ChannelLeftBridge,
    StasisEnd,
    StasisStart,
    decode,
    decode_application,
    decode_bridges,
    path_of,
)

# As Asterisk 22.10 sends it; 16.28 lacks nothing of what is used.
CHANNEL = {
    "id": "od-abcdefgh-7",
    "name": "PJSIP/agent1001-00000003",
    "state": "Up",
    "protocol_id": "2c1c6d0a",
    "caller": {"name": "", "number": ""},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {"context": "outdial", "exten": "engaged", "priority": 1, "app_name": "Stasis", "app_data": "x"},
    "creationtime": "2026-11-22T01:10:33.612+0000",
    "language": "en",
}
BRIDGE = {
    "id": "od-abcdefgh-7-b",
    "technology": "simple_bridge",
    "bridge_type": "mixing",
    "bridge_class": "stasis",
    "creator": "Stasis",
    "name": "",
    "channels": ["od-abcdefgh-7"],
    "creationtime": "2026-11-22T01:10:33.914+0000",
    "video_mode": "talker",
}
FRAME = {"timestamp": "2026-11-22T01:10:33.619+0000", "asterisk_id": "02:7f", "application": "outdial"}

channel = Channel("od-abcdefgh-7", "Up")
bridge = Bridge("od-abcdefgh-7-b", ("od-abcdefgh-7",))


def message(kind: str, **fields: object) -> str:
    return json.dumps({"type": kind, **FRAME, **fields})


@pytest.mark.parametrize(
    "text, expected",
    [
        (message("StasisStart", args=["agent"], channel=CHANNEL), StasisStart(channel, ("agent",))),
        (message("StasisStart", args=[], channel=CHANNEL), StasisStart(channel)),
        (
            message("StasisStart", args=["customer"], channel=CHANNEL, replace_channel={"id": "od-abcdefgh-6"}),
            StasisStart(channel, ("customer",), Channel("od-abcdefgh-6")),
        ),
        (message("StasisEnd", channel=CHANNEL), StasisEnd(channel)),
        (message("ChannelEnteredBridge", bridge=BRIDGE, channel=CHANNEL), ChannelEnteredBridge(bridge, channel)),
        (message("ChannelLeftBridge", bridge=BRIDGE, channel=CHANNEL), ChannelLeftBridge(bridge, channel)),
        (message("BridgeDestroyed", bridge=BRIDGE), BridgeDestroyed(bridge)),
        (message("ApplicationReplaced"), ApplicationReplaced("outdial")),
    ],
)
def test_wanted_events_are_read(text, expected):
    assert expected == decode(text) == decode(text.encode())


def test_the_kind_may_stand_anywhere_in_the_message():
    assert decode(json.dumps({**FRAME, "channel": CHANNEL, "type": "StasisEnd"})) == StasisEnd(channel)


@pytest.mark.parametrize(
    "kind", ["ChannelVarset", "ChannelDialplan", "Dial", "ChannelDestroyed", "NewInAsterisk30", ""]
)
def test_other_events_are_skipped_whatever_their_fields_hold(kind):
    assert decode(message(kind, channel=5, bridge=[None], args={"deep": [[[]]]})) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '{"type": 7}',
        '{"kind": "StasisEnd"}',
        message("StasisEnd"),
        message("StasisEnd", channel={"name": "no id"}),
        message("StasisStart", channel=CHANNEL, args="agent"),
        message("StasisStart", channel=CHANNEL, args=[1]),
        message("ChannelLeftBridge", channel=CHANNEL),
        '{"type": "StasisEnd", "channel": {"id": "\ud800"}}',
        b"\xff\xfe{}",
        '{"type": "StasisEnd", "x": ' + "[" * 5_000,
    ],
)
def test_what_is_not_ari_is_garbled_and_says_so_in_a_short_line(text):
    with pytest.raises(AriGarbled) as caught:
        decode(text)
    assert str(caught.value).startswith("not an ARI event") and len(str(caught.value)) < 500


@given(st.text() | st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_no_message_does_more_than_being_garbled(text):
    with suppress(AriGarbled):
        decode(text)


def test_a_list_of_bridges_is_read():
    assert decode_bridges(json.dumps([BRIDGE, {"id": "b"}]).encode()) == (bridge, Bridge("b"))
    assert decode_bridges(b"[]") == ()


@pytest.mark.parametrize("body", [b"", b"{}", b'[{"channels": []}]', b'{"message": "Bridge not found"}'])
def test_what_is_not_a_list_of_bridges_is_garbled(body):
    with pytest.raises(AriGarbled, match="not a list of bridges"):
        decode_bridges(body)


def test_what_an_application_has_is_read():
    body = {"name": "outdial", "channel_ids": ["a", "c"], "bridge_ids": ["b"], "endpoint_ids": []}
    assert decode_application(json.dumps(body).encode()) == Application(("a", "c"))


@pytest.mark.parametrize("body", [b"", b"[]", b'{"channel_ids": 1}', b'{"message": "Application not found"}'])
def test_what_is_not_an_application_is_garbled(body):
    with pytest.raises(AriGarbled, match="not an application"):
        decode_application(body)


def test_every_part_of_a_path_is_quoted():
    assert path_of("bridges", "od-abcdefgh-7-b", "addChannel") == "/bridges/od-abcdefgh-7-b/addChannel"
    assert path_of("channels", "../a b?c=%#é") == "/channels/..%2Fa%20b%3Fc%3D%25%23%C3%A9"


@pytest.mark.parametrize("path", ["", "bridges", "/a b", "/a?b=c", "/a\r\nX: y", "/%2", "/a//b", "/é"])
def test_a_request_with_an_unquoted_path_is_a_bug(path):
    with pytest.raises(ValueError, match="quoted path"):
        AriRequest("GET", path)


def test_done_means_a_status_from_200_to_299():
    assert [status for status in (0, 199, 200, 204, 299, 300, 404) if AriReply(status).is_done] == [200, 204, 299]
    assert not NO_ANSWER.is_done
