"""What the far ends do: callees by called number, agents' phones by name, call progress detection, IVR applications.

A called number is four digits of behaviour and any further digits, so that numbers stay different:

    2000  rings 100 ms, answers, hangs up 300 ms later       2001  rings 100 ms, answers, stays
    2002  answers at once, no ringing, stays                 2003  rings 1000 ms, answers, stays
    2004TR  rings 1 s + R × 0.5 s, answers, hangs up 4 s + T × 0.5 s later (T, R: one digit each)
    2014TR  the same, and speaks as a person                 2015TR  as a machine
    2010  answers at once and speaks as a person             2011  as a machine
    2012  answers at once and sends a fax tone               2180  rings for ever
    2999  no SIP answer at all                               2SSS  final SIP status SSS at once, 300 … 699

Any other number is unknown: 404. Phones: `agent1001` … `agent1050` ring 30 ms and answer, `agent1801` … `agent1805` are
busy, `agent1901` … `agent1905` ring for ever, `phone2001` … `phone2003` answer once they are registered. So do the
callees and phones of the lab with real servers.
"""

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


class Sound(enum.Enum):
    """What is heard of a far end after it has answered."""

    NOTHING = "nothing"
    PERSON = "person"
    MACHINE = "machine"
    FAX = "fax"


@dataclass(frozen=True, slots=True)
class CalleeBehaviour:
    """What one far end does when it is called. Times in milliseconds, at `speed` 1."""

    ring_ms: int | None = 0
    """From the call to the ringing. None: it never rings."""
    answer_ms: int | None = None
    """From the call to the answer. None: it never answers."""
    hang_up_ms: int | None = None
    """From the answer to the far end's hanging up. None: it stays until released."""
    refuse_status: int = 0
    """Final SIP status of a refusal. Range: 300 … 699; 0: it does not refuse."""
    refuse_ms: int = 3
    """From the call to the refusal."""
    sound: Sound = Sound.NOTHING

    def __post_init__(self) -> None:
        if self.refuse_status and not 300 <= self.refuse_status <= 699:
            raise ValueError(f"refuse_status is {self.refuse_status}: must be 0 or 300 … 699")
        times = (self.ring_ms, self.answer_ms, self.hang_up_ms, self.refuse_ms)
        if any(ms is not None and ms < 0 for ms in times):
            raise ValueError(f"times of a behaviour must be 0 or more, or None: {times}")


BY_NUMBER: Mapping[str, CalleeBehaviour] = {
    "2000": CalleeBehaviour(answer_ms=100, hang_up_ms=300),
    "2001": CalleeBehaviour(answer_ms=100),
    "2002": CalleeBehaviour(ring_ms=None, answer_ms=0),
    "2003": CalleeBehaviour(answer_ms=1_000),
    "2010": CalleeBehaviour(ring_ms=None, answer_ms=0, sound=Sound.PERSON),
    "2011": CalleeBehaviour(ring_ms=None, answer_ms=0, sound=Sound.MACHINE),
    "2012": CalleeBehaviour(ring_ms=None, answer_ms=0, sound=Sound.FAX),
    "2180": CalleeBehaviour(),
    "2999": CalleeBehaviour(ring_ms=None),
}
TALKS: Mapping[str, Sound] = {"2004": Sound.NOTHING, "2014": Sound.PERSON, "2015": Sound.MACHINE}
"""Callees who stay for a while and hang up by themselves; two further digits say how long."""
PHONE_ANSWERS = CalleeBehaviour(answer_ms=30)


def callee(number: str) -> CalleeBehaviour:
    """The callee of the table above."""
    behaviour = BY_NUMBER.get(number[:4])
    if behaviour is not None:
        return behaviour
    sound, digits = TALKS.get(number[:4]), number[4:6]
    if sound is not None and len(digits) == 2 and digits.isdecimal():
        talk, ring = map(int, digits)
        return CalleeBehaviour(answer_ms=1_000 + 500 * ring, hang_up_ms=4_000 + 500 * talk, sound=sound)
    status = number[1:4]
    if number[:1] == "2" and len(status) == 3 and status.isdecimal() and 300 <= int(status) <= 699:
        return CalleeBehaviour(refuse_status=int(status))
    return CalleeBehaviour(refuse_status=404)


