"""Commands on lists, records, do-not-call lists and reports: what a server says is what the database says.

The API runs over a store in a loop of its own; each command is given to it, and, when it has ended, to the database.
"""

import asyncio
import functools
import io
import json
import threading
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import structlog

from operations_story import Story, telling
from outdial import cli
from outdial.api.imports import ImportView
from outdial.client import Client, NotSent
from outdial.client.transport import Answer, FileToSend, Http, refusal_of
from outdial.config import load
from outdial.configured_store import utc_now_ms
from outdial.core.commands import DisposeRecord, Disposition
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.operations.import_job import Job
from outdial.server_lists import follow
from outdial.store.sqlite import SqliteStore
from serve_samples import write_configuration
from store.contract.story import begun, claim, settled, write

pytestmark = pytest.mark.slow

WITHIN_S = 20.0
LEADS = "phone,name,chain_id\n+15550100,Ann,\n+15550101,Bob,7\n+15550102,Eve,7\nnonsense,Joe,\n"


class ToServer:
    """Carries requests to the application, in the loop that it runs in."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    def _ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        content = body.path.read_bytes() if isinstance(body, FileToSend) else body
        request = self._server.story.client.request(method, path, content=content, headers=dict(headers or {}))
        answer: httpx.Response = self._server.does(request)
        if answer.status_code >= 400:
            raise refusal_of(answer.status_code, answer.content)
        return answer

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        answer = self._ask(method, path, body, headers)
        return Answer(answer.content, answer.headers.get("etag", ""))

    def pieces(self, path: str) -> Iterator[bytes]:
        content = self._ask("GET", path).content
        yield from (content[first : first + 50] for first in range(0, len(content), 50))


class Server:
    """A server on the database of a configuration, in a thread, as long as the block lasts."""

    def __init__(self, config: Path) -> None:
        self._loaded = load(config)
        self._loop = asyncio.new_event_loop()
        self._is_up, self._is_wanted = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self.story: Story

    def store(self) -> SqliteStore:
        """As the databases of the store's tests."""
        file = self._loaded.serve.database.file
        assert file is not None
        return SqliteStore(file)

    async def _serve(self) -> None:
        file = self._loaded.serve.database.file
        assert file is not None
        file.parent.mkdir(exist_ok=True)
        async with telling(self, file.parent, self._loaded) as self.story:
            self._is_up.set()
            await self._is_wanted.wait()

    def does(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WITHIN_S)

    def __enter__(self) -> "Server":
        self._thread.start()
        assert self._is_up.wait(WITHIN_S)
        return self

    def stop(self) -> None:
        """Let go of the database. Stopping twice does no harm."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._is_wanted.set)
            self._thread.join(WITHIN_S)
            self._loop.close()

    def __exit__(self, *_: object) -> None:
        self.stop()


class Operator:
    """Types commands, and asks a server as long as there is one."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = write_configuration(folder, records=3)
        self._capsys = capsys

    def types(self, *arguments: object, code: int = 0) -> str:
        """Returns the output, or what went wrong."""
        given = [str(argument) for argument in arguments]
        ended = cli.run_command_line(given)
        out, err = self._capsys.readouterr()
        assert ended == code, (given, out, err)
        return out or err

    def asks(self, *arguments: object, code: int = 0) -> str:
        """Of the server."""
        return self.types("--server", "http://api", *arguments, code=code)

    def file(self, text: str, name: str = "leads.csv") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


@pytest.fixture
def operator(tmp_path, capsys) -> Operator:
    return Operator(tmp_path, capsys)


@pytest.fixture
def server(operator, monkeypatch) -> Iterator[Server]:
    quiet = functools.partial(structlog.PrintLogger, io.StringIO())
    logs = SimpleNamespace(wrap_logger=structlog.wrap_logger, PrintLogger=quiet)
    monkeypatch.setattr("operations_story.structlog", logs)
    with Server(operator.config) as up:
        up.story.clock[0] = utc_now_ms()
        client = Client("http://api", transport=ToServer(up))  # type: ignore[arg-type]
        monkeypatch.setattr("outdial.server_commands.patient_client_of", lambda server: client)
        monkeypatch.setattr("outdial.server_lists.LOOK_S", 0.002)
        yield up


async def has_called(story: Story) -> None:
    """Somebody has talked, and the agent has said something; somebody else did not answer."""
    records = [chain.records[0] for chain in (await claim(story.store, 2)).chains]
    for call_id, (record, result) in enumerate(zip(records, (CallResult.ANSWER, CallResult.NO_ANSWER), strict=True), 1):
        is_person = result is CallResult.ANSWER
        change = replace(
            settled(call_id, record, result=result, agent_id=7 if is_person else None),
            campaign_id=1,
            person=is_person,
            talk_ms=12_300 if is_person else 0,
        )
        await write(story.store, begun(call_id, record), change)
    word = Disposition(TreatmentAction.DONE)
    [first, _] = records
    await write(
        story.store,
        DisposeRecord(
            1, 1, 1, first.record_id, 1, 7, CallResult.WRONG_PARTY, word, "a note", settled(1, first).dialed_utc_ms
        ),
    )


