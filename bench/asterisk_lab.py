"""What the benchmark with servers runs against: Asterisks with callees and phones, or fakes; and the dialer's child.

The lab's addresses are 127.0.7.x: nodes of Asterisk 22 from .11, one of Asterisk 16 at .16, callees at .100, phones at
.101.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.asterisk_dialer import Job, Load, Place, Report
from outdial.lab import LabUnavailable, Program, fetch, version_of
from outdial.lab.node import AMI_PORT, ARI_PORT, SECRET, USER, Node, make_node
from outdial.lab.sipp import SIP_PORT, Callees, Phones, is_bound

NETWORK = "127.0.7"
ROOT = Path(__file__).resolve().parent.parent
JOB_S_MAX = 90.0
"""Longest time for one job. Unit: s."""
NODES = 3


class Lab:
    """Asterisks, callees and phones. `close` ends them."""

    def __init__(self, folder: Path) -> None:
        """Start callees and phones, and three Asterisk 22.

        Raises:
            LabUnavailable: a program cannot be had, or the addresses are in use.
        """
        sipp, asterisk = fetch("sipp"), fetch("asterisk22")
        self._parts: list[Callees | Phones | Node] = []
        self._folder = folder
        self.callees = Callees(sipp, folder / "callees", f"{NETWORK}.100")
        self.phones = Phones(sipp, folder / "phones", f"{NETWORK}.101")
        self.version = version_of(asterisk)
        try:
            for part in (self.callees, self.phones):
                if is_bound(part.address, SIP_PORT):
                    raise LabUnavailable(f"{part.contact} is in use: another benchmark runs")
                part.start()
                self._parts.append(part)
            self.nodes = [self.add_node("asterisk22", 11 + place) for place in range(NODES)]
        except BaseException:
            self.close()
            raise

    def add_node(self, version: Program, number: int) -> Node:
        """Start one Asterisk at 127.0.7.<number>."""
        name = f"bench{number}"
        node = make_node(
            fetch(version),
            self._folder / name,
            name,
            f"{NETWORK}.{number}",
            callees=self.callees.contact,
            phones_at=self.phones.contact,
        )
        self._parts.append(node)
        node.start()
        return node

    def job(self, nodes: Sequence[Node], loads: list[Load], **options: object) -> Job:
        """A job on these nodes; CPU time of the nodes and of the callees is watched."""
        places = [Place(number, node.address, AMI_PORT, ARI_PORT) for number, node in enumerate(nodes, start=1)]
        pids = [node.pid for node in nodes]
        watched = {"asterisk": pids, "callees": sorted(_children() - set(pids))}
        return Job(places, USER, SECRET, loads, watched=watched, **options)  # type: ignore[arg-type]

    def invite_ns(self) -> dict[str, int]:
        """When each number was called first, by sipp's clock, which counts microseconds. Unit: ns since 1970."""
        return {seen.number: round(seen.at_s * 1e9) for seen in reversed(self.callees.calls())}

    def close(self) -> None:
        """End everything."""
        for part in reversed(self._parts):
            part.close()


def _children() -> set[int]:
    """Processes that this one has started and that live."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(pid) for path in lists for pid in path.read_text(encoding="ascii").split()}


@contextmanager
def fakes(count: int, speed: float) -> "Iterator[tuple[list[Place], int, Counter[str]]]":
    """Fake servers in one process: their places, the process id, and after the block who was called how often."""
    command = [sys.executable, "-m", "bench.asterisk_fakes", str(count), str(speed), SECRET]
    invited: Counter[str] = Counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            found = json.loads(process.stdout.readline())
            places = [Place(number, *where) for number, where in enumerate(found, start=1)]
            yield places, process.pid, invited
            process.stdin.close()
            invited.update(json.loads(process.stdout.readline()))
        finally:
            process.kill()


def carry_out(job: Job) -> Report:
    """Have a dialer of its own process do a job.

    Raises:
        subprocess.SubprocessError: it failed, or is not done after JOB_S_MAX.
    """
    done = subprocess.run(
        [sys.executable, "-m", "bench.asterisk_dialer"],
        input=msgspec.json.encode(job),
        stdout=subprocess.PIPE,
        timeout=JOB_S_MAX,
        check=True,
        cwd=ROOT,
    )
    return msgspec.json.decode(done.stdout, type=Report)
