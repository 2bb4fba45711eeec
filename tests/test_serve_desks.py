"""Agents with a desktop in `outdial serve`: nobody signs them in, they take calls, and everything can be replayed."""

import json
import signal
import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from config_samples import PIECES
from outdial.core.events import AgentBecameReady, AgentLoggedIn
from outdial.drivers.journal import JournalReader
from outdial.replay import replay
from serve_samples import WAIT_S, Serving, serving, write_configuration

pytestmark = pytest.mark.slow

API = '\n[api]\nlisten = "127.0.0.1:0"\n'
ADA = 7


def write(folder: Path, **pieces: str) -> Path:
    """Everybody has a desktop, and after-call work has no end of its own."""
    pieces.setdefault("agent_group", PIECES["agent-group"] + 'sign-in = "desktop"\n')
    group = PIECES["group"].replace("predictive", "progressive")
    return write_configuration(folder, 'journal = "run.journal"' + API, group=group, **pieces)


class AtDesk:
    """One agent, over HTTP."""

    def __init__(self, server: Serving, agent_id: int = ADA) -> None:
        address = server.until("started")["api"]
        self._client = httpx.Client(base_url=f"{address}/v1/agents/{agent_id}", timeout=WAIT_S)

    def desk(self) -> dict:
        """What the agent sees."""
        return self._client.get("/desk").json()["desk"]

    def does(self, act: str, **body: object) -> dict:
        """The desk after that."""
        answer = self._client.post(f"/{act}", json=body or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def until(self, is_so) -> dict:
        """Wait for the desk to be so."""
        end_s = time.monotonic() + WAIT_S
        while not is_so(desk := self.desk()):
            assert time.monotonic() < end_s, desk
            time.sleep(0.02)
        return desk


def test_agent_signs_in_takes_calls_and_says_what_came_of_them(tmp_path):
    path = write(tmp_path)
    (tmp_path / "list.csv").write_text("phone,first_name\n" + "".join(f"2001{n:05},Ann {n}\n" for n in range(50)))
    with serving(path, talk_s=0.3) as server:
        ada = AtDesk(server)
        assert ada.desk()["state"] == "logged out"
        ada.does("login")
        ada.does("ready")
        call = ada.until(lambda desk: desk["call"] and (desk["call"]["record"]["fields"] or {}))["call"]
        assert call["record"]["fields"]["first_name"].startswith("Ann ")
        said = ada.does("disposition", result="WRONG_PARTY", note="her brother", call_id=call["call_id"])
        assert (said["call"] or said["last_call"])["said"]["note"] == "her brother"
        desk = ada.until(lambda desk: desk["state"] == "after-call work")
        assert desk["ends_utc_ms"] is None
        ada.does("not-ready", reason="lunch")
        server.until("attempt settled")
        assert {line["agent"] for line in server.of("attempt settled")} == {"ada"}
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    events = [step.event for step in JournalReader(tmp_path / "run.journal")]
    assert {event.agent_id for event in events if isinstance(event, AgentLoggedIn | AgentBecameReady)} == {ADA}
    assert replay(tmp_path / "run.journal").identical
    with sqlite3.connect(tmp_path / "results" / "outdial.sqlite3") as database:
        assert database.execute("SELECT agent_id, note FROM dispositions").fetchall() == [(ADA, "her brother")]
        reasons = database.execute("SELECT reason FROM agent_states WHERE state = 'not ready' ORDER BY change_n")
        assert [reason for (reason,) in reasons] == [None, "lunch"]


def test_reload_takes_a_desktop_away(tmp_path):
    path = write(tmp_path)
    with serving(path) as server:
        ada = AtDesk(server)
        ada.does("login")
        path.write_text(path.read_text().replace('sign-in = "desktop"\n', ""))
        server.process.send_signal(signal.SIGHUP)
        server.until("reloaded")
        server.until("attempt settled", 3)  # the server has signed everybody in
        refused = ada._client.post("/ready")
        assert (refused.status_code, refused.json()["code"]) == (409, "no_desktop")
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    assert json.loads(refused.text)["status"] == 409
