"""Lists of a demonstration over its API: what comes in is dialed by its simulated world."""

import csv
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from outdial.config.api import Listen
from outdial.demo import run_demo
from outdial.demo_scene import DemoOptions

pytestmark = pytest.mark.slow
WAIT_S = 30.0


class Screen:
    """What the demonstration prints; its first line has the address."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""

    def address(self) -> str:
        deadline = time.monotonic() + WAIT_S
        while "Dashboard: " not in self.text or "\n" not in self.text:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self.text.split("Dashboard: ")[1].split("\n")[0].rstrip("/")


def until(what: Any) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def visit(screen: Screen, found: dict[str, Any]) -> None:
    with httpx.Client(base_url=screen.address() + "/v1", timeout=WAIT_S) as client:
        lists = until(lambda: client.get("/lists").json().get("lists"))
        dbid = lists[0]["dbid"]
        content = "phone,name\n" + "".join(f"+49301234{n:03},Ann\n" for n in range(20)) + "bad,Bob\n"
        sent = client.post(f"/lists/{dbid}/imports", content=content, headers={"content-type": "text/csv"}).json()
        found["job"] = until(lambda: (job := client.get(f"/imports/{sent['id']}").json())["ended_utc_ms"] and job)
        added = client.post(f"/lists/{dbid}/records", json={"phone": "+4930999"}).json()
        found["history"] = client.get(f"/lists/{dbid}/records/{added['record_id']}").json()
        found["preflight"] = client.get("/groups/1/preflight").status_code


def test_a_file_is_imported_into_a_demonstration_and_a_second_one_goes_on(tmp_path):
    screen, found = Screen(), dict[str, Any]()
    visitor = threading.Thread(target=visit, args=(screen, found))
    visitor.start()
    play(tmp_path, screen)
    visitor.join(WAIT_S)
    assert (found["job"]["state"], found["job"]["accepted"], found["job"]["rejected"]) == ("finished", 20, 1)
    assert found["history"]["record"]["number"] == "+4930999" and found["preflight"] == 200
    play(tmp_path, Screen())
    with open(tmp_path / "records.csv", newline="", encoding="utf-8") as file:
        assert 21 == sum(row["number"].startswith("+4930") for row in csv.DictReader(file))


def play(folder: Path, screen: Screen) -> None:
    options = DemoOptions(seconds=6, out=folder, listen=Listen("127.0.0.1", 0))
    run_demo(options, as_json=False, stdout=Console(file=screen, width=200), stderr=Console(stderr=True))
