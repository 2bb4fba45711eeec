"""The lab's PostgreSQL: a server that is gone, with all of its processes and files, whatever happens to its maker."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from outdial.lab import LabUnavailable
from outdial.lab import postgres as lab
from outdial.lab.postgres import Installation, Postgres, make_postgres, other_installations
from store.postgres_server import WHEEL, start_server

pytestmark = pytest.mark.slow

LIMIT_S = 20.0


def processes_below(folder: Path) -> list[int]:
    """Processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in os.readlink(process / "cwd"):
                found.append(int(process.name))
        except OSError:
            continue  # it has ended, or is somebody else's
    return found


def until(is_so, limit_s: float = LIMIT_S) -> bool:
    """Wait until something is so. Returns False when it is not within the limit."""
    deadline = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def answer(server: Postgres, statement: str) -> object:
    """What a server says to one statement."""

    async def ask() -> object:
        connection = await asyncpg.connect(server.url(), password=server.password)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_a_server_listens_on_loopback_only_and_is_gone_when_it_is_closed():
    with start_server(WHEEL) as server:
        assert answer(server, "SHOW listen_addresses") == "127.0.0.1"
        assert answer(server, "SHOW unix_socket_directories") == ""
        assert answer(server, "SHOW fsync") == "off"
        assert processes_below(server.folder)
    assert not server.folder.exists()
    assert processes_below(server.folder) == []


def test_a_server_takes_nobody_without_its_password():
    with start_server(WHEEL) as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(asyncpg.connect(server.url(), password="another"))
        assert server.password not in server.log()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root cannot run PostgreSQL")
def test_for_root_a_server_runs_as_nobody_and_leaves_folders_above_it_as_they_are(tmp_path):
    nobody = pwd.getpwnam("nobody").pw_uid
    accounts = Path("/etc/passwd").read_bytes()
    modes = [path.stat().st_mode for path in tmp_path.parents]
    with start_server(WHEEL) as server:
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in processes_below(server.folder)} == {nobody}
    assert Path("/etc/passwd").read_bytes() == accounts
    assert [path.stat().st_mode for path in tmp_path.parents] == modes


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_programs_below_a_closed_folder_are_copied(tmp_path):
    """As when the repository lies in root's home."""
    wheel = start_server(WHEEL)
    wheel.close()
    home = lab.wheel_installation().folder.parent.parent
    shutil.copytree(home, tmp_path / "closed" / home.name)
    if (libraries := home.with_name(f"{home.name}.libs")).exists():
        shutil.copytree(libraries, tmp_path / "closed" / libraries.name)
    (tmp_path / "closed").chmod(0o700)
    with make_postgres(Installation("closed", tmp_path / "closed" / home.name / "pginstall" / "bin", 18)) as server:
        server.start()
        assert answer(server, "SELECT 1") == 1


def test_a_server_whose_maker_is_killed_ends():
    program = (
        "import sys, time; from store.postgres_server import *; server = start_server(WHEEL);"
        "print(server.folder, flush=True); sys.stdin.read()"
    )
    maker = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert maker.stdout is not None
    folder = Path(maker.stdout.readline().strip())
    assert processes_below(folder)
    maker.send_signal(signal.SIGKILL)
    maker.communicate()
    assert until(lambda: processes_below(folder) == [])
    shutil.rmtree(folder)


def test_a_killed_server_starts_again_on_its_port_with_what_was_committed():
    with start_server(WHEEL) as server:
        answer(server, "CREATE TABLE kept AS SELECT 7 AS number")
        port = server.port
        for end in (server.kill9, server.stop):
            end()
            assert not server.is_running
            server.start()
            assert server.port == port and answer(server, "SELECT number FROM kept") == 7


def test_a_server_that_cannot_start_says_why():
    with start_server(WHEEL) as server:
        server.stop()
        (server.folder / "data" / "PG_VERSION").write_text("9.6\n")
        with pytest.raises(LabUnavailable, match=r"initialized by PostgreSQL version 9\.6"):
            server.start()


def test_programs_are_found_where_the_environment_says_and_only_real_ones(tmp_path, monkeypatch):
    wheel = start_server(WHEEL)
    wheel.close()
    (tmp_path / "initdb").touch()
    monkeypatch.setenv(lab.BIN_VARIABLE, os.pathsep.join([str(tmp_path), str(lab.wheel_installation().folder)]))
    found = [installation.folder for installation in other_installations()]
    assert lab.wheel_installation().folder in found and tmp_path not in found
