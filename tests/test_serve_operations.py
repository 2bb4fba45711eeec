"""Lists of a server that runs: files, records and numbers come in over its API while it dials."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve_samples import WAIT_S, Serving, serving, write_configuration

pytestmark = pytest.mark.slow


def client_of(server: Serving) -> httpx.Client:
    return httpx.Client(base_url=f"{server.until('started')['api']}/v1", timeout=WAIT_S)


def until(what: Any) -> Any:
    """Wait for something to become true."""
    deadline = time.monotonic() + WAIT_S
    while not (found := what()):
        assert time.monotonic() < deadline
    return found


def dialed(folder: Path) -> str:
    """What the callees know."""
    return (folder / "callees.log").read_text() if (folder / "callees.log").exists() else ""


def test_what_comes_in_over_the_api_is_dialed_and_what_is_forbidden_is_not(tmp_path):
    path = write_configuration(tmp_path, records=5)
    path.write_text(path.read_text() + '[api]\nlisten = "127.0.0.1:0"\n')
    with serving(path) as server, client_of(server) as client:
        server.until("attempt settled", 5)
        forbidden = client.post("/dnc/internal/numbers", json={"numbers": ["5559007"], "reason": "asked"})
        assert forbidden.json()["added"] == 1
        leads = "phone,name\n" + "".join(f"55590{n:02},Ann\n" for n in range(40)) + "bad,Bob\n"
        sent = client.post("/lists/1/imports?name=leads.csv", content=leads, headers={"content-type": "text/csv"})
        assert sent.status_code == 202
        job = sent.headers["location"].removeprefix("/v1")
        done = until(lambda: (found := client.get(job).json())["ended_utc_ms"] and found)
        assert (done["state"], done["accepted"], done["rejected"]) == ("finished", 40, 1)
        assert client.post("/lists/1/records", json={"phone": "5559999"}).status_code == 201
        server.until("attempt settled", 5 + 39 + 1)
        assert "5559039" in dialed(tmp_path) and "5559999" in dialed(tmp_path) and "5559007" not in dialed(tmp_path)
        [record] = until(
            lambda: [one for one in client.get("/records?number=5559039").json()["records"] if one["attempts"]]
        )
        history = client.get(f"/lists/1/records/{record['record_id']}").json()
        assert history["made"][0]["call_result"] == "answer" and history["made"][0]["evidence"]["clocks"]
        report = client.get("/reports/attempts?period=last-1-day").json()
        assert report["report"] == "attempts"
        assert client.get("/lists/1").json()["records"] == 46
        assert server.of("import ended")[0]["accepted"] == 40
        registry = "".join(f"777{n:09}\n" for n in range(90_000))
        sent = client.post("/dnc/national/imports", content=registry, headers={"content-type": "text/csv"})
        job = sent.headers["location"].removeprefix("/v1")
        done = until(lambda: (found := client.get(job).json())["ended_utc_ms"] and found)
        assert (done["state"], done["accepted"], done["bytes"]) == ("finished", 90_000, len(registry))
        assert "5559" not in str(server.lines)  # whom it calls is nobody's business who reads the log
