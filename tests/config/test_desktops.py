"""Desktops in the configuration: who signs in, why one is not ready, how long a page may be gone."""

import pytest

from config_samples import PIECES, added, load_text, mistakes_in, text_with

DESKTOP = 'sign-in = "desktop"'
REASONS = "allowed: an array of 1 … 50 texts of up to 64 characters, each once"


def serve(line: str) -> str:
    return text_with() + f"[serve]\n{line}\n"


def test_server_signs_agents_in_unless_a_group_says_otherwise():
    assert load_text(text_with()).desktop_agents == frozenset()
    loaded = load_text(added("agent-group", DESKTOP))
    assert (loaded.desktop_groups, loaded.desktop_agents) == ({1}, {7, 101, 102, 103, 104})


def test_one_group_is_enough_to_have_a_desktop():
    more = PIECES["agent-group"] + f'[[agent-group]]\ndbid = 2\nname = "desks"\nagents = ["ada"]\n{DESKTOP}\n'
    loaded = load_text(text_with(agent_group=more))
    assert (loaded.desktop_groups, loaded.desktop_agents) == ({2}, {7})


def test_reasons_and_patience_have_defaults_and_can_be_said():
    loaded = load_text(text_with()).serve
    assert (loaded.desktop_away_ms, loaded.not_ready_reasons[0]) == (30_000, "break")
    said = load_text(serve('desktop-away-s = 7.5\nnot-ready-reasons = ["tea", "back office"]')).serve
    assert (said.desktop_away_ms, said.not_ready_reasons) == (7_500, ("tea", "back office"))


@pytest.mark.parametrize(
    "text, expected",
    [
        (
            added("agent-group", 'sign-in = "desk"'),
            'agent-group[sales].sign-in = "desk": unknown value; did you mean "desktop"?; '
            'allowed: one of "phone", "desktop"',
        ),
        (serve("not-ready-reasons = []"), f"serve.not-ready-reasons = []: empty; {REASONS}"),
        (
            serve('not-ready-reasons = ["tea", "tea"]'),
            'serve.not-ready-reasons[#2] = "tea": is there already, as #1; allowed: each reason once',
        ),
        (
            serve('not-ready-reasons = ["desktop away"]'),
            'serve.not-ready-reasons[#1] = "desktop away": is what the server itself says; allowed: another text',
        ),
        (serve("desktop-away-s = 1"), "serve.desktop-away-s = 1: out of range; allowed: a number 5 … 3,600"),
    ],
)
def test_mistakes(text, expected):
    assert mistakes_in(text) == [expected]
