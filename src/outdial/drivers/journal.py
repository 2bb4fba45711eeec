"""The journal: every step of one run, so that the run can be repeated.

An empty core plus the journal *is* the state: feeding the recorded `(now, event)` pairs into a fresh core gives the
recorded commands again. A journal is a text file of JSON lines:

* line 1, the header: `{"format":"outdial-journal","version":1,"outdial":"0.1.0","seed":7}`;
* then one line per step: `{"now":[mono,utc],"event":{"CalleeAnswered":{"call_id":4}},"commands":[{"Join":{...}}]}`;
* when a step ended in a bug, its line has `"failed":"..."` in place of `commands`, and it is the last.

Fields keep their names and their order, so a line that is written again comes out as the same bytes. The reader uses
this: a value that does not come out the same is searched for fields that nobody knows.

Writing is buffered; the writer says when it wants to be flushed (`flush_due`). After a crash the last line may be
torn; the reader stops before it and says so.
"""

import dataclasses
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Generic, TypeVar

import msgspec

from outdial import __version__
from outdial.core.commands import Command
from outdial.core.errors import OutdialError
from outdial.core.events import Event
from outdial.core.units import SECOND_MS, Millis, Now

FORMAT = "outdial-journal"
VERSION = 1

# How long a written step may wait in memory. Unit: ms. Range: > 0. Origin: a crash of the machine loses one second.
FLUSH_MS = 1 * SECOND_MS
# Unit: bytes. About a thousand steps; a busy second is written in a few system calls.
BUFFER_BYTES = 1 << 18

T = TypeVar("T")


class JournalError(OutdialError):
    """The journal cannot be written, or what was read is no journal. Names the file and the line."""

    code = "journal"


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """First line of a journal."""

    format: str
    version: int
    outdial: str
    """Version of outdial that wrote it."""
    seed: int | None = None
    """Seed of the simulated world, when there was one."""


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedStep:
    """One step as it was recorded."""

    line: int
    """Line of the journal, from 1 (the header)."""
    now: Now
    event: Event
    commands: tuple[Command, ...]
    failed: str | None = None
    """What the bug said that ended the step; None: the step went well."""


class _StepLine(msgspec.Struct, forbid_unknown_fields=True):
    now: Now
    event: dict[str, msgspec.Raw]
    commands: list[dict[str, msgspec.Raw]] = []
    failed: str | None = None


_ENCODER = msgspec.json.Encoder()
_HEADER = msgspec.json.Decoder(Header)
_STEP = msgspec.json.Decoder(_StepLine)


# --- writing ------------------------------------------------------------------------------------------------------


def tagged(value: Event | Command) -> dict[str, Event | Command]:
    """The value under the name of its type, as it stands in a journal."""
    return {type(value).__name__: value}


def encode_step(now: Now, event: Event, commands: Sequence[Command]) -> bytes:
    """One step as one line, without its line feed."""
    return _ENCODER.encode({"now": now, "event": tagged(event), "commands": [tagged(command) for command in commands]})


