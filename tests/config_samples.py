"""A good configuration in pieces, and how tests change one piece of it."""

from pathlib import Path

import pytest

from outdial.config import Loaded, loads
from outdial.core.errors import ConfigError

PIECES = {
    "ocs": """
[ocs]
connections = ["north", "south"]
sip-cluster-lb-mode = "round-robin"
sip-cluster-prime-node = 1
""",
    "switch": """
[[switch]]
dbid = 1
name = "main"
channel_num = 60
dynamic-port-allocation = true
""",
    "north": """
[[sip-server]]
dbid = 1
name = "north"
driver = "sim"
switch = "main"
backup = "north-b"
""",
    "north-b": """
[[sip-server]]
dbid = 11
name = "north-b"
driver = "sim"
""",
    "south": """
[[sip-server]]
dbid = 2
name = "south"
driver = "sim"
switch = "main"
""",
    "agents": """
[[agent]]
dbid = 7
login = "ada"
phone = "1007"

[[agent-range]]
first-dbid = 101
count = 4
login = "agent{n}"
phone = "1{n:04}"
""",
    "agent-group": """
[[agent-group]]
dbid = 1
name = "sales"
agents = ["ada", "101..104"]
sip-cluster-asm-dial-node = 2
""",
    "list": """
[[calling-list]]
dbid = 1
name = "customers"
synthetic = 100
""",
    "campaign": """
[[campaign]]
dbid = 1
name = "spring"
lists = ["customers"]
""",
    "group": """
[[campaign-group]]
dbid = 1
name = "east"
campaign = "spring"
agent-group = "sales"
dialing-mode = "predictive"
dialer = "main"
""",
}
"""Pieces of a good configuration; a test replaces or extends one."""

CPD_SERVER = """
[[cpd-server]]
dbid = 21
name = "board"
driver = "sim"
ports = 25
dynamic-port-allocation = true
"""


def text_with(more: str = "", /, **pieces: str) -> str:
    """The good configuration with pieces replaced (`_` stands for `-` in their names) and more text at the end."""
    replaced = {name.replace("_", "-"): text for name, text in pieces.items()}
    assert not set(replaced) - set(PIECES)
    return "".join({**PIECES, **replaced}.values()) + more


def changed(piece: str, old: str, new: str) -> str:
    """The good configuration with one place of a piece changed."""
    assert PIECES[piece].count(old) == 1
    return text_with(**{piece.replace("-", "_"): PIECES[piece].replace(old, new)})


def added(piece: str, line: str) -> str:
    """The good configuration with a line at the end of a piece."""
    return text_with(**{piece.replace("-", "_"): PIECES[piece] + line + "\n"})


def load_text(text: str, folder: Path = Path()) -> Loaded:
    return loads(text, "test.toml", folder)


def mistakes_in(text: str, folder: Path = Path()) -> list[str]:
    """The mistakes of a text, without the file's name that begins each line."""
    with pytest.raises(ConfigError) as caught:
        load_text(text, folder)
    assert all(line.startswith("test.toml: ") for line in caught.value.mistakes)
    return [line.removeprefix("test.toml: ") for line in caught.value.mistakes]
