"""A configuration that `outdial serve` takes, and a process that serves it with a stand-in for the servers."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from config_samples import PIECES

WAIT_S = 20.0
"""Longest wait for anything. Unit: seconds."""
PASSWORD = "hunter2-is-not-logged"

SERVER = """driver = "asterisk-ari"
host = "127.0.0.1"
user = "outdial"
password-env = "OUTDIAL_TEST_PASSWORD"
"""


def write_configuration(folder: Path, serve: str = "", *, records: int = 200, **pieces: str) -> Path:
    """Write a configuration with its calling list; pieces replace those of `config_samples`."""
    (folder / "list.csv").write_text("phone\n" + "".join(f"2001{n:05}\n" for n in range(records)))
    text = {name: piece.replace('driver = "sim"\n', SERVER) for name, piece in PIECES.items()}
    text["list"] = text["list"].replace("synthetic = 100", 'file = "list.csv"')
    text["group"] = text["group"].replace("predictive", "progressive") + "after-call-work-s = 0.1\n"
    text |= {name.replace("_", "-"): piece for name, piece in pieces.items()}
    path = folder / "outdial.toml"
    path.write_text("".join(text.values()) + f"[serve]\n{serve}\n")
    return path


class Serving:
    """A process that serves; its log lines are read one by one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        assert process.stderr is not None
        os.set_blocking(process.stderr.fileno(), False)
        self._rest = ""

    def until(self, event: str, count: int = 1) -> dict[str, Any]:
        """Read until a line of this kind has come so many times; returns the last."""
        deadline = time.monotonic() + WAIT_S
        while True:
            found = [line for line in self.lines if line["event"] == event]
            if len(found) >= count:
                return found[count - 1]
            assert time.monotonic() < deadline and self.process.poll() is None, (event, self.lines, self._rest)
            self.read()

    def ended(self) -> int:
        """Wait for the end; returns the exit code."""
        deadline = time.monotonic() + WAIT_S
        while self.process.poll() is None:  # read on: a full pipe would hold it up
            assert time.monotonic() < deadline, (self.lines, self._rest)
            self.read()
        self.read()
        assert self._rest == ""
        return self.process.returncode

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    def read(self) -> None:
        """Take in what it has said."""
        assert self.process.stderr is not None
        select.select([self.process.stderr], [], [], 0.2)
        while chunk := os.read(self.process.stderr.fileno(), 65_536) if self._readable() else b"":
            *lines, self._rest = (self._rest + chunk.decode()).split("\n")
            self.lines += [json.loads(line) for line in lines]

    def _readable(self) -> bool:
        return bool(select.select([self.process.stderr], [], [], 0)[0])


@contextmanager
def serving(
    path: Path, *, talk_s: float = 0.05, deaf: bool = False, env: dict[str, str] | None = None
) -> Iterator[Serving]:
    """Serve a configuration in a process of its own, with a healthy cluster."""
    command = [sys.executable, __file__, str(path), str(talk_s), str(int(deaf))]
    environ = {**os.environ, "OUTDIAL_TEST_PASSWORD": PASSWORD, **(env or {})}
    process = subprocess.Popen(command, cwd=path.parent, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        yield Serving(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(WAIT_S)
        assert process.stderr is not None
        process.stderr.close()


def main() -> int:
    """What the process runs."""
    from healthy_cluster import HealthyCluster
    from outdial.core.dialer import Dialer
    from outdial.core.errors import InvariantViolated
    from outdial.results_files import CsvFile, ResultsError
    from outdial.serve import run_serve
    from outdial.service_parts import Parts

    bug = os.environ.get("OUTDIAL_TEST_BUG")

    class Broken(Dialer):
        def step(self, now, event):
            if type(event).__name__ == bug:
                raise InvariantViolated("a bug, planted")
            return super().step(now, event)

    callees = open("callees.log", "a", buffering=1)  # noqa: SIM115 what the callees know outlives the process

    class Cluster(HealthyCluster):
        def carry_out(self, command):
            if bug == "driver" and type(command).__name__ == "Dial":
                raise RuntimeError("planted")
            if type(command).__name__ == "Dial":
                callees.write(f"{time.time():.3f} {command.number}\n")
            return super().carry_out(command)

    class FullDisk(CsvFile):
        def flush(self) -> None:
            if self.rows:
                raise ResultsError(f"{self.path}: cannot be written: No space left on device")

    if "OUTDIAL_TEST_FULL" in os.environ:
        import outdial.serve_results

        outdial.serve_results.CsvFile = FullDisk
    person_in = int(os.environ.get("OUTDIAL_TEST_PERSON_IN", "1"))
    make_servers = partial(Cluster, talk_s=float(sys.argv[2]), is_deaf=bool(int(sys.argv[3])), person_in=person_in)
    return run_serve(Path(sys.argv[1]), parts=Parts(make_servers=make_servers, make_core=Broken))


if __name__ == "__main__":
    sys.exit(main())
