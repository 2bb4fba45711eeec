"""Customers and agents' phones, made with sipp; what each was called is counted on their side.

Every call that begins is one line of sipp's own log (action `log`), so a repeated INVITE is not counted twice: sipp
answers repetitions by itself. At 200 calls a second that costs nothing that could be measured (0.15 to 0.2 ms of CPU a
call with the log and without), and a count of 2,000 calls is read in 5 ms.

What sipp is clumsy at: a status must be written out in the scenario, so the refusals are made by `refusals`; a scenario
may have 64 kB, so only registered statuses are there; its timers have steps of 10 ms.
"""

import re
import socket
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from outdial.lab.children import Child
from outdial.lab.fetch import LabUnavailable
from outdial.lab.node import SECRET
from outdial.lab.sounds import write_sounds

SIP_PORT = 5060
START_S_MAX = 10.0
"""Longest wait for sipp to listen. Unit: seconds."""
CALLS_MAX = 10_000_000
"""sipp ends after so many calls."""

STATUSES = (
    *(300, 301, 302, 305, 380),
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 420, 421, 422, 423),
    *(
        424,
        425,
        428,
        429,
        430,
        433,
        436,
        437,
        438,
        439,
        440,
        469,
        470,
        480,
        481,
        482,
        483,
        484,
        485,
        486,
        487,
        488,
        489,
    ),
    *(491, 493, 494, 500, 501, 502, 503, 504, 505, 513, 555, 580, 600, 603, 604, 606, 607, 608),
)
"""Final SIP statuses with which a callee can refuse. Source: the IANA registry of SIP response codes."""

_TEMPLATES = Path(__file__).with_name("templates")
_CONTACT = re.compile(r"sip:(?:[^@]*@)?([0-9.]+)")
_LINE = re.compile(r"CALL (\S+) \S+\t\S+\t([0-9.]+)(.*)")


@dataclass(frozen=True, slots=True)
class Seen:
    """One call as the called side saw it."""

    number: str
    """The called number, or the phone's name."""
    at_s: float
    """When the INVITE came. Unit: seconds since 1970."""
    call_info: str = ""
    """Value of the header Call-Info; phones only."""
    caller: str = ""
    """Address of the server that called; callees only."""


