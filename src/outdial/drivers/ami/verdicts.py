"""What Asterisk's call progress detection says, as a verdict.

`AMD()` sets AMDSTATUS and AMDCAUSE; the shipped dialplan sends both with the user event OutdialVerdict. A machine for
which only silence speaks (`INITIALSILENCE`) is silence. A fax tone comes from the endpoint's own fax detection.

Source: Asterisk, application AMD; measured on 16.28 and 22.10.
"""

import re

from outdial.core.results import Verdict
from outdial.core.units import Millis

_STATUSES = {
    "HUMAN": Verdict.PERSON,
    "MACHINE": Verdict.MACHINE,
    "NOTSURE": Verdict.UNKNOWN,
    "FAX": Verdict.FAX,
}


_HUMAN = re.compile(r"HUMAN-([0-9]{1,6})-[0-9]+")


def greeting_ended_ms_ago(status: str, cause: str) -> Millis | None:
    """How long it had been silent after the greeting of a person when the verdict fell. None: it is not told.

    A person's cause is `HUMAN-<silence>-<silence that was asked for>`. When the greeting began is not told at all.
    """
    told = _HUMAN.fullmatch(cause) if status == "HUMAN" else None
    return int(told[1]) if told is not None else None


def verdict_of(status: str, cause: str) -> Verdict | None:
    """The verdict; None: the callee hung up before there was one (`HANGUP`), or the words are not known.

    Args:
        status: AMDSTATUS, or `FAX`.
        cause: AMDCAUSE, such as `HUMAN-800-800`, `TOOLONG-4900` or `INITIALSILENCE-2500-2500`.
    """
    if status == "MACHINE" and cause.startswith("INITIALSILENCE"):
        return Verdict.SILENCE
    return _STATUSES.get(status)
