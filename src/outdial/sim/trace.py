"""The digest of a run's trace: one short text that two runs share exactly when they took the same steps.

Of every step its instant, its event and its commands enter a SHA-256: a code for the kind, and the few fields that tell
one message from another. Nearly all of them are numbers and go in as they are; the few texts go in as a checksum of
their `repr`. Hashing is done in batches, so the digest costs about a microsecond per step, and nothing in it depends on
the process (no `hash()`, no addresses).
"""

import hashlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias, get_args
from zlib import crc32

from outdial.core import commands as c
from outdial.core import events as e
from outdial.core.callback_events import CallbackRequested, CallbacksFetched, DispositionGiven
from outdial.core.commands import Command
from outdial.core.events import Event
from outdial.core.units import Millis, Now

Watcher: TypeAlias = Callable[[Millis, Any], None]
"""Called as `watcher(mono_ms, command)`."""

BATCH = 8_192
"""Numbers that are hashed at once. Ours: large enough that the hashing itself does not count."""


class TraceDigest:
    """Follows a run.

    Attributes:
        steps: steps taken.
        command_count: commands given.
    """

    def __init__(self, watch: Mapping[type, Watcher] | None = None) -> None:
        """Begin a trace.

        Args:
            watch: who wants to see commands of some kinds while the trace looks at them anyway.
        """
        self.steps = 0
        self.command_count = 0
        self._sha = hashlib.sha256()
        self._values: list[int] = []
        watch = watch or {}
        self._keys = {kind: (code, _KEYS.get(kind, _CALL_ID), watch.get(kind)) for code, kind in enumerate(_KINDS)}

    def add(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """One step."""
        self.steps += 1
        mono_ms = now[0]
        values = self._values
        code, key, _ = self._keys[type(event)]
        values += (mono_ms, code, key(event))
        if commands:
            self.command_count += len(commands)
            for command in commands:
                code, key, watcher = self._keys[type(command)]
                values += (code, key(command))
                if watcher is not None:
                    watcher(mono_ms, command)
        if len(values) > BATCH:
            self._flush()

    def hexdigest(self) -> str:
        """The digest of everything so far."""
        self._flush()
        return self._sha.hexdigest()

    def _flush(self) -> None:
        self._sha.update(array("q", self._values).tobytes())
        self._values.clear()


_CALL_ID = attrgetter("call_id")


def _nothing(_message: object) -> int:
    return 0


def _record(message: Any) -> int:
    number: int = message.record_id
    return number & 0xFF_FFFF_FFFF


def _text(*names: str) -> Callable[[Any], int]:
    """Checksum of fields that are not all numbers."""
    get = attrgetter(*names)
    return lambda message: crc32(repr(get(message)).encode())


def _verdict(event: e.VerdictReached) -> int:
    verdict = event.verdict
    return (event.call_id << 12) + (len(verdict) << 7) + ord(verdict[0])


def _settlement(command: c.SettleAttempt) -> int:
    """A number for everything that an attempt came to."""
    result = command.call_result + 64 * command.attempt_n
    times = command.ring_ms + 3 * command.wait_ms + 7 * command.talk_ms
    return (command.call_id << 20) + result + times + command.disposition.not_before_utc_ms


def _fetched(event: e.RecordsFetched) -> int:
    chains = event.chains
    ends = (len(chains), chains[0].records[0].record_id, chains[-1].records[0].record_id) if chains else ()
    return crc32(repr((event.group_id, event.fetch_id, ends, event.exhausted, event.next_due_utc_ms)).encode())


_KINDS: tuple[type, ...] = (*get_args(Event), *get_args(Command))
_KEYS: dict[type, Callable[[Any], int]] = {
    e.DeadlineReached: _nothing,
    e.ConfigurationLoaded: _nothing,
    e.GroupStartRequested: attrgetter("group_id"),
    e.GroupStopRequested: attrgetter("group_id"),
    e.GroupModeChangeRequested: _text("group_id", "mode"),
    e.GroupPauseRequested: attrgetter("group_id"),
    e.GroupResumeRequested: attrgetter("group_id"),
    e.NodePromoteRequested: attrgetter("node_id"),
    e.NodeDrainRequested: attrgetter("node_id"),
    e.NodeEnableRequested: attrgetter("node_id"),
    e.StatisticsFound: attrgetter("group_id"),
    e.AbandonmentFound: _text("campaign_id", "earlier", "buckets"),
    e.ServerConnected: _text("server_id", "total_ports"),
    e.ServerLost: _text("server_id", "reason"),
    e.CallsReported: _text("server_id", "query_id", "calls"),
    e.VerdictReached: _verdict,
    e.ConnectFailed: _text("call_id", "reason"),
    e.MessageEnded: _text("call_id", "played"),
    e.AgentLoggedIn: _text("agent_id", "phone"),
    e.AgentLoggedOut: attrgetter("agent_id"),
    e.AgentBecameReady: attrgetter("agent_id"),
    e.AgentBecameNotReady: attrgetter("agent_id"),
    e.AgentLeaveAnnounced: _text("agent_id", "leaves_at_mono_ms"),
    e.HangUpRequested: attrgetter("agent_id"),
    e.PhoneStateChanged: _text("node_id", "phone", "state"),
    e.PreviewRequested: attrgetter("agent_id"),
    e.PreviewAccepted: attrgetter("agent_id"),
    e.PreviewRejected: attrgetter("agent_id"),
    DispositionGiven: _text("agent_id", "call_result"),
    CallbackRequested: _text("agent_id", "at_utc_ms", "personal"),
    e.RecordsFetched: _fetched,
    CallbacksFetched: _text("group_id", "fetch_id", "next_due_utc_ms"),
    e.FetchFailed: attrgetter("fetch_id"),
    e.RecordsAdded: attrgetter("list_id"),
    e.DoNotCallAdded: _text("number"),
    e.RecordCancelled: _record,
    e.NumberCalled: _text("number"),
    c.Connect: attrgetter("server_id"),
    c.Disconnect: attrgetter("server_id"),
    c.QueryCalls: attrgetter("query_id"),
    c.SubscribePhones: _text("server_id", "phones"),
    c.Dial: lambda command: (command.call_id << 32) + _record(command) + 7 * command.server_id,
    c.Engage: lambda command: (command.call_id << 16) + command.agent_id,
    c.Transfer: lambda command: (command.call_id << 16) + command.agent_id,
    c.Join: lambda command: (command.call_id << 24) + command.engaging_call_id,
    c.OfferRecord: lambda command: (command.agent_id << 32) + _record(command.record),
    c.WithdrawOffer: _text("agent_id", "reason"),
    c.AgentStateChanged: _text("agent_id", "state"),
    c.FetchRecords: _text("group_id", "fetch_id", "chains_max"),
    c.ReturnRecord: _record,
    c.FetchCallbacks: _text("group_id", "fetch_id", "agent_ids"),
    c.CancelRecord: _record,
    c.TreatRecord: _record,
    c.DisposeRecord: _record,
    c.ForbidNumber: _text("number"),
    c.SettleAttempt: _settlement,
    c.Reply: _text("request_id", "ok", "code"),
}
"""What tells a message from others of its kind, as a number of 63 bits; the call's number where nothing is said."""
