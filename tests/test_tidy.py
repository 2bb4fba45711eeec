"""The dependency law and the house rules, as an ordinary test. The rules are in tidy_rules.py."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

import tidy_rules as rules

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {
    ".git",
    ".venv",
    ".cache",
    ".hypothesis",
    "__pycache__",
    "node_modules",
    "vendor",
    "build",
    "dist",
    "results",
}


def tracked_files() -> list[PurePosixPath]:
    """What git tracks or would add; without git, what lies in the tree."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = []
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [name for name in folders if name not in SKIPPED and not name.endswith("_cache")]
            listed += [Path(folder, name).relative_to(ROOT).as_posix() for name in names]
    return [PurePosixPath(name) for name in sorted(set(listed)) if name and (ROOT / name).is_file()]


FILES = tracked_files()
SOURCES = [path for path in FILES if path.parts[:2] == ("src", "outdial") and path.suffix == ".py"]
CORE = [path for path in SOURCES if path.parts[2:3] == ("core",)]


def read(path: PurePosixPath) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def findings(paths: list[PurePosixPath], rule: Callable[[PurePosixPath], list[str]]) -> str:
    return "\n".join(f"{path}: {finding}" for path in paths for finding in rule(path))


# --- the tree --------------------------------------------------------------------------------


def test_sources_are_found():
    assert PurePosixPath("src/outdial/__init__.py") in SOURCES


def test_layers():
    def rule(path: PurePosixPath) -> list[str]:
        return rules.check_layers(read(path), rules.module_name(path), is_package=path.stem == "__init__")

    assert findings(SOURCES, rule) == ""


def test_banned_calls():
    assert findings(SOURCES, lambda path: rules.check_calls(read(path), rules.module_name(path))) == ""


def test_core_never_follows_the_order_of_a_set():
    assert findings(CORE, lambda path: rules.check_set_order(read(path))) == ""


def test_core_has_no_module_state():
    assert findings(CORE, lambda path: rules.check_module_state(read(path))) == ""


def test_module_and_function_size():
    assert findings(SOURCES, lambda path: rules.check_size(read(path))) == ""


def test_core_size():
    assert rules.check_core_size({path.name: rules.code_lines(read(path)) for path in CORE}) == []


def test_file_names():
    assert findings(FILES, rules.check_path) == ""


def test_text_of_every_file():
    def rule(path: PurePosixPath) -> list[str]:
        try:
            return rules.check_text(read(path))
        except UnicodeDecodeError:
            return []  # a picture or the like

    assert findings(FILES, rule) == ""


def test_one_title_per_page():
    assert findings([path for path in FILES if path.suffix == ".md"], lambda path: rules.check_title(read(path))) == ""


# --- planted violations: a rule is trusted once it has caught one ----------------------------


@pytest.mark.parametrize(
    "module, source, said",
    [
        ("outdial.core.ports", "import asyncio", "the core is pure"),
        ("outdial.core.ports", "import time", "the core is pure"),
        ("outdial.core.ports", "from random import Random", "the core is pure"),
        ("outdial.core.ports", "import msgspec", "the core is pure"),
        ("outdial.core.ports", "def f():\n    import logging", "the core is pure"),
        ("outdial.core.ports", "from outdial.sim import clock", "core must not import sim"),
        ("outdial.core.ports", "from ..drivers import runner", "core must not import drivers"),
        ("outdial.core.ports", "from outdial import __version__", "core must not import root"),
        ("outdial.core.ports", "import outdial.config", "core must not import composition"),
        ("outdial.sim.world", "import asyncio", "sim/clock.py"),
        ("outdial.sim.world", "import time", "sim/clock.py"),
        ("outdial.sim.world", "import rich", "only the standard library"),
        ("outdial.sim.world", "from outdial.drivers.memory import Link", "sim must not import drivers"),
        ("outdial.sim.world", "from outdial import api", "sim must not import api"),
        ("outdial.sim.world", "from outdial.config import Settings", "sim must not import composition"),
        ("outdial.drivers.runner", "from outdial.sim.world import World", "drivers must not import sim"),
        ("outdial.drivers.ami.link", "from ...api import app", "drivers must not import api"),
        ("outdial.drivers.runner", "from outdial import server", "drivers must not import composition"),
        ("outdial.api.app", "import outdial.drivers.store", "api must not import drivers"),
        ("outdial.api.app", "from outdial.sim import run", "api must not import sim"),
        ("outdial.api.app", "from outdial.server import serve", "api must not import composition"),
        ("outdial", "from outdial.cli import main", "root must not import composition"),
    ],
)
def test_layer_rule_catches(module, source, said):
    [finding] = rules.check_layers(source, module)
    assert said in finding


