"""What somebody should look at now: raised when it lasts, cleared when it is over, and never to and fro."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.alarms import EMPTY, RULES, AlarmKind, Board, Outside, alarms_of, changes
from outdial.core.abandonment_settings import AbandonmentWindow
from outdial.core.callable_records import why_none
from outdial.core.groups import Group
from outdial.core.modes import DialingMode
from outdial.core.settings import CampaignGroup, DialerId, DialerKind
from outdial.core.snapshot import CampaignView, Snapshot, WindowView
from snapshots import group_view, node_view, snapshot

START_UTC_MS = 1_700_000_000_000


def at(seconds: float, seen: Snapshot) -> Snapshot:
    """The same picture at another time."""
    return replace(seen, mono_ms=int(1_000 * seconds), utc_ms=START_UTC_MS + int(1_000 * seconds))


def board_after(*pictures: tuple[float, Snapshot], outside: Outside | None = None) -> Board:
    """The board after pictures at seconds."""
    board = EMPTY
    for seconds, seen in pictures:
        board = alarms_of(at(seconds, seen), outside or Outside(), board)
    return board


def keys(board: Board) -> list[str]:
    return [alarm.key for alarm in board.alarms]


def campaign(abandoned: int, calls: int, *, limit_ppm: int = 30_000, is_limited: bool = True) -> CampaignView:
    ppm = -(-1_000_000 * abandoned // calls)
    window = WindowView(AbandonmentWindow.DAYS_30, abandoned, calls, ppm, is_limited)
    return CampaignView(5, "Spring", limit_ppm, (window,))


FINE = snapshot([group_view(7, "Sales")], [node_view(1, "north")])
LOST = "prime node north is lost: all dialing is stopped"

CAUSES = {
    "prime-lost": replace(FINE, stops=(LOST,)),
    "node-lost:1": replace(FINE, nodes=(node_view(1, "north", state="inactive"),)),
    "limit-broken:5": replace(FINE, campaigns=(campaign(4, 100),)),
    "limit-near:5": replace(FINE, campaigns=(campaign(24, 1_000),)),
    "ports-starved:7": replace(
        FINE, groups=(group_view(7, "Sales", need_millis=20_001, holds=("waiting for ports",)),)
    ),
    "no-agents:7": replace(FINE, groups=(group_view(7, "Sales", agents_logged_in=0),)),
    "list-empty:7": replace(
        FINE,
        groups=(group_view(7, "Sales", buffered_chains=0, holds=("waiting for records: the lists have nothing due",)),),
    ),
}


@pytest.mark.parametrize("key", CAUSES)
def test_alarm_is_raised_when_its_cause_has_lasted_and_cleared_when_it_is_over_for_as_long(key):
    steady_s = RULES[AlarmKind(key.partition(":")[0])].steady_ms / 1_000
    first = board_after((0, CAUSES[key]))
    almost = board_after((0, CAUSES[key]), (max(0, steady_s - 0.001), CAUSES[key]))
    assert ([key] if not steady_s else []) == keys(first) == keys(almost)

    up = alarms_of(at(steady_s, CAUSES[key]), before=first)
    assert [key] == keys(up)
    assert START_UTC_MS == up.alarms[0].since_utc_ms

    if steady_s:
        still = alarms_of(at(2 * steady_s - 0.001, FINE), before=up)
        assert [key] == keys(still)
    assert EMPTY.watched == alarms_of(at(2 * steady_s, FINE), before=up).watched


def test_alarm_says_what_it_is_about():
    board = board_after((0, CAUSES["limit-broken:5"]), (60, CAUSES["limit-broken:5"]))
    assert "campaign Spring is above its limit: 4 of 100 calls abandoned (30-days), 4.00 % of 3.00 %" == (
        board.alarms[0].text
    )
    assert 5 == board.alarms[0].campaign_id
    board = board_after((0, CAUSES["ports-starved:7"]), (60, CAUSES["ports-starved:7"]))
    assert "group Sales waits for ports: it needs 20.0, 20 are allowed" == board.alarms[0].text
    assert (7, None) == (board.alarms[0].group_id, board.alarms[0].node_id)


def test_worst_comes_first_then_the_oldest():
    node = node_view(1, "north", state="inactive")
    bad = replace(FINE, nodes=(node,), stops=(LOST,), campaigns=(campaign(24, 1_000),))
    board = board_after((0, replace(bad, stops=())), (10, bad), (20, bad), outside=Outside("no route"))
    assert ["prime-lost", "database-away", "node-lost:1", "limit-near:5"] == keys(board)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (replace(FINE, nodes=(node_view(1, "north", state="inactive", admin="draining"),)), "it was taken out"),
        (replace(FINE, campaigns=(campaign(1, 2),)), "one call says nothing"),
        (replace(FINE, campaigns=(campaign(9, 10, is_limited=False),)), "no limit holds"),
        (replace(FINE, campaigns=(CampaignView(5, "Spring", 30_000, ()),)), "nothing is known of it"),
        (replace(FINE, groups=(group_view(7, "Sales", state="stopped", agents_logged_in=0),)), "it does not run"),
        (
            replace(FINE, groups=(group_view(7, "Sales", mode=DialingMode.POWER_GVP, agents_logged_in=0),)),
            "it needs no agents",
        ),
        (
            replace(FINE, groups=(group_view(7, "Sales", maximum=20, holds=("waiting for ports",)),)),
            "it has what it needs",
        ),
    ],
)
def test_no_alarm(seen, why):
    assert [] == keys(board_after((0, seen), (600, seen))), why


def test_database_that_is_away_is_one_alarm_and_no_empty_list():
    group = Group(
        CampaignGroup(7, "Sales", 1, 1, DialingMode.PROGRESSIVE, DialerId(DialerKind.SWITCH, 1)),
        DialingMode.PROGRESSIVE,
        is_store_away=True,
    )
    hold = f"waiting for records: {why_none(group)}"
    seen = replace(FINE, groups=(group_view(7, "Sales", buffered_chains=0, holds=(hold,)),))
    board = board_after((0, seen), (60, seen), outside=Outside("connection refused"))
    assert ["database-away"] == keys(board)
    assert "the database does not answer: connection refused" == board.alarms[0].text


def test_share_between_the_thresholds_changes_nothing():
    """78 % of the limit is no alarm, and none goes because of it; the same at 97 %."""
    low, near, between = (replace(FINE, campaigns=(campaign(n, 10_000),)) for n in (200, 250, 234))
    assert [] == keys(board_after((0, low), (1, between)))
    assert ["limit-near:5"] == keys(board_after((0, near), (1, between)))
    assert [] == keys(board_after((0, near), (1, between), (2, low)))
    over, kept = (replace(FINE, campaigns=(campaign(n, 10_000),)) for n in (301, 291))
    assert ["limit-near:5"] == keys(board_after((0, kept)))
    assert ["limit-broken:5"] == keys(board_after((0, over), (1, kept)))
    assert ["limit-near:5"] == keys(board_after((0, over), (1, kept), (2, near)))


def test_campaign_that_may_abandon_nobody():
    assert ["limit-broken:5"] == keys(board_after((0, replace(FINE, campaigns=(campaign(2, 10_000, limit_ppm=0),)))))


def faulty(requests: int, faults: int) -> Snapshot:
    return replace(FINE, nodes=(node_view(1, "north", requests=requests, faults=faults),))


def test_faults_count_within_a_minute():
    """Ten thousand good requests of the morning do not hide what goes wrong now, and vice versa."""
    story = [(0.0, faulty(10_000, 0)), *((n, faulty(10_000 + 10 * n, 4 * n)) for n in range(1, 31))]
    board = board_after(*story)
    assert ["node-faults:1"] == keys(board)
    assert "node north: 120 of 300 requests have failed through its fault within a minute" == board.alarms[0].text
    for n in range(31, 150):
        board = alarms_of(at(n, faulty(10_000 + 10 * n, 120)), before=board)
        assert len(board.marks[1]) <= 7
    assert [] == keys(board)
    assert [] == keys(board_after((0, faulty(10_000, 5_000)), (30, faulty(10_100, 5_005))))
    assert [] == keys(board_after((0, faulty(100, 9)), (60, faulty(3, 0))))


def test_changes_name_what_came_and_what_went():
    before = board_after((0, CAUSES["limit-near:5"]))
    after = alarms_of(at(1, CAUSES["limit-broken:5"]), before=before)
    raised, cleared = changes(before, after)
    assert (["limit-broken:5"], ["limit-near:5"]) == ([a.key for a in raised], [a.key for a in cleared])
    assert ((), ()) == changes(after, after)


@given(st.lists(st.booleans(), max_size=200))
def test_alarm_stays_as_it_is_for_its_time_at_least(shows):
    """However a cause flickers, no alarm of 30 s is raised or cleared sooner than 30 s after the change before."""
    board, changed_s = EMPTY, 0
    for second, is_there in enumerate(shows):
        seen = CAUSES["no-agents:7"] if is_there else FINE
        after = alarms_of(at(second, seen), before=board)
        if keys(after) != keys(board):
            assert second - changed_s >= 30
            changed_s = second
        board = after


@given(st.lists(st.sampled_from([FINE, *CAUSES.values()]), max_size=40), st.integers(0, 100))
def test_board_forgets_what_is_over(pictures, gap_s):
    board = board_after(*[(n * gap_s, seen) for n, seen in enumerate(pictures)])
    assert len(board.watched) <= len(CAUSES)
    last = len(pictures) * gap_s + 1_000
    assert {} == alarms_of(at(last, FINE), before=board).watched
