"""A fake Asterisk in this process: AMI and ARI over real sockets, callees and phones of one's own choice.

For tests of whatever talks to Asterisk. On the wire it behaves as Asterisk 22 or 16 does, as far as outdial uses it;
outdial's contract tests run on it and on real servers alike.

What it leaves out: events that outdial never reads (VarSet, Newexten, NewCallerid, RTCP, ChannelVarset, ...); event
filters and privileges; actions beyond those of `ami_actions.py` (an Originate must be asynchronous and go to the
context `outdial` or to an IVR context); regular expressions as channel names; inbound calls; media and recordings;
POST /channels over ARI; SIP registration itself (`register` and `unregister` stand for it).
"""

from outdial.drivers.fake_asterisk.outlet import Faults
from outdial.drivers.fake_asterisk.plan import (
    AskForAgent,
    CalleeBehaviour,
    Detection,
    HangUp,
    IvrScript,
    Plan,
    Play,
    Sound,
)
from outdial.drivers.fake_asterisk.server import FakeAsterisk

__all__ = [
    "FakeAsterisk",
    "Plan",
    "CalleeBehaviour",
    "Sound",
    "Detection",
    "Play",
    "AskForAgent",
    "HangUp",
    "IvrScript",
    "Faults",
]