def default_phones() -> dict[str, CalleeBehaviour]:
    """The phones of the table above."""
    phones = {f"agent{n}": PHONE_ANSWERS for n in range(1001, 1051)}
    phones |= {f"agent{n}": CalleeBehaviour(refuse_status=486) for n in range(1801, 1806)}
    phones |= {f"agent{n}": CalleeBehaviour() for n in range(1901, 1906)}
    phones |= {f"phone{n}": PHONE_ANSWERS for n in range(2001, 2004)}
    return phones


@dataclass(frozen=True, slots=True)
class Detection:
    """What AMD() says about a sound, and when. Measured on Asterisk 22 and 16 with the shipped `amd.conf`."""

    status: str
    cause: str
    after_ms: int


def default_detections() -> dict[Sound, Detection]:
    """Verdicts by what is heard. A fax tone leaves AMD() for the extension `fax` (`fax_detect=yes`)."""
    return {
        Sound.NOTHING: Detection("NOTSURE", "TOOLONG-4900", 5_000),
        Sound.PERSON: Detection("HUMAN", "HUMAN-800-800", 1_400),
        Sound.MACHINE: Detection("MACHINE", "LONGGREETING-1500-1500", 1_500),
        Sound.FAX: Detection("FAX", "CNG", 450),
    }


@dataclass(frozen=True, slots=True)
class Play:
    """IVR step: the application speaks for this long."""

    ms: int


@dataclass(frozen=True, slots=True)
class AskForAgent:
    """IVR step: UserEvent(OutdialAgent), then the caller waits in `outdial,wait,1`. Ends the script."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """IVR step: the application hangs up. Ends the script."""

    cause: int = 16


IvrStep = Play | AskForAgent | HangUp
IvrScript = Iterable[IvrStep] | Callable[[str, Mapping[str, str]], Iterable[IvrStep]]
"""Steps in order; or a callable that gives them for (unique id of the channel, its variables).

A script that ends without `AskForAgent` or `HangUp` drops the caller, as a dialplan that runs out of priorities does.
"""


def default_ivr() -> dict[str, IvrScript]:
    """`ivr-agent` asks for an agent after 200 ms, `ivr-end` hangs up after 300 ms, `ivr-message` after 5 s, `ivr-stay`
    speaks for a minute."""
    return {
        "ivr-agent": (Play(200), AskForAgent()),
        "ivr-end": (Play(300), HangUp()),
        "ivr-message": (Play(5_000), HangUp()),
        "ivr-stay": (Play(60_000),),
    }


@dataclass(slots=True)
class Plan:
    """What everybody around the fake server does. Fields may be replaced or changed while it runs."""

    callee: Callable[[str], CalleeBehaviour] = callee
    """Called number → behaviour. Asked once per call."""
    phones: dict[str, CalleeBehaviour] = field(default_factory=default_phones)
    """Phone (PJSIP endpoint) → behaviour. A phone that is not here is an unknown endpoint."""
    unregistered: set[str] = field(default_factory=lambda: {"phone2001", "phone2002", "phone2003"})
    """Phones without a contact when the server starts."""
    trunks: frozenset[str] = frozenset({"trunk"})
    """Endpoints that lead outside: `PJSIP/<number>@<trunk>`."""
    detections: dict[Sound, Detection] = field(default_factory=default_detections)
    ivr: dict[str, IvrScript] = field(default_factory=default_ivr)
    """Context name → script, entered at `s,1` by Redirect."""
    sounds: dict[str, int] = field(default_factory=lambda: {"sorry": 3_000})
    """Sounds that Playback() finds, and how long they are. Unit: ms."""