QUESTIONS = [
    ["list", "show"],
    ["list", "show", "--list", "customers", "--json"],
    ["list", "export", "--list", "customers"],
    ["record", "show", "+15550100"],
    ["record", "show", "15550100", "--json"],
    ["record", "show", "2"],
    ["record", "show", "2", "--json"],
    ["dnc", "check", "+15550100", "+15550199", "customer:9"],
    ["dnc", "check", "+15550100", "+15550199", "--json"],
    ["dnc", "show", "--json"],
    ["dnc", "show"],
    ["compliance", "budget"],
    ["compliance", "budget", "--campaign", "spring", "--json"],
    ["compliance", "report", "--period", "2000-01-01..2009-01-01", "--form", "safe-harbour"],
    ["compliance", "report", "--period", "2025-01-01..2026-12-31", "--form", "uk", "--format", "json"],
    *(
        ["report", kind, "--period", "2025-01-01..2026-12-31", "--format", form]
        for kind in ("attempts", "lists", "agents", "waits", "ports")
        for form in ("text", "csv", "json")
    ),
    ["report", "attempts", "--period", "2025-11-01..2026-12-31", "--by", "group,result", "--group", "east"],
]
PLACE = 2
"""Where CONFIG.toml stands among the arguments."""


def same(text: str) -> Any:
    """What counts of an output: JSON by its values, text by its lines."""
    try:
        return json.loads(text)
    except ValueError:
        return text.replace("\r\n", "\n")


def test_a_server_says_what_its_database_says(operator, server):
    leads = operator.file(LEADS)
    said = operator.asks("list", "import", leads, "--list", "customers")
    assert said.startswith(f"{leads}: 3 records added to customers, 1 lines left out\n          1  not a number\n")
    assert said.endswith(f"all of them are in {leads}.rejects.csv\n")
    assert "nonsense" in Path(f"{leads}.rejects.csv").read_text()
    server.does(has_called(server.story))
    assert operator.asks("dnc", "add", "+15550100", "--reason", "asked") == "internal: 1 added\n"
    codes = [int(question[:2] == ["dnc", "check"]) for question in QUESTIONS]
    told = [operator.asks(*question, code=code) for question, code in zip(QUESTIONS, codes, strict=True)]
    server.stop()
    for question, code, answer in zip(QUESTIONS, codes, told, strict=True):
        ours = operator.types(*question[:PLACE], operator.config, *question[PLACE:], code=code)
        assert same(answer) == same(ours.replace(str(operator.config), "the server's configuration")), question


def test_an_import_says_what_the_command_on_the_database_says(operator, server):
    leads = operator.file(LEADS)
    there = [
        operator.asks("list", "import", leads, "--list", "customers", *more, "--json")
        for more in (("--dry-run",), ("--map", "name=full_name"), ())
    ]
    server.stop()
    (operator.folder / "results" / "outdial.sqlite3").unlink()
    here = [
        operator.types("list", "import", leads, operator.config, "--list", "customers", *more, "--json")
        for more in (("--dry-run",), ("--map", "name=full_name"), ())
    ]
    for one, other in zip(map(json.loads, there), map(json.loads, here), strict=True):
        for outcome in (one, other):
            outcome["finished_before_utc"] = outcome["finished_before_utc"] is not None
        assert {**one, "rejects_file": None} == {**other, "rejects_file": None}
    assert [json.loads(said)["added"] for said in there] == [3, 3, 0]


FORMS = "Tel,consent,consent_utc\n+15550100,form,2026-05-02\n+15550101,,\n+15550199,form,\nnonsense,form,\n"


def test_a_file_of_consents_says_what_the_command_on_the_database_says(operator, server):
    operator.asks("list", "import", operator.file(LEADS), "--list", "customers")
    forms = operator.file(FORMS, "forms.csv")
    give = ("--list", "customers", "--map", "Tel=phone", "--ready")
    there = [operator.asks("list", "consent", forms, *give, *more) for more in ((), ("--json",))]
    [shown] = json.loads(operator.asks("record", "show", "+15550100", "--json"))["records"]
    assert (shown["consent"], shown["consent_utc"]) == ("form", "2026-05-02T00:00:00.000Z")
    rejects = forms.with_name("forms.csv.rejects.csv")
    assert "nonsense" in rejects.read_text()
    server.stop()
    here = [operator.types("list", "consent", forms, operator.config, *give, *more) for more in ((), ("--json",))]
    assert there == here
    assert json.loads(there[1]) == {
        **{"list": "customers", "lines": 4, "set": 1, "ready": 0, "claimed": 0, "over": 0, "missing": 1, "none": 1},
        "rejected": 1,
    }


