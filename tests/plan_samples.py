"""A small scenario to plan with: ten agents, people who answer often, short rings and talks."""

from pathlib import Path

from config_samples import PIECES, text_with

WORLD = """
[world]
seed = 4
duration-min = 5
cool-down-min = 1

[world.callees]
shares = { person = 0.4, busy = 0.4, "no answer" = 0.2 }
post-dial-s = [0.2, 0.5]
person-ring-s-mean = 3
talk-s-mean = 12

[world.workforce]
login-spread-s = 1
late-ready-s-mean = 0.1
after-call-work-s-mean = 4
break-ratio = 0
"""

LIST = PIECES["list"].replace("synthetic = 100", "synthetic = 20000")
AGENTS = PIECES["agents"].replace("count = 4", "count = 9")
TEAM = PIECES["agent-group"].replace("101..104", "101..109")
GROUP = PIECES["group"] + "history_length = 5\nring-timeout-s = 5\n"
POWER = """
[[campaign-group]]
dbid = 2
name = "reminders"
campaign = "spring"
dialing-mode = "power-gvp"
dialer = "main"
maximum-queue-size = 2
ivr-application = "reminder"
"""
PROGRESSIVE = """
[[campaign-group]]
dbid = 3
name = "welcome"
campaign = "spring"
agent-group = "sales"
dialing-mode = "progressive"
dialer = "main"
start = false
"""


def scenario_text(more: str = "", **pieces: str) -> str:
    """The scenario with pieces replaced and more text at the end."""
    replaced = {"list": LIST, "agents": AGENTS, "agent_group": TEAM, "group": GROUP, **pieces}
    return text_with(more + WORLD, **replaced)


def write_scenario(folder: Path, more: str = "", **pieces: str) -> Path:
    """The same as a file."""
    path = folder / "scenario.toml"
    path.write_text(scenario_text(more, **pieces), encoding="utf-8")
    return path
