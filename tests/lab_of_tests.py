"""The real parts of a test process: Asterisks, callees and phones, started once and ended with it.

A machine that can have them has to: in CI a missing part is a failure, elsewhere the tests skip with the reason. Test
processes that run side by side have addresses of their own, 127.<16 + worker>.x.y.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from outdial.lab import LabUnavailable, Program, fetch
from outdial.lab.node import Node, make_node
from outdial.lab.sipp import Callees, Phones


class Lab:
    """Everything of one test process."""

    def __init__(self, folder: Path, worker: int) -> None:
        self.folder = folder
        self._network = f"127.{16 + worker}"
        self._nodes: dict[str, Node] = {}
        self._closers: list[Callable[[], None]] = []
        sipp = fetch("sipp")
        self.callees = Callees(sipp, folder / "callees", f"{self._network}.100.1")
        self.phones = Phones(sipp, folder / "phones", f"{self._network}.101.1")
        for part in (self.callees, self.phones):
            part.start()
            self._closers.append(part.close)

    def lone_node(self, version: Program) -> Node:
        """The one node of a version that stories about a single server share."""
        return self.node(version, version, {"asterisk22": 22, "asterisk16": 16}[version])

    def node(self, version: Program, name: str, number: int) -> Node:
        """A node by its name; made at first, not started."""
        if name not in self._nodes:
            node = make_node(
                fetch(version),
                self.folder / name,
                name,
                f"{self._network}.1.{number}",
                callees=self.callees.contact,
                phones_at=self.phones.contact,
                qualify_s=0,
            )
            self._nodes[name] = node
            self._closers.append(node.close)
        return self._nodes[name]

    def close(self) -> None:
        """End everything."""
        for close in reversed(self._closers):
            close()


def open_lab(folder: Path, worker_id: str) -> Lab:
    """Open the lab of a test process; without its parts: fail in CI, skip elsewhere."""
    worker = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    try:
        return Lab(folder, worker)
    except LabUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no real servers on this machine: {error}")
