"""Log lines: what they look like, and that nobody waits for them."""

import contextlib
import io
import json
import logging
import os
import time

from outdial.log_lines import LibraryLines, LineWriter, Rate, make_log


def logged(*, as_json: bool, write) -> list[str]:
    """Lines that a story writes."""
    stream = io.StringIO()
    writer = LineWriter(stream)
    write(make_log(writer, as_json=as_json))
    writer.close()
    return stream.getvalue().splitlines()


def test_a_line_is_one_json_object():
    [line] = logged(as_json=True, write=lambda log: log.info("server up", server="nörth", ports=None, tries=0))
    entry = json.loads(line)
    assert list(entry) == ["time", "level", "event", "server", "tries"]
    assert (entry["level"], entry["event"], entry["server"], entry["tries"]) == ("info", "server up", "nörth", 0)
    assert entry["time"].endswith("Z")


def test_a_line_for_people_is_key_and_value():
    [line] = logged(as_json=False, write=lambda log: log.warning("server lost", server="north", reason="no answer"))
    assert line.startswith("time=") and 'level=warning event="server lost" server=north reason="no answer"' in line


def test_text_from_outside_cannot_begin_a_new_line():
    [line] = logged(as_json=False, write=lambda log: log.info("note", text='a\nevent="forged"'))
    assert "\n" not in line
    [line] = logged(as_json=True, write=lambda log: log.info("note", text="a\n{}"))
    assert json.loads(line)["text"] == "a\n{}"


def test_an_error_brings_its_traceback_on_the_same_line():
    def write(log):
        try:
            raise ValueError("planted")
        except ValueError as error:
            log.error("failure", exc_info=error)

    [line] = logged(as_json=True, write=write)
    assert "ValueError: planted" in json.loads(line)["exception"]


def test_lists_and_tables_are_told_to_people_too():
    [line] = logged(as_json=False, write=lambda log: log.info("summary", groups={"east": {"attempts": 3}}, down=["n"]))
    assert "attempts" in line


def test_warnings_of_libraries_are_lines_of_ours_and_bounded():
    def write(log):
        handler = LibraryLines(log)
        for number in range(100):
            handler.emit(logging.LogRecord("aiohttp", logging.WARNING, "", 0, "odd: %d", (number,), None))

    lines = [json.loads(line) for line in logged(as_json=True, write=write)]
    assert 20 <= len(lines) <= 22
    assert (lines[0]["event"], lines[0]["logger"], lines[0]["text"]) == ("library", "aiohttp", "odd: 0")


def test_a_reader_who_does_not_read_holds_nobody_up(monkeypatch):
    monkeypatch.setattr("outdial.log_lines.CLOSE_S_MAX", 0.05)
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w")
    writer = LineWriter(stream, lines_max=100)
    began_s = time.monotonic()
    for _ in range(2_000):
        writer.write("x" * 1_000)
    assert writer.dropped > 1_500
    writer.close()
    assert time.monotonic() - began_s < 5
    os.close(reading)
    with contextlib.suppress(BrokenPipeError):  # what the stream still holds has nowhere to go
        stream.close()


def test_a_reader_who_has_gone_is_no_failure():
    reading, writing = os.pipe()
    os.close(reading)
    writer = LineWriter(os.fdopen(writing, "w", buffering=1))
    writer.write("x")
    writer.write("y")
    writer.close()
    assert writer.dropped >= 1


def test_a_rate_allows_a_burst_and_then_so_many_a_second():
    rate = Rate(10, 30)
    assert sum(rate.allows(0) for _ in range(100)) == 30
    assert rate.take_left_out() == 70 and rate.take_left_out() is None
    assert sum(rate.allows(500) for _ in range(100)) == 5
    assert sum(rate.allows(1_000_000) for _ in range(100)) == 30