def test_relative_import_in_a_package_starts_at_the_package():
    assert rules.check_layers("from .dialer import Dialer", "outdial.core", is_package=True) == []
    assert rules.check_layers("from ..sim import run", "outdial.core", is_package=True) != []


@pytest.mark.parametrize(
    "module, source",
    [
        ("outdial.core.ports", "from __future__ import annotations\nfrom collections.abc import Mapping\nimport heapq"),
        ("outdial.core.ports", "from outdial.core.units import Now\nfrom .errors import InvariantViolated"),
        ("outdial.sim.world", "import csv, hashlib, random\nfrom outdial.core import Dialer"),
        ("outdial.drivers.runner", "import asyncio\nimport msgspec\nfrom outdial.core import Dialer"),
        ("outdial.api.app", "import json\nfrom outdial import __version__\nfrom outdial.core import Dialer"),
        ("outdial.server", "from outdial import api, cli, core, drivers, sim"),
        ("outdial.demo.run", "from outdial.server import serve\nfrom ..sim import world"),
        ("outdial.cli", "import outdial.config"),
    ],
)
def test_layer_rule_lets_pass(module, source):
    assert rules.check_layers(source, module) == []


@pytest.mark.parametrize(
    "module, source, said",
    [
        ("outdial.core.pacing", "datetime.now()", "take `now` as an argument"),
        ("outdial.core.pacing", "date.today()", "take `now` as an argument"),
        ("outdial.core.pacing", "datetime.datetime.utcnow()", "take `now` as an argument"),
        ("outdial.core.pacing", "ZoneInfo('Europe/Riga')", "load them at the edge"),
        ("outdial.core.pacing", "zoneinfo.ZoneInfo('Europe/Riga')", "load them at the edge"),
        ("outdial.core.pacing", "hash(group)", "order by an id"),
        ("outdial.core.pacing", "id(group)", "order by an id"),
        ("outdial.core.pacing", "print(1)", "its own log line"),
        ("outdial.core.pacing", "open('x')", "let a driver read the file"),
        ("outdial.core.pacing", "logging.info('x')", "its own log line"),
        ("outdial.core.pacing", "async def f(): pass", "await its event"),
        ("outdial.core.pacing", "time.sleep(1)", "only drivers may sleep"),
        ("outdial.sim.world", "datetime.now()", "take `now` as an argument"),
        ("outdial.sim.world", "random.choice([1])", "named stream"),
        ("outdial.api.app", "asyncio.sleep(1)", "only drivers may sleep"),
        ("outdial.server", "sleep(1)", "only drivers may sleep"),
    ],
)
def test_call_rule_catches(module, source, said):
    [finding] = rules.check_calls(source, module)
    assert said in finding


@pytest.mark.parametrize(
    "module, source",
    [
        ("outdial.drivers.runner", "asyncio.sleep(1)"),
        ("outdial.drivers.journal", "open('x')"),
        ("outdial.sim.draws", "random.Random(1)"),
        ("outdial.sim.report", "print(1)"),
        ("outdial.core.ports", "group.id\nself.open(lease)"),
    ],
)
def test_call_rule_lets_pass(module, source):
    assert rules.check_calls(source, module) == []


