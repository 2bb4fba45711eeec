"""The AMI codec: what comes out of a byte stream, and what can never get into one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.drivers.ami.wire import (
    BANNER_BYTES_MAX,
    GARBLED_MAX,
    LINES_MAX,
    MESSAGE_BYTES_MAX,
    REQUEST_LINE_BYTES_MAX,
    REQUEST_LINES_MAX,
    Decoder,
    Message,
    WireError,
    encode,
)

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
HANGUP = b"Event: Hangup\r\nUniqueid: od-abcdefgh-7\r\nCause: 17\r\n\r\n"
NEWSTATE = b"Event: Newstate\r\nUniqueid: od-abcdefgh-7\r\nAccountCode: \r\n\r\n"
PONG = b"Response: Success\r\nActionID: p\r\nPing: Pong\r\n\r\n"


def greeted(wanted: frozenset[str] | None = None) -> Decoder:
    decoder = Decoder(wanted)
    assert decoder.feed(BANNER) == []
    return decoder


def names(messages: list[Message]) -> list[str]:
    return [message.event or message.response for message in messages]


def feed_in_pieces(decoder: Decoder, data: bytes, piece: int) -> list[Message]:
    return [message for at in range(0, len(data), piece) for message in decoder.feed(data[at : at + piece])]


# --- reading ---------------------------------------------------------------------------------


def test_an_event_is_read_with_all_of_its_lines():
    (message,) = greeted().feed(HANGUP)
    assert message == Message("Hangup", "", {"Event": "Hangup", "Uniqueid": "od-abcdefgh-7", "Cause": "17"}, {})


def test_a_response_is_read_as_one():
    (message,) = greeted().feed(PONG)
    assert ("", "Success", "Pong") == (message.event, message.response, message.fields["Ping"])


def test_the_banner_is_kept_and_is_no_message():
    decoder = Decoder()
    assert decoder.feed(BANNER[:-1]) == []
    assert decoder.banner is None
    assert names(decoder.feed(BANNER[-1:] + HANGUP)) == ["Hangup"]
    assert decoder.banner == "Asterisk Call Manager/11.0.0"


def test_of_a_repeated_key_the_last_value_is_the_field_and_all_are_kept():
    (message,) = greeted().feed(b"Event: Hangup\r\nChanVariable: a=1\r\nCause: 16\r\nChanVariable: b=2\r\n\r\n")
    assert message.fields == {"Event": "Hangup", "ChanVariable": "b=2", "Cause": "16"}
    assert message.repeated == {"ChanVariable": ("a=1", "b=2")}
    assert ("a=1", "b=2") == message.values("ChanVariable")
    assert ("16",) == message.values("Cause")
    assert () == message.values("Reason")


def test_the_output_of_a_command_is_its_lines():
    (message,) = greeted().feed(
        b"Response: Success\r\nActionID: c\r\nMessage: Command output follows\r\n"
        b"Output: System uptime: 6 seconds\r\nOutput: \r\nOutput: Last reload: 6 seconds\r\n\r\n"
    )
    assert ("System uptime: 6 seconds", "", "Last reload: 6 seconds") == message.values("Output")


def test_a_value_keeps_its_colons_and_its_outer_blanks():
    (message,) = greeted().feed(b"Event: UserEvent\r\nUri: sip:1@a:5060\r\nName:  two blanks \r\n\r\n")
    assert ("sip:1@a:5060", " two blanks ") == (message.fields["Uri"], message.fields["Name"])


def test_a_key_may_come_without_a_blank_or_a_value():
    (message,) = greeted().feed(b"Event: Hangup\r\nReason:\r\nCause:16\r\n\r\n")
    assert {"Event": "Hangup", "Reason": "", "Cause": "16"} == message.fields


def test_bytes_that_are_no_utf_8_are_replaced():
    (message,) = greeted().feed(b"Event: Hangup\r\nCallerIDName: J\xfcrgen \xc3\xa4\r\n\r\n")
    assert message.fields["CallerIDName"] == "J\ufffdrgen ä"


def test_a_line_feed_inside_a_value_does_not_begin_a_line():
    """Callers choose their names; nobody may write `Uniqueid:` into an event with one."""
    (message,) = greeted().feed(b"Event: Hangup\r\nCallerIDName: x\nUniqueid: forged\rCause: 0\r\nCause: 16\r\n\r\n")
    assert message.fields == {"Event": "Hangup", "CallerIDName": "x\nUniqueid: forged\rCause: 0", "Cause": "16"}


# --- skipping --------------------------------------------------------------------------------


def test_only_wanted_events_and_all_responses_are_returned():
    decoder = greeted(frozenset({"Hangup"}))
    assert names(decoder.feed(NEWSTATE + PONG + HANGUP + NEWSTATE)) == ["Success", "Hangup"]


@pytest.mark.parametrize("name", ["Hang", "HangupRequest", "hangup", " Hangup", ""])
def test_a_name_is_wanted_only_as_a_whole(name: str):
    decoder = greeted(frozenset({"Hangup"}))
    assert decoder.feed(f"Event: {name}\r\nCause: 1\r\n\r\nEvent: {name}\r\n\r\n".encode()) == []


def test_an_event_of_a_single_line_is_known_by_its_whole_name():
    assert names(greeted(frozenset({"Hangup"})).feed(b"Event: Hangup\r\n\r\n")) == ["Hangup"]


def test_empty_messages_are_nothing():
    decoder = greeted()
    assert names(decoder.feed(b"\r\n\r\n" + HANGUP + b"\r\n\r\n\r\n\r\n" + PONG)) == ["Hangup", "Success"]
    assert decoder.garbled == 0


def test_what_makes_no_sense_is_skipped_and_counted():
    decoder = greeted()
    data = b"nonsense\r\n\r\n" + HANGUP + b"Event:\r\n\r\nEvent: Hangup\r\nno colon\r\nCause: 3\r\n\r\n" + PONG
    messages = decoder.feed(data)
    assert names(messages) == ["Hangup", "Hangup", "Success"]
    assert messages[1].fields == {"Event": "Hangup", "Cause": "3"}
    assert decoder.garbled == 3


def test_a_stream_that_makes_no_sense_for_long_is_given_up():
    decoder = greeted(frozenset())
    decoder.feed(b"nonsense\r\n\r\n" * (GARBLED_MAX - 1))
    decoder.feed(HANGUP)  # in step again, though nobody wants it
    decoder.feed(b"nonsense\r\n\r\n" * (GARBLED_MAX - 1))
    with pytest.raises(WireError, match=r"100 messages in a row without sense; the last begins with 'nonsense'"):
        decoder.feed(b"nonsense\r\n\r\n")


# --- bounds ----------------------------------------------------------------------------------


def test_another_protocol_is_recognised_by_its_banner():
    with pytest.raises(WireError, match=r"not a manager interface: its banner is 'SSH-2\.0-OpenSSH'"):
        Decoder().feed(b"SSH-2.0-OpenSSH\r\n")


def test_a_banner_without_end_is_none():
    decoder = Decoder()
    decoder.feed(b"x" * (BANNER_BYTES_MAX - 1))
    with pytest.raises(WireError, match=r"no banner: 'xxx"):
        decoder.feed(b"x")


def sized(length: int) -> bytes:
    """A message of this many bytes, without its end."""
    start = b"Event: Hangup\r\nFiller: "
    return start + b"x" * (length - len(start))


@pytest.mark.parametrize("piece", [1_000, 65_536, MESSAGE_BYTES_MAX + 3, 10_000_000])
def test_a_message_may_have_its_full_size_and_no_byte_more(piece: int):
    decoder = greeted()
    assert names(feed_in_pieces(decoder, sized(MESSAGE_BYTES_MAX) + b"\r\n\r\n", piece)) == ["Hangup"]
    with pytest.raises(WireError, match="a message of more than 262144 bytes"):
        feed_in_pieces(decoder, sized(MESSAGE_BYTES_MAX + 1) + b"\r\n\r\n", piece)


def test_a_message_without_end_is_given_up_even_byte_by_byte():
    decoder = greeted()
    decoder.feed(b"x" * MESSAGE_BYTES_MAX)
    with pytest.raises(WireError):
        feed_in_pieces(decoder, b"xxxx", 1)


def test_a_message_has_a_bounded_number_of_lines():
    lines = b"".join(b"Output: x\r\n" for _ in range(LINES_MAX - 1))
    (message,) = greeted().feed(b"Response: Success\r\n" + lines + b"\r\n")
    assert len(message.values("Output")) == LINES_MAX - 1
    with pytest.raises(WireError, match="more than 4096 lines"):
        greeted().feed(b"Response: Success\r\nOutput: x\r\n" + lines + b"\r\n")


# --- any stream, any cut ---------------------------------------------------------------------

BLOCKS = st.sampled_from(
    [
        HANGUP,
        NEWSTATE,
        PONG,
        b"\r\n",
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"Event: Hangup\r\n\r\n",
        b"\r",
        b"\n",
        b"Event: ",
    ]
)


@given(st.lists(BLOCKS, max_size=30), st.lists(st.integers(0, 2_000), max_size=20))
def test_messages_do_not_depend_on_how_the_stream_is_cut(blocks: list[bytes], cuts: list[int]):
    data = BANNER + b"".join(blocks)
    whole = Decoder(frozenset({"Hangup"}))
    expected = whole.feed(data)
    edges = [0, *sorted(cuts), len(data)]
    in_pieces = Decoder(frozenset({"Hangup"}))
    actual = [message for start, end in pairwise(edges) for message in in_pieces.feed(data[start:end])]
    assert expected == actual
    assert (whole.banner, whole.garbled) == (in_pieces.banner, in_pieces.garbled)


def test_messages_are_the_same_byte_by_byte():
    data = BANNER + HANGUP + b"nonsense\r\n\r\n" + PONG + NEWSTATE
    assert names(feed_in_pieces(Decoder(), data, 1)) == ["Hangup", "Success", "Newstate"]


# --- writing ---------------------------------------------------------------------------------

KEYS = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
VALUES = st.text(max_size=200)
HARMLESS = VALUES.filter(lambda value: not {"\r", "\n", "\0"} & set(value)).filter(
    lambda value: not any("\ud800" <= character <= "\udfff" for character in value)
)


def test_a_request_is_written_line_by_line():
    data = encode("Originate", [("ActionID", "a"), ("Variable", "X=1"), ("Variable", "Y=ä")])
    assert data == "Action: Originate\r\nActionID: a\r\nVariable: X=1\r\nVariable: Y=ä\r\n\r\n".encode()


@given(KEYS, st.lists(st.tuples(KEYS, HARMLESS), max_size=20))
def test_what_is_written_is_read_again(action: str, fields: list[tuple[str, str]]):
    data = encode(action, fields)
    (message,) = greeted().feed(b"Event" + data.removeprefix(b"Action"))
    expected: dict[str, list[str]] = {"Event": [action]}
    for key, value in fields:
        expected.setdefault(key, []).append(value)
    assert {key: tuple(values) for key, values in expected.items()} == {
        key: message.values(key) for key in message.fields
    }


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=300))
def test_no_key_and_no_value_can_add_a_line_to_a_request(action: str, key: str, value: str):
    try:
        data = encode(action, [(key, value)])
    except WireError:
        return
    assert data.endswith(b"\r\n\r\n")
    assert data.count(b"\r") == data.count(b"\n") == data.count(b"\r\n") == 3
    assert b"\0" not in data


@pytest.mark.parametrize("value", ["1\r\nAction: Hangup", "1\r", "1\n", "1\0", "\ud800"])
def test_a_value_that_breaks_its_line_is_refused(value: str):
    with pytest.raises(WireError, match=r"^Channel: "):
        encode("Originate", [("Channel", value)])


@pytest.mark.parametrize("key", ["", "Chan nel", "Channel:", "Chänel", "Channel\n", "Channel\r\nX"])
def test_a_key_is_a_plain_word(key: str):
    with pytest.raises(WireError, match=r"^key .*: allowed are letters, digits, '-' and '_'"):
        encode("Originate", [(key, "x")])


def test_a_password_is_not_shown_when_it_cannot_be_sent():
    with pytest.raises(WireError) as caught:
        encode("Login", [("Secret", "hush\n")])
    assert str(caught.value) == "Secret: the value holds a line break or NUL"


def test_a_line_is_as_long_as_the_server_reads_and_no_longer():
    """Asterisk drops a longer line and takes what follows for a request of its own."""
    fitting = "ä" * ((REQUEST_LINE_BYTES_MAX - len("Channel: \r\n")) // 2)
    encode("Originate", [("Channel", fitting)])
    with pytest.raises(WireError, match="Channel: a line of 1025 bytes, at most 1024"):
        encode("Originate", [("Channel", fitting + "ä")])


def test_a_request_has_as_many_lines_as_the_server_reads_and_no_more():
    variables = [("Variable", "a=b")] * (REQUEST_LINES_MAX - 1)
    encode("Originate", variables)
    with pytest.raises(WireError, match="Originate: 129 lines, at most 128"):
        encode("Originate", [*variables, ("Variable", "a=b")])
