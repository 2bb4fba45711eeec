"""`outdial serve` as a stranger runs it: a process, a file, servers that it only knows by their addresses."""

import asyncio
import csv
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from outdial.lab.node import ARI_PORT
from sides import PASSWORD, USER, FakeSide, RealSide

pytestmark = pytest.mark.slow

CONFIG = """
[serve]
drain-s-max = 5
results-dir = "results"
journal = "run-{{start}}.journal"

[ocs]
connections = ["north"]

[[switch]]
dbid = 1
name = "cluster"
channel_num = 40
dynamic-port-allocation = true

[[sip-server]]
dbid = 1
name = "north"
driver = "asterisk-ari"
host = "{host}"
port = {port}
ari-port = {ari_port}
user = "{user}"
password-env = "OUTDIAL_TEST_PASSWORD"
switch = "cluster"

[[agent-range]]
first-dbid = 1001
count = 10
login = "agent{{n}}"
phone = "agent{{n}}"

[[agent-group]]
dbid = 1
name = "sales"
agents = ["1001..1005"]

[[agent-group]]
dbid = 2
name = "care"
agents = ["1006..1010"]

[[calling-list]]
dbid = 1
name = "customers"
file = "customers.csv"

[[campaign]]
dbid = 1
name = "customers"
lists = ["customers"]

[[campaign-group]]
dbid = 1
name = "sales"
campaign = "customers"
agent-group = "sales"
dialing-mode = "progressive"
dialer = "cluster"
call-progress-detection = false
ring-timeout-s = 5
after-call-work-s = 0.2

[[campaign-group]]
dbid = 2
name = "care"
campaign = "customers"
agent-group = "care"
dialing-mode = "progressive-with-seizing"
dialer = "cluster"
call-progress-detection = false
ring-timeout-s = 5
after-call-work-s = 0.2
"""
TWO_SERVERS = """
[serve]
results-dir = "results"

[ocs]
connections = [{connections}]
sip-cluster-lb-mode = "round-robin"
sip-cluster-prime-node = "north"

[[switch]]
dbid = 1
name = "cluster"
channel_num = 40
dynamic-port-allocation = true

{servers}
[[agent-range]]
first-dbid = 1001
count = 3
login = "agent{{n}}"
phone = "agent{{n}}"

[[agent-group]]
dbid = 1
name = "care"
agents = ["1001..1003"]
sip-cluster-asm-dial-node = "{dialer_node}"

[[calling-list]]
dbid = 1
name = "customers"
file = "customers.csv"

[[campaign]]
dbid = 1
name = "customers"
lists = ["customers"]

[[campaign-group]]
dbid = 1
name = "care"
campaign = "customers"
agent-group = "care"
dialing-mode = "progressive-with-seizing"
dialer = "cluster"
call-progress-detection = false
ring-timeout-s = 60
"""
ONE_SERVER = """
[[sip-server]]
dbid = {dbid}
name = "{name}"
driver = "asterisk-ari"
host = "{host}"
port = {port}
ari-port = {ari_port}
user = "{user}"
password-env = "OUTDIAL_TEST_PASSWORD"
switch = "cluster"
"""
PREFIXES = ("2000", "2486", "2000", "2404", "2000", "2503")
EXPECTED = {"2000": {"answer", "abandoned"}, "2486": {"busy"}, "2404": {"sit_vacant"}, "2503": {"all_trunks_busy"}}


@pytest.fixture(params=["fake22", "asterisk22", "asterisk16"])
def make_side(request):
    if request.param == "fake22":
        return lambda: FakeSide("22.10.1")
    lab = request.getfixturevalue("lab")
    return lambda: RealSide(lab.lone_node(request.param), lab)


def prepare(folder: Path, side: FakeSide | RealSide) -> Path:
    """Write configuration and list."""
    settings = side.settings
    places = {"host": settings.host, "port": settings.port, "ari_port": settings.ari_port or ARI_PORT}
    path = folder / "outdial.toml"
    path.write_text(CONFIG.format(user=USER, **places))
    numbers = (f"{PREFIXES[n % len(PREFIXES)]}{n:06}" for n in range(2_000))
    (folder / "customers.csv").write_text("phone\n" + "\n".join(numbers) + "\n")
    return path