@pytest.mark.parametrize(
    "source",
    [
        "for x in {1, 2}: pass",
        "for x in set(y): pass",
        "for x in set(y) | z: pass",
        "[x for x in frozenset(y)]",
        "[x for x in {y for y in z}]",
        "list(set(y))",
        "enumerate({1, 2})",
        "f(*set(y))",
    ],
)
def test_set_order_rule_catches(source):
    [finding] = rules.check_set_order(source)
    assert "sorted(...)" in finding


@pytest.mark.parametrize("source", ["for x in sorted({1, 2}): pass", "x in {1, 2}", "len(set(y))", "for x in y: pass"])
def test_set_order_rule_lets_pass(source):
    assert rules.check_set_order(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "seen = {}",
        "seen: dict[int, int] = {}",
        "seen = set()",
        "seen = collections.defaultdict(list)",
        "seen = [x for x in y]",
        "def f():\n    global seen",
        "@lru_cache(maxsize=None)\ndef f(): pass",
        "@functools.cache\ndef f(): pass",
    ],
)
def test_module_state_rule_catches(source):
    [finding] = rules.check_module_state(source)
    assert "keep it on the Dialer" in finding


@pytest.mark.parametrize(
    "source",
    [
        "TABLE = {}",
        "_TABLE = {}",
        "table: Final = {}",
        "table: Final[dict[int, int]] = {}",
        "table: Mapping[int, int] = {}",
        "table: typing.Mapping[int, int] = {}",
        "__all__ = []",
        "limit = 3",
        "def f():\n    seen = {}",
    ],
)
def test_module_state_rule_lets_pass(source):
    assert rules.check_module_state(source) == []


def test_size_rules_catch_one_line_too_many():
    body = "    pass\n" * (rules.FUNCTION_LINES_MAX - 1)
    assert rules.check_size("def f():\n" + body) == []
    assert "pure functions" in rules.check_size("async def f():\n    pass\n" + body)[0]
    assert rules.check_size("x = 1\n" * rules.MODULE_LINES_MAX) == []
    assert "split it" in rules.check_size("x = 1\n" * (rules.MODULE_LINES_MAX + 1))[0]
    assert rules.code_lines('"""Doc."""\n\n# why\nx = (\n    1,\n)\n') == 3
    assert rules.check_core_size({"ports.py": 1, "nodes.py": rules.CORE_LINES_MAX - 1}) == []
    assert "ports.py" in rules.check_core_size({"ports.py": 1, "nodes.py": rules.CORE_LINES_MAX})[0]


@pytest.mark.parametrize("path", ["src/outdial/utils.py", "src/outdial/_base.py", "tests/common/x.py", "a/manager.js"])
def test_path_rule_catches(path):
    [finding] = rules.check_path(PurePosixPath(path))
    assert "lives with its noun" in finding


def test_path_rule_lets_pass():
    assert rules.check_path(PurePosixPath("src/outdial/core/database.py")) == []


@pytest.mark.parametrize(
    "text",
    [
        "# TO" + "DO: later",
        "// FIX" + "ME",
        "X" * 3 + " odd",
        "see /wo" + "rk/main",
        "https://py" + "pi.org/simple",
        "https://files.python" + "hosted.org/packages/x",
        "https://registry.npm" + "js.org/preact",
    ],
)
def test_text_rule_catches(text):
    [finding] = rules.check_text("fine\n" + text)
    assert finding.startswith("line 2: ")


def test_text_rule_lets_pass():
    assert rules.check_text("todo lists, framework/main, network/x, a host of pythons") == []


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "no level-1 title"),
        ("## Only this\n", "no level-1 title"),
        ("```sh\n# a comment\n```\n", "no level-1 title"),
        ("# One\n\n# Two\n", "lines [1, 3]"),
        ("# One\n\nTwo\n===\n", "lines [1, 4]"),
    ],
)
def test_title_rule_catches(text, said):
    [finding] = rules.check_title(text)
    assert said in finding


def test_title_rule_ignores_code():
    assert rules.check_title("# One\n\n```sh\n# comment\n```\n\n````md\n```\n# x\n```\n````\n") == []