class _Server:
    """A sipp that waits for calls."""

    _SCENARIO: ClassVar[str]

    def __init__(self, sipp: Path, folder: Path, address: str) -> None:
        """Nothing is started yet.

        Args:
            sipp: what `fetch` returned.
            folder: for its log and its sounds; made if missing.
            address: IPv4 loopback address of its own.
        """
        self.address = address
        self.folder = folder
        self._sipp = sipp
        self._child: Child | None = None
        self._lines: list[Seen] = []
        self._read_bytes = 0

    @property
    def contact(self) -> str:
        """Where it is called: `host:port`."""
        return f"{self.address}:{SIP_PORT}"

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            LabUnavailable: it does not; the text ends with what it said.
        """
        if is_bound(self.address, SIP_PORT):
            raise LabUnavailable(f"sipp does not listen on {self.contact}: somebody else does")
        self.folder.mkdir(parents=True, exist_ok=True)
        write_sounds(self.folder)
        for earlier in (self._log, self._console):
            earlier.unlink(missing_ok=True)
        self._lines, self._read_bytes = [], 0
        scenario = (_TEMPLATES / self._SCENARIO).read_text(encoding="utf-8").replace("@refusals@", refusals(STATUSES))
        (self.folder / self._SCENARIO).write_text(scenario, encoding="utf-8")
        command = [
            *(self._sipp / "bin" / "sipp", "-sf", self._SCENARIO),
            *("-i", self.address, "-p", str(SIP_PORT), "-mi", self.address, "-mp", "6000"),
            *("-t", "u1", "-m", str(CALLS_MAX), "-nostdin", "-aa"),
            *("-trace_logs", "-log_file", self._log),
        ]
        self._child = Child(command, cwd=self.folder, output=self._console)
        if not self._child.wait_until(lambda: is_bound(self.address, SIP_PORT), START_S_MAX):
            said = self._console.read_text(encoding="utf-8", errors="replace")
            raise LabUnavailable(f"sipp does not listen on {self.contact}: {said[-2_000:]}")

    def calls(self) -> list[Seen]:
        """Every call so far, in the order in which they came."""
        if self._log.exists():
            with self._log.open("rb") as stream:
                stream.seek(self._read_bytes)
                text = stream.read()
            complete = text[: text.rfind(b"\n") + 1]
            self._read_bytes += len(complete)
            self._lines += [seen for line in complete.decode(errors="replace").splitlines() if (seen := _seen(line))]
        return list(self._lines)

    def counts(self) -> Counter[str]:
        """How many calls each number, or each phone, was given so far."""
        return Counter(seen.number for seen in self.calls())

    def close(self) -> None:
        """Kill it."""
        if self._child is not None:
            self._child.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _console(self) -> Path:
        return self.folder / "console"

    @property
    def _log(self) -> Path:
        return self.folder / "calls.log"


class Callees(_Server):
    """Customers: the called number chooses what they do (templates/callees.xml)."""

    _SCENARIO = "callees.xml"


class Phones(_Server):
    """Agents' phones: the name chooses what they do (templates/phones.xml)."""

    _SCENARIO = "phones.xml"

    def register(self, phone: str, registrar: str, expires_s: int = 60) -> None:
        """Register a phone at a node, or take its registration back.

        Args:
            phone: one of `node.REGISTERING_PHONES`.
            registrar: address of the node.
            expires_s: how long the registration holds; 0: it ends now. Unit: seconds.

        Raises:
            LabUnavailable: the node refused it or did not answer.
        """
        command = [
            *(self._sipp / "bin" / "sipp", registrar, "-sf", _TEMPLATES / "register.xml", "-i", self.address),
            *("-p", "0", "-t", "u1", "-m", "1", "-nostdin", "-timeout", "5s", "-timeout_error"),
            *("-key", "phone", phone, "-key", "contact", self.contact, "-key", "expires", str(expires_s)),
            *("-au", phone, "-ap", SECRET),
        ]
        output = self.folder / "register"
        child = Child(command, cwd=self.folder, output=output)
        if not child.wait(10) or child.code != 0:
            child.close()
            said = output.read_text(encoding="utf-8", errors="replace")
            raise LabUnavailable(f"{phone} could not register at {registrar}: {said[-1_000:]}")


def refusals(statuses: Sequence[int], label: str = "refuse") -> str:
    """Part of a scenario: refuse with the status that the variable `code` holds.

    sipp wants a literal status in every response, hence one response for each, found by halving the list. A code that
    is not in the list gets the next lower one.

    Args:
        statuses: SIP statuses, ascending.
        label: where the part is entered.
    """
    if len(statuses) == 1:
        return _REFUSAL.replace("@label@", label).replace("@status@", str(statuses[0]))
    middle = len(statuses) // 2
    test = f'<test assign_to="low" variable="code" compare="less_than" value="{statuses[middle]}"/>'
    return (
        f'<label id="{label}"/>\n<nop><action>{test}</action></nop>\n<nop next="{label}l" test="low"/>\n'
        f"{refusals(statuses[middle:], label + 'h')}{refusals(statuses[:middle], label + 'l')}"
    )


_REFUSAL = """<label id="@label@"/>
<send retrans="500" next="ack"><![CDATA[
SIP/2.0 @status@ Refused
[last_Via:]
[last_From:]
[last_To:];tag=[pid]c[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""


def is_bound(address: str, port: int) -> bool:
    """Whether some process listens on a UDP port of a loopback address."""
    # /proc/net/udp spells addresses as hexadecimal numbers in the machine's byte order
    return f" {_spelled(address)}:{port:04X} " in Path("/proc/net/udp").read_text(encoding="ascii")


def _spelled(address: str) -> str:
    return f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}"


def _seen(line: str) -> Seen | None:
    found = _LINE.search(line)
    if found is None:
        return None
    rest = found[3].strip()
    contact = _CONTACT.match(rest)
    at_s = float(found[2])
    return Seen(found[1], at_s, caller=contact[1]) if contact else Seen(found[1], at_s, rest)
