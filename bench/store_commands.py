"""How long do imports take, and how much memory does a server need whose lists are in the database?

As an operator does it: `outdial list import` and `outdial dnc import` of so many lines, then `outdial serve` on it all,
for SQLite and for PostgreSQL. The server's SIP servers are not there: nothing is dialed, records are claimed by nobody.

    python -m bench.store_commands --records 1000000
"""

import argparse
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from outdial.lab.postgres import make_postgres, wheel_installation

SLOW = True
SETTLE_S = 2.0
"""How long a server is left alone before its memory is read. Unit: s."""
PASSWORD = "OUTDIAL_BENCH_DATABASE"
"""Environment variable."""

CONFIGURATION = """
[ocs]
connections = ["north"]
[[switch]]
dbid = 1
name = "main"
channel_num = 60
[[sip-server]]
dbid = 1
name = "north"
driver = "asterisk-ami"
host = "127.0.0.1"
port = 1
user = "outdial"
password-env = "OUTDIAL_BENCH_DATABASE"
switch = "main"
[[agent]]
dbid = 7
login = "ada"
phone = "1007"
[[agent-group]]
dbid = 1
name = "sales"
agents = ["ada"]
[[calling-list]]
dbid = 1
name = "customers"
file = "leads.csv"
default-region = "US"
[[campaign]]
dbid = 1
name = "spring"
lists = ["customers"]
[[campaign-group]]
dbid = 1
name = "east"
campaign = "spring"
agent-group = "sales"
dialing-mode = "progressive"
dialer = "main"
start = true
[serve]
"""


def write_files(folder: Path, records: int) -> None:
    """Leads with two columns of their own, and a registry with as many numbers."""
    dice = random.Random(1)
    numbers = dice.sample(range(2_010_000_000, 9_900_000_000), 2 * records)
    with (folder / "leads.csv").open("w") as stream:
        stream.write("phone,name,city\n")
        stream.writelines(f"{number},Ann Example,Springfield\n" for number in numbers[:records])
    with (folder / "registry.txt").open("w") as stream:
        stream.writelines(f"1{number}\n" for number in numbers[records:])


def timed(folder: Path, environment: dict[str, str], *command: str) -> tuple[float, float]:
    """Run a command of outdial. Returns how long it took, and the processor's part of it, in seconds."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "outdial", *command], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"outdial {' '.join(command)}: exit code {process.returncode}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


def memory_mib(folder: Path, environment: dict[str, str]) -> float:
    """What a server needs with the records in its lists. Unit: MiB."""
    command = [sys.executable, "-m", "outdial", "serve", "outdial.toml"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        said = b""
        while b'"started"' not in said:
            if not (line := process.stderr.readline()):
                raise SystemExit(f"outdial serve has ended: {said.decode()}")
            said += line
        select.select([], [], [], SETTLE_S)
        status = Path(f"/proc/{process.pid}/status").read_text()
        [resident_kib] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
        return int(resident_kib) / 2**10
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def measure(folder: Path, records: int, name: str, serve: str, password: str) -> dict[str, float]:
    """Everything, in one new database."""
    (folder / "outdial.toml").write_text(CONFIGURATION + serve)
    environment = {**os.environ, PASSWORD: password or "none"}
    import_s, import_cpu_s = timed(
        folder, environment, "list", "import", "leads.csv", "outdial.toml", "--list", "customers"
    )
    registry = ("dnc", "import", "outdial.toml", "registry.txt", "--list", "national", "--replace")
    dnc_s, dnc_cpu_s = timed(folder, environment, *registry)
    again_s, _ = timed(folder, environment, *registry)
    mib = memory_mib(folder, environment)
    print(
        f"{name}: {records:,} records imported in {import_s:.1f} s ({import_cpu_s:.1f} s of the processor), "
        f"{records:,} numbers not to be called in {dnc_s:.1f} s ({dnc_cpu_s:.1f} s), again in {again_s:.1f} s; "
        f"a server with them: {mib:.0f} MiB"
    )
    return {
        "import_s": import_s,
        "import_cpu_s": import_cpu_s,
        "dnc_import_s": dnc_s,
        "dnc_import_cpu_s": dnc_cpu_s,
        "dnc_again_s": again_s,
        "server_mib": mib,
    }


def run(records: int = 1_000_000, *, folder: Path | None = None) -> dict[str, dict[str, float]]:
    """Measure both databases in a new folder, print a line for each, return the figures."""
    figures = {}
    with tempfile.TemporaryDirectory(prefix="outdial-bench-", dir=folder) as made:
        write_files(Path(made), records)
        figures["sqlite"] = measure(Path(made), records, "SQLite", "", "")
        with make_postgres(wheel_installation(), durable=True, parent=folder) as server:
            server.start()
            serve = f'database = "{server.url()}"\ndatabase-password-env = "{PASSWORD}"\nresults-dir = "pg"\n'
            figures["postgres"] = measure(Path(made), records, "PostgreSQL", serve, server.password)
    return figures


def main(arguments: Sequence[str]) -> int:
    """Read the command line, measure, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.store_commands", description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--records", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="on the disk that is to be measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    options = parser.parse_args(arguments)
    figures = run(options.records, folder=options.folder)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
