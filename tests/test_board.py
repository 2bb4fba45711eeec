"""The board fits every terminal and says what matters."""

import pytest
from rich.console import Console

from outdial.board import Frame, clock_text, draw, plain_line
from outdial.core.modes import DialingMode
from outdial.happenings import Line
from snapshots import group_view, node_view, pool_view, snapshot

BUSY = snapshot(
    groups=[
        group_view(1, "Collections north", maximum=20, used=12),
        group_view(
            2,
            "Surveys",
            mode=DialingMode.PREDICTIVE_SEIZING,
            pacing="progressive: 13 of 30 attempts of history",
            maximum=10,
            used=5,
            holds=("waiting for agents: 2 of 10 ready", "pacing: enough calls in flight"),
        ),
        group_view(3, "Renewals", state="stopping", maximum=30, used=7),
    ],
    nodes=[
        node_view(1, "sip-north", is_prime=True),
        node_view(2, "sip-south", state="inactive", note="primary and backup are lost"),
        node_view(3, "sip-west", state="on backup, primary stands by", admin="draining"),
    ],
    pools=[pool_view(shortage=True)],
)
LINES = [Line(1_000 * number, "plain", f"line {number}") for number in range(60)]
FRAME = Frame(title="outdial demo", elapsed_s=65, total_s=75, note="Ctrl-C ends it", lines=LINES)


def picture(view=BUSY, frame=FRAME, width=120, height=40) -> list[str]:
    console = Console(width=width, height=height, color_system=None)
    with console.capture() as capture:
        console.print(draw(view, frame, width=width, height=height))
    return capture.get().splitlines()


@pytest.mark.parametrize("width, height", [(160, 50), (120, 40), (100, 30), (80, 24), (60, 15)])
def test_the_board_never_grows_past_the_terminal(width, height):
    lines = picture(width=width, height=height)
    assert len(lines) <= max(height, 16)
    assert max(len(line) for line in lines) <= width


@pytest.mark.parametrize("width, height", [(160, 50), (120, 40), (80, 24)])
def test_the_log_takes_what_is_left_and_ends_with_the_newest_line(width, height):
    lines = picture(width=width, height=height)
    assert len(lines) == height
    assert lines[-1].split() == ["0:59", "line", "59"]


def test_every_group_pool_and_node_is_there():
    text = "\n".join(picture())
    for word in (
        "Collections north",
        "Surveys",
        "Renewals",
        "sip-north ★ prime",
        "sip-south",
        "24 of 60 used, shortage",
    ):
        assert word in text
    assert "predictive, seizing (13 of" in text
    assert "primary and backup are lost" in text
    assert "on backup, primary stands b" in text


def test_reasons_and_holds_of_running_groups_are_shown():
    lines = picture()
    why = lines[lines.index(next(line for line in lines if line.startswith("why"))) :]
    assert why[1].startswith("Collections north: needs 20 of the 50 ports")
    assert why[3].startswith("Surveys holds: waiting for agents: 2 of 10 ready; pacing")
    assert not any(line.startswith("Renewals:") for line in why)


def test_a_stop_of_all_dialing_is_on_the_second_line():
    lines = picture(snapshot(stops=("the prime node sip-north is lost",)))
    assert lines[1].strip() == "ALL DIALING STOPPED: the prime node sip-north is lost"


def test_the_bar_shows_maxima_and_what_is_held_of_them():
    [bar] = [line for line in picture() if line.startswith("cluster")]
    cells = bar.split()[1]
    assert cells.count("█") == pytest.approx(len(cells) * 24 / 60, abs=2)
    assert cells.count("█") + cells.count("░") == len(cells)


def test_held_ports_beyond_a_lowered_maximum_are_still_shown():
    view = snapshot(groups=[group_view(1, "a", maximum=5, used=30)], pools=[pool_view()])
    [bar] = [line for line in picture(view) if line.startswith("cluster")]
    cells = bar.split()[1]
    assert cells.count("█") == pytest.approx(len(cells) / 2, abs=1)


def test_an_empty_dialer_can_be_drawn():
    assert picture(snapshot(pools=[pool_view(ports=0)]))[0].startswith(" outdial demo")


def test_the_plain_line_names_what_is_not_as_it_should_be():
    assert plain_line(BUSY, 65) == (
        "1:05 300 attempts | Collections north 12/20 ports 7 talking | Surveys 5/10 ports 7 talking | "
        "Renewals 7/30 ports 7 talking | sip-south inactive | sip-west on backup, primary stands by"
    )
    unlimited = snapshot(groups=[group_view(1, "ivr", maximum=None)], stops=("prime node lost",))
    assert plain_line(unlimited, 0) == "0:00 100 attempts | ivr 12/– ports 7 talking | prime node lost"


@pytest.mark.parametrize("seconds, text", [(-1, "0:00"), (59.9, "0:59"), (60, "1:00"), (3_661, "1:01:01")])
def test_clock_text(seconds, text):
    assert clock_text(seconds) == text
