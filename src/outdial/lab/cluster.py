"""Three nodes of two Asterisks each, with callees and agents' phones around them, on loopback addresses that are free.

A network `127.86.N` belongs to one cluster at a time: N.11 to N.13 are the primary servers, N.21 to N.23 their backups,
N.100 the callees, N.101 the agents' phones. It is chosen by binding what will be bound later.
"""

import contextlib
import errno
import re
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from outdial.lab.fetch import LabUnavailable, cache_folder, fetch, is_fetched, version_of
from outdial.lab.node import AMI_PORT, ARI_PORT, Node, make_node, make_run_folder
from outdial.lab.sipp import SIP_PORT, Callees, Phones

NETWORK = "127.86"
NETWORKS = tuple(f"{NETWORK}.{number}" for number in range(1, 51))
"""Where a cluster may be; the first that is free is taken."""
PRIMARIES = ("11", "12", "13")
BACKUPS = ("21", "22", "23")
CALLEES, PHONES = "100", "101"
CLAIM = "254"
"""Address whose manager port is kept bound, so that two clusters that start at once differ."""

_VERSION = re.compile(r"Asterisk [0-9.]+")

Say = Callable[[str], None]
"""Takes one line about the progress."""


def fetch_programs(say: Say) -> tuple[Path, Path]:
    """Put Asterisk and sipp into the cache: Asterisk 22, or 16 where there is no 22.

    Returns:
        The folders of Asterisk and of sipp.

    Raises:
        LabUnavailable: neither version, or no sipp, can be had here.
    """
    cache = cache_folder()
    if not is_fetched(cache / "asterisk22") or not is_fetched(cache / "sipp"):
        say(f"fetching Asterisk 22 and sipp into {cache}: once, some 15 seconds and 180 MB; nothing is installed …")
    try:
        asterisk = fetch("asterisk22")
    except LabUnavailable as error:
        say(f"{error}; trying Asterisk 16 …")
        asterisk = fetch("asterisk16")
    return asterisk, fetch("sipp")


class Cluster:
    """Six Asterisks, callees and phones. A context manager: at its end every process and file of it is gone.

    Attributes:
        network: the first three parts of all its addresses.
        version: what Asterisk says of itself, such as `Asterisk 22.10.1`.
        nodes: the servers by the last part of their address.
        callees: customers.
        phones: agents' phones.
    """

    def __init__(self, say: Say) -> None:
        """Fetch the programs and choose a network; nothing is started yet.

        Raises:
            LabUnavailable: a program cannot be had, or no network is free.
        """
        self._asterisk, sipp = fetch_programs(say)
        found = _VERSION.search(version_of(self._asterisk))
        self.version = found[0] if found is not None else "Asterisk"
        self.network, self._claim = claim_network()
        self._folder = Path(tempfile.mkdtemp(prefix="outdial-demo-"))
        self._run_folder = make_run_folder()
        self.callees = Callees(sipp, self._folder / "callees", self.address(CALLEES))
        self.phones = Phones(sipp, self._folder / "phones", self.address(PHONES))
        self.nodes: dict[str, Node] = {}

    def address(self, host: str) -> str:
        """An address of this cluster by its last part."""
        return f"{self.network}.{host}"

    def node_at(self, address: str) -> Node:
        """The server with an address."""
        return self.nodes[address.rpartition(".")[2]]

    def start(self) -> None:
        """Start everything and wait until it is ready: two seconds or so.

        Raises:
            LabUnavailable: a program does not start; the text says why.
        """
        self.callees.start()
        self.phones.start()
        for host in (*PRIMARIES, *BACKUPS):
            folder, run_folder, address = self._folder / host, self._run_folder / host, self.address(host)
            run_folder.mkdir()
            self.nodes[host] = make_node(
                *(self._asterisk, folder, f"server{host}", address),
                callees=self.callees.contact,
                phones_at=self.phones.contact,
                run_folder=run_folder,
            )
            self.nodes[host].launch()
        for node in self.nodes.values():
            node.wait_booted()

    def close(self) -> None:
        """Kill every process and remove every file."""
        for close in (self.callees.close, self.phones.close, *(node.close for node in self.nodes.values())):
            with contextlib.suppress(OSError):
                close()
        for folder in (self._folder, self._run_folder):
            shutil.rmtree(folder, ignore_errors=True)
        self._claim.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def claim_network() -> tuple[str, socket.socket]:
    """Choose the first network that is free.

    Returns:
        Its first three parts, and a socket that keeps it claimed until it is closed.

    Raises:
        LabUnavailable: none is free.
    """
    reason = ""
    for network in NETWORKS:
        try:
            claim = _bound(f"{network}.{CLAIM}", AMI_PORT, socket.SOCK_STREAM)
        except OSError as error:
            reason = f"{network}.{CLAIM}:{AMI_PORT}: {error.strerror}"
            continue
        try:
            _check_free(network)
        except OSError as error:
            claim.close()
            reason = str(error.strerror)
        else:
            return network, claim
    raise LabUnavailable(f"no free loopback addresses in {NETWORKS[0]}.0 … {NETWORKS[-1]}.255: {reason}")


def _check_free(network: str) -> None:
    """Bind everything that the servers and the callees will bind, and let it go.

    Raises:
        OSError: something of it is taken; the text says what.
    """
    wanted = [(host, SIP_PORT, socket.SOCK_DGRAM) for host in (*PRIMARIES, *BACKUPS, CALLEES, PHONES)]
    wanted += [(host, port, socket.SOCK_STREAM) for host in (*PRIMARIES, *BACKUPS) for port in (AMI_PORT, ARI_PORT)]
    for host, port, kind in wanted:
        try:
            _bound(f"{network}.{host}", port, kind).close()
        except OSError as error:
            raise OSError(error.errno, f"{network}.{host}:{port}: {error.strerror}") from error


def _bound(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    bound = socket.socket(socket.AF_INET, kind)
    try:
        if kind is socket.SOCK_STREAM:
            # connections of an earlier cluster that are still being forgotten do not count; listeners do
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        if kind is socket.SOCK_STREAM:
            bound.listen(1)  # two sockets that only are bound may share an address
    except OSError as error:
        bound.close()
        raise OSError(error.errno or errno.EADDRINUSE, error.strerror) from error
    return bound
