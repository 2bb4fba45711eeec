"""Where a demo shows itself."""

import io

import pytest
from rich.console import Console

from outdial.board import Frame
from outdial.display import LiveBoard, Nowhere, PlainLines, choose_display
from outdial.happenings import Line
from snapshots import group_view, snapshot

VIEW = snapshot([group_view(1, "Sales")])


def frame(elapsed_s: float, lines=()) -> Frame:
    return Frame("outdial demo", elapsed_s, 75, "", lines)


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, height=40, _environ={})


@pytest.mark.parametrize(
    "as_json, stdout, stderr, expected",
    [
        (False, True, True, LiveBoard),
        (False, False, True, PlainLines),
        (True, True, True, LiveBoard),
        (True, True, False, Nowhere),
    ],
)
def test_the_display_follows_where_the_output_goes(as_json, stdout, stderr, expected):
    out, err = console(terminal=stdout), console(terminal=stderr)
    display = choose_display(as_json=as_json, stdout=out, stderr=err)
    display.show(VIEW, frame(1))
    display.close()
    assert type(display) is expected
    if as_json:
        assert out.file.getvalue() == ""


def test_plain_lines_come_every_five_seconds_and_log_lines_once():
    written: list[str] = []
    display = PlainLines(written.append)
    first, second = Line(300, "plain", "Sales started"), Line(300, "plain", "Sales started")
    display.show(VIEW, frame(0.5))
    display.show(VIEW, frame(0.75, [first]))
    display.show(VIEW, frame(1.0, [first, second]))
    display.show(VIEW, frame(5.6, [second]))
    display.close()
    assert [line.split(" | ")[0] for line in written] == [
        "0:00 100 attempts",
        "0:00 Sales started",
        "0:00 Sales started",
        "0:05 100 attempts",
    ]


def test_the_live_board_leaves_the_terminal_as_it_was():
    out = console(terminal=True)
    display = LiveBoard(out)
    display.show(VIEW, frame(1))
    display.close()
    text = out.file.getvalue()
    assert "\x1b[?1049h" in text and text.rstrip().endswith(("\x1b[?1049l", "\x1b[?25h"))
    assert "Sales" in text