def write_servers(path: Path, sides: dict[str, FakeSide | RealSide], dialer_node: str) -> None:
    """Write a configuration with these servers; those who are called ring for ever."""
    servers = ""
    for dbid, (name, side) in enumerate(sides.items(), start=1):
        settings = side.settings
        places = {"host": settings.host, "port": settings.port, "ari_port": settings.ari_port or ARI_PORT}
        servers += ONE_SERVER.format(dbid=dbid, name=name, user=USER, **places)
    connections = ", ".join(f'"{name}"' for name in sides)
    path.write_text(TWO_SERVERS.format(connections=connections, servers=servers, dialer_node=dialer_node))
    path.with_name("customers.csv").write_text("phone\n" + "".join(f"2180{n:06}\n" for n in range(100)))


def attempts(folder: Path) -> list[dict[str, str]]:
    [file] = folder.glob("results/*/attempts.csv")
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


async def outdial(*arguments: str | Path) -> asyncio.subprocess.Process:
    """Start the program."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from outdial.cli import main; main()", *map(str, arguments)),
        env={**os.environ, "OUTDIAL_TEST_PASSWORD": PASSWORD},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def test_file_is_checked_servers_are_examined_and_customers_talk_to_agents(tmp_path, make_side):
    async def story():
        async with make_side() as side:
            path = prepare(tmp_path, side)
            doctor = await outdial("doctor", path, "--json")
            report = json.loads((await doctor.communicate())[0])
            assert doctor.returncode == 0, report
            server = await outdial("serve", path, "--json-logs")
            assert server.stderr is not None
            settled = 0
            async with asyncio.timeout(60):
                while settled < 40:
                    line = json.loads(await server.stderr.readline())
                    settled += line["event"] == "attempt settled"
            server.send_signal(signal.SIGTERM)
            _, rest = await server.communicate()
            assert server.returncode == 0, rest

    asyncio.run(story())
    rows = attempts(tmp_path)
    assert len(rows) >= 40
    for row in rows:
        assert row["call_result"] in EXPECTED[row["number"][:4]], row
    talked = {row["group"] for row in rows if row["call_result"] == "answer" and row["agent"]}
    assert talked == {"sales", "care"}
    assert len({row["number"] for row in rows}) == len(rows)


def test_who_finds_no_agent_hears_the_message_and_is_in_the_report(tmp_path, make_side):
    """All phones are busy, so nobody comes for those who answer."""

    async def story() -> tuple[bytes, bytes]:
        async with make_side() as side:
            path = prepare(tmp_path, side)
            text, _, _ = path.read_text().partition("\n[[campaign-group]]\ndbid = 2")
            text = text.replace("first-dbid = 1001", "first-dbid = 1801").replace("count = 10", "count = 5")
            text = text.replace("1001..1005", "1801..1805").replace("1006..1010", "1801..1805")
            path.write_text(f'{text}drop-message = "{side.message}"\n')
            path.with_name("customers.csv").write_text("phone\n" + "".join(f"2001{n:06}\n" for n in range(5)))
            server = await outdial("serve", path, "--json-logs")
            assert server.stderr is not None
            settled = 0
            async with asyncio.timeout(30):
                while settled < 5:
                    settled += json.loads(await server.stderr.readline())["event"] == "attempt settled"
            server.send_signal(signal.SIGTERM)
            await server.communicate()
            budget, _ = await (await outdial("compliance", "budget", path, "--json")).communicate()
            wanted = ("--period", "2020-01-01..2029-12-01", "--form", "safe-harbour", "--format", "json")
            report = await outdial("compliance", "report", path, *wanted)
            return budget, (await report.communicate())[0]

    budget, report = map(json.loads, asyncio.run(story()))
    assert {row["call_result"] for row in attempts(tmp_path)} == {"dropped"}
    life = budget["budgets"][0]["windows"][3]
    assert (life["persons"], life["abandoned"]) == (5, 5)
    total = report["rows"][-1]
    assert (total["answered_by_persons"], total["abandoned"], total["messages_played"]) == (5, 5, 5)


def test_reload_that_removes_a_server_lets_go_of_everybody_there(tmp_path, make_side, make_onlooker):
    path = tmp_path / "outdial.toml"

    async def story():
        async with FakeSide("22.10.1") as north, make_side() as south, make_onlooker(south.settings) as onlooker:
            write_servers(path, {"north": north, "south": south}, "south")
            server = await outdial("serve", path, "--json-logs")
            try:  # agents in bridges, and customers who ring
                await onlooker.until_there_are(channels=6, bridges=3, within_s=15)
                write_servers(path, {"north": north}, "north")
                server.send_signal(signal.SIGHUP)
                await onlooker.until_there_are(channels=0, bridges=0)
            finally:
                server.kill()
                print((await server.communicate())[1].decode())

    asyncio.run(story())