class JournalWriter:
    """Writes a new journal. Never overwrites one.

    Attributes:
        path: where it is written.
        lines: lines written so far, the header included: the journal position.
    """

    def __init__(self, path: Path, *, seed: int | None = None) -> None:
        """Create the file and write the header.

        Args:
            path: a file that does not exist yet.
            seed: seed of the simulated world, for the reader's information.

        Raises:
            JournalError: the file exists or cannot be created.
        """
        self.path = path
        self.lines = 0
        self._dirty_since: Millis | None = None
        try:
            self._file: BinaryIO = open(path, "xb", buffering=BUFFER_BYTES)  # noqa: SIM115 closed by close()
        except FileExistsError as error:
            raise JournalError(f"{path}: exists already; a journal is never overwritten, name another file") from error
        except OSError as error:
            raise JournalError(f"{path}: cannot be created: {error.strerror}") from error
        self._write(_ENCODER.encode(Header(FORMAT, VERSION, __version__, seed)))
        self.flush()

    def append(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """Write down one step."""
        self._write(encode_step(now, event, commands))
        if self._dirty_since is None:
            self._dirty_since = now.mono_ms

    def append_failure(self, now: Now, event: Event, message: str) -> None:
        """Write down the step that ended in a bug, and flush: the process is about to stop."""
        self._write(_ENCODER.encode({"now": now, "event": tagged(event), "failed": message}))
        self.flush()

    def flush_due(self) -> Millis | None:
        """When `flush` wants to be called. Unit: monotonic ms. None: nothing is waiting."""
        return None if self._dirty_since is None else self._dirty_since + FLUSH_MS

    def flush(self) -> None:
        """Hand everything that was appended to the operating system."""
        self._dirty_since = None
        try:
            self._file.flush()
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Flush and close. Closing twice does no harm."""
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()

    def __enter__(self) -> "JournalWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        try:
            self._file.write(line + b"\n")
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be written: {error.strerror}") from error
        self.lines += 1


# --- reading ------------------------------------------------------------------------------------------------------


class JournalReader:
    """Reads a journal from its beginning.

    Attributes:
        path: the file.
        header: its first line.
        torn: the last line was cut off in the middle; known once iteration has come to its end.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and read the header.

        Raises:
            JournalError: the file cannot be read, or its header is not one that this version understands.
        """
        self.path = path
        self.torn = False
        try:
            self._file: BinaryIO = open(path, "rb")  # noqa: SIM115 closed by close()
        except OSError as error:
            raise JournalError(f"{path}: cannot be read: {error.strerror}") from error
        try:
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __iter__(self) -> Iterator[RecordedStep]:
        """The recorded steps in order.

        Raises:
            JournalError: a line is not a step, or names an event, command or field that this version does not know.
        """
        for number, line in enumerate(self._file, start=2):
            try:
                step = decode_step(line, number)
            except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
                if not line.endswith(b"\n"):
                    self.torn = True
                    return
                raise JournalError(f"{self.path}, line {number}: {error}") from error
            yield step

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "JournalReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_header(self) -> Header:
        line = self._file.readline()
        try:
            header = _HEADER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JournalError(f"{self.path}, line 1: no journal header: {error}") from error
        if header.format != FORMAT or header.version != VERSION:
            found = f"{header.format} version {header.version}"
            raise JournalError(f"{self.path}, line 1: this is {found}; this outdial reads {FORMAT} version {VERSION}")
        return header


def decode_step(line: bytes, number: int) -> RecordedStep:
    """One line back into the exact values that were written.

    Args:
        line: the line, with or without its line feed.
        number: its number in the file, from 1.

    Raises:
        ValueError: the line is not a step (`msgspec.DecodeError` is a `ValueError`); says what is wrong with it.
    """
    read = _STEP.decode(line)
    event = _EVENTS.decode(read.event)
    commands = tuple(_COMMANDS.decode(command) for command in read.commands)
    return RecordedStep(number, read.now, event, commands, read.failed)


class _Kind(Generic[T]):
    """All classes of one union, by name."""

    def __init__(self, word: str, union: Any) -> None:
        self._word = word
        self._classes: dict[str, type] = {cls.__name__: cls for cls in typing.get_args(union)}
        self._decoders: dict[str, msgspec.json.Decoder[T]] = {
            name: msgspec.json.Decoder(cls) for name, cls in self._classes.items()
        }

    def decode(self, named: dict[str, msgspec.Raw]) -> T:
        """`{"CalleeAnswered": {...}}` into the value it names."""
        if len(named) != 1:
            raise ValueError(f"{self._word}: exactly one type name is expected, found {list(named)}")
        [(name, raw)] = named.items()
        decoder = self._decoders.get(name)
        if decoder is None:
            raise ValueError(f"{self._word} {name!r} is unknown to outdial {__version__}")
        try:
            value = decoder.decode(raw)
        except msgspec.DecodeError as error:
            raise ValueError(f"{self._word} {name}: {error}") from error
        if _ENCODER.encode(value) != bytes(raw):
            unknown = _unknown_fields(_plain(value), msgspec.json.decode(raw))
            if unknown:
                raise ValueError(f"{self._word} {name}: unknown to outdial {__version__}: field {', '.join(unknown)}")
        return value


def _plain(value: object) -> Any:
    """The value as dictionaries, lists and scalars: what its JSON text says."""
    return msgspec.json.decode(_ENCODER.encode(value))


def _unknown_fields(known: Any, found: Any, path: str = "") -> list[str]:
    """Paths of the fields in `found` that decoding left out."""
    unknown = []
    if isinstance(known, dict) and isinstance(found, dict):
        for name, value in found.items():
            if name not in known:
                unknown.append(f"{path}{name}")
            else:
                unknown += _unknown_fields(known[name], value, f"{path}{name}.")
    elif isinstance(known, list) and isinstance(found, list):
        for index, (one, other) in enumerate(zip(known, found, strict=True)):
            unknown += _unknown_fields(one, other, f"{path}{index}.")
    return unknown


_EVENTS: _Kind[Event] = _Kind("event", Event)
_COMMANDS: _Kind[Command] = _Kind("command", Command)
