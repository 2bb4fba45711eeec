"""`outdial serve` with rules: attempts are limited over restarts, and every call is proven."""

import json
import signal
import sqlite3
from collections import Counter

import pytest

from config_samples import PIECES
from outdial.cli import run_command_line
from outdial.replay import replay
from serve_samples import serving, write_configuration

pytestmark = pytest.mark.slow

LIST = """
[[calling-list]]
dbid = 1
name = "customers"
file = "list.csv"
rules = ["house"]

[[calling-list.treatment]]
call-result = "Answer"
action = "redial"
cycle-attempt = 50

[[rule-profile]]
name = "house"
version = "2026-03-01"
attempts-24h-max = 2
"""


def test_no_number_has_more_attempts_than_the_rules_allow_whatever_starts_anew(tmp_path):
    path = write_configuration(tmp_path, 'journal = "run-{start}.journal"', records=3, list=LIST, group=PIECES["group"])
    with serving(path) as server:
        server.until("attempt settled", 6)
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    (tmp_path / "more.csv").write_text("phone\n20020001\n")
    assert run_command_line(["list", "import", str(tmp_path / "more.csv"), str(path), "--list", "customers"]) == 0
    with serving(path) as server:
        server.until("attempt settled", 2)
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    calls = Counter(line.split()[1] for line in (tmp_path / "callees.log").read_text().splitlines())
    assert calls == dict.fromkeys(["200100000", "200100001", "200100002", "20020001"], 2)
    connection = sqlite3.connect(tmp_path / "results" / "outdial.sqlite3")
    found = [
        json.loads(text) for (text,) in connection.execute("SELECT evidence FROM evidence ORDER BY epoch, call_id")
    ]
    [waiting] = connection.execute("SELECT count(*) FROM records WHERE due_utc_ms > 0").fetchone()
    connection.close()
    assert waiting >= 3, "they wait for the end of their 24 hours"
    assert len(found) == 8
    assert Counter(each["calls"]["last_24h"] for each in found) == {0: 4, 1: 4}
    assert all(each["rules"][0].startswith("house 2026-03-01.") for each in found)
    for journal in tmp_path.glob("run-*.journal"):
        assert replay(journal).identical