def test_what_goes_wrong_is_told_and_ends_with_2(operator, server):
    leads = operator.file(LEADS)
    for arguments, told in (
        (("list", "import", operator.file("name\nAnn\n", "a.csv"), "--list", "customers"), "is failed: a.csv: "),
        (("list", "import", leads, "--list", "customers", "--map", "x"), "--map"),
        (("list", "import", leads, "--list", "nobodies"), "there is no calling list nobodies; there are: customers"),
        (("list", "show", operator.config), "outdial.toml: the server http://api is asked"),
        (("list", "reset", "--list", "customers"), "say --yes"),
        (("list", "reset", "--list", "customers", "--yes", "--status", "x"), '--status "x": allowed: '),
        (("list", "export", "--list", "customers", "--out", operator.folder), "cannot be written"),
        (("record", "show", "+15550199"), "no record has the number +15550199"),
        (("record", "consent", "+15550199", "web form"), "no record has the number +15550199"),
        (("record", "consent", "1", "web form", "--since", "soon"), 'consent_utc "soon" is no instant'),
        (
            ("list", "consent", "forms.csv", "outdial.toml", "--list", "customers"),
            "outdial.toml: the server http://api",
        ),
        (("list", "consent", operator.file("name\nA\n", "f.csv"), "--list", "customers"), "is failed: f.csv: "),
        (("record", "add", "+15550199", "--list", "customers", "--chain", "x", "a"), "allowed: a whole number"),
        (("dnc", "add", "nonsense"), "nonsense"),
        (("dnc", "add", "+15550199", "--until", "2001-01-01"), "not past"),
        (("compliance", "report", "--period", "x", "--form", "y"), "there is no form"),
        (("report", "attempts", "--period", "today", "--format", "parquet"), "goes into a file"),
        (("report", "nothing", "--period", "today"), "nothing"),
        (("preflight", "nobody"), "there is no campaign group nobody"),
    ):
        assert told in operator.asks(*arguments, code=2), arguments


def test_changes_over_the_api(operator, server):
    operator.asks("list", "import", operator.file(LEADS), "--list", "customers")
    record = ("+15550109", "--list", "customers", "--chain", "7", "--tz", "UTC", "name=Ann")
    added = operator.asks("record", "add", *record)
    assert added == "customers: record 4, +15550109\n"
    shown = json.loads(operator.asks("record", "show", "4", "--json"))["records"][0]
    assert (shown["chain_id"], shown["chain_n"], shown["time_zone"], shown["custom"]) == (7, 2, "UTC", {"name": "Ann"})
    assert "counts from now on" in operator.asks("record", "consent", "1", "web form", "--since", "2026-05-02")
    [shown] = json.loads(operator.asks("record", "show", "1", "--json"))["records"]
    assert (shown["consent"], shown["consent_utc"]) == ("web form", "2026-05-02T00:00:00.000Z")
    assert operator.asks("record", "cancel", "1", "--list", "customers") == "record 1, +15550100, is cancelled\n"
    assert json.loads(operator.asks("list", "reset", "--list", "customers", "--yes", "--json"))["reset"] == 1
    out = operator.folder / "out.csv"
    assert operator.asks("list", "export", "--list", "customers", "--out", out) == ""
    assert out.read_bytes().decode() == operator.asks("list", "export", "--list", "customers")
    numbers = operator.file("+15550100\n+15550101\nnonsense\n", "numbers.txt")
    said = operator.asks("dnc", "import", numbers, "--list", "national", "--replace")
    assert said.startswith(f"{numbers}: 2 numbers, 2 of them new; 0 removed, 1 lines left out\n")
    assert operator.asks("dnc", "remove", "+15550100", "+15550101") == "all lists: 2 removed\n"
    assert operator.asks("dnc", "remove", "+15550100", "--list", "national") == "national: 0 removed\n"


def test_a_forecast_is_that_of_the_database(operator, server):
    operator.asks("list", "import", operator.file(LEADS), "--list", "customers")
    there, said = json.loads(operator.asks("preflight", "east", "--json")), operator.asks("preflight", "east")
    server.stop()
    here = json.loads(operator.types("preflight", operator.config, "east", "--json"))
    assert {**there, "at_utc": ""} == {**here, "at_utc": ""}
    assert said == operator.types("preflight", operator.config, "east")


class Interrupted:
    """Somebody presses Ctrl-C while an import is read."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []

    def import_job(self, job_id: str) -> ImportView:
        raise AssertionError("nobody waits for it")

    def cancel_import(self, job_id: str) -> None:
        self.cancelled.append(job_id)


def test_ctrl_c_cancels_an_import():
    job = Job("17-1", 1, "customers", "leads.csv", "csv", "ann", 17).view()
    client = Interrupted()

    def pause(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(client, job, pause)  # type: ignore[arg-type]
    assert client.cancelled == ["17-1"]


def test_a_file_that_cannot_be_read_is_not_sent(tmp_path):
    with pytest.raises(NotSent, match="cannot be read"):
        Http("http://127.0.0.1:1").send("POST", "/", FileToSend(tmp_path / "none.csv"))
