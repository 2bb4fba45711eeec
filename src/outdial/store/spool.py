"""The spool: a local file that keeps changes while the database does not answer.

One line for each change, JSON, with the epoch that makes it:

    {"format":"outdial-spool","version":1,"server":"outdial","database":"postgresql://outdial@db/outdial"}
    {"epoch":7,"change":{"SettleAttempt":{"call_id":4,…}}}

A batch counts as kept once it has been synced to the disk; what a crash cut off at the end was never kept, and nothing
has followed from it. Lines carry their epoch because the next start may be the one that writes them: then each goes
under the epoch of the start that made it.

The file is locked as long as it is open, so that two processes never keep one server's changes.
"""

import fcntl
import itertools
import os
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from outdial.core.errors import OutdialError
from outdial.store.interface import Change

FORMAT = "outdial-spool"
VERSION = 1
BYTES_MAX = 256_000_000
"""Size from which on nothing must be dialed. Unit: bytes. Ours: about a million changes, which is two of each call
and some four of its agent."""
BATCH = 100
"""Changes that are read at once. Unit: changes."""


class SpoolError(OutdialError):
    """The spool cannot be written or read. Names the file."""

    code = "spool"


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    version: int
    server: str
    database: str


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    epoch: int
    change: dict[str, msgspec.Raw]


_ENCODER = msgspec.json.Encoder()
_HEADER = msgspec.json.Decoder(_Header)
_LINE = msgspec.json.Decoder(_Line)
_CHANGES: dict[str, msgspec.json.Decoder[Any]] = {
    kind.__name__: msgspec.json.Decoder(kind) for kind in typing.get_args(Change)
}


class Spool:
    """Changes on disk, in order. Not safe for two threads at once.

    Attributes:
        path: the file.
        bytes_max: size from which on it is full.
    """

    def __init__(self, path: Path, server: str, database: str, *, bytes_max: int = BYTES_MAX) -> None:
        """Open and lock the file; made, with its folder, when it is missing.

        Args:
            path: the file.
            server: name of this server.
            database: the database that its changes are for, without a password.
            bytes_max: size from which on it is full.

        Raises:
            SpoolError: it cannot be opened, another process has it, or its changes are for another server or database.
        """
        self.path = path
        self.bytes_max = bytes_max
        self._header = _ENCODER.encode(_Header(FORMAT, VERSION, server, database)) + b"\n"
        self._start = self._end = 0
        """Places of the first change and behind the last."""
        self._next = self._passed = 0
        """Places of the first change that has not been written to the database, and behind those last read."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._error("cannot be opened", error) from error
        try:
            self._lock()
            self._begin(server, database)
        except BaseException:
            os.close(self._file)
            raise

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing: not even what has been written to the database since."""
        return self._end == self._start

    @property
    def bytes_kept(self) -> int:
        """Size of what it holds. Unit: bytes."""
        return self._end - self._start

    @property
    def is_full(self) -> bool:
        """Whether there is no room for the changes of further calls. Those of running calls are still taken."""
        return self._end >= self.bytes_max

    # --- writing -------------------------------------------------------------------------------------------------

    def append(self, epoch: int, changes: Sequence[Change]) -> None:
        """Keep changes; they are on the disk when this returns.

        Raises:
            SpoolError: they could not be kept; those before them are.
        """
        lines = b"".join(
            _ENCODER.encode({"epoch": epoch, "change": {type(change).__name__: change}}) + b"\n" for change in changes
        )
        try:
            self._write(lines)
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise self._error("cannot be written", error) from error
        self._end += len(lines)

    def clear(self) -> None:
        """Everything in it has been written to the database: forget it.

        Raises:
            SpoolError: the file cannot be cut.
        """
        try:
            os.ftruncate(self._file, 0)
            self._write(self._header)
            os.fsync(self._file)
        except OSError as error:
            raise self._error("cannot be cut", error) from error
        self._start = self._next = self._passed = self._end = len(self._header)

    # --- reading -------------------------------------------------------------------------------------------------

    def read(self) -> list[Change]:
        """The first changes that have not been written to the database, at most `BATCH`.

        Raises:
            SpoolError: a line is damaged.
        """
        found = list(itertools.islice(self._lines(self._next), BATCH))
        self._passed = found[-1][2] if found else self._next
        return [change for _, change, _ in found]

    def advance(self) -> None:
        """What was read last has been written to the database."""
        self._next = self._passed

    def batches(self) -> Iterator[tuple[int, list[Change]]]:
        """Everything in it, for one transaction after the other: changes of one epoch, at most `BATCH`.

        Raises:
            SpoolError: a line is damaged.
        """
        epoch_before, changes = 0, list[Change]()
        for epoch, change, _ in self._lines(self._start):
            if changes and (epoch != epoch_before or len(changes) >= BATCH):
                yield epoch_before, changes
                changes = []
            epoch_before = epoch
            changes.append(change)
        if changes:
            yield epoch_before, changes

    def close(self) -> None:
        """Close and unlock. Closing twice does no harm."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # --- the file ------------------------------------------------------------------------------------------------

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SpoolError(
                f"{self.path}: another process has it: does an outdial with this server-name run already?"
            ) from error

    def _begin(self, server: str, database: str) -> None:
        """Find the first change and the end; cut off what was never kept."""
        try:
            self._end = os.fstat(self._file).st_size
            with open(self.path, "rb") as stream:
                first = stream.readline()
            _sync_folder(self.path.parent)
        except OSError as error:
            raise self._error("cannot be read", error) from error
        if not first.endswith(b"\n"):
            self.clear()
            return
        header = self._read_header(first)
        if (header.server, header.database) != (server, database) and len(first) < self._end:
            raise SpoolError(
                f"{self.path}: holds changes of server {header.server} for {header.database}, and this is server "
                f"{server} with {database}: start once with the old settings, or move the file away"
            )
        self._start = self._next = self._passed = len(first)
        self._end = self._kept_end()
        os.ftruncate(self._file, self._end)
        if self.is_empty:
            self.clear()

    def _read_header(self, line: bytes) -> _Header:
        try:
            header = _HEADER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SpoolError(f"{self.path}, line 1: this is no spool: {error}") from error
        if header.format != FORMAT or header.version != VERSION:
            raise SpoolError(f"{self.path}, line 1: {header.format} version {header.version}; this outdial reads 1")
        return header

    def _kept_end(self) -> int:
        """Place behind the last whole line."""
        place = self._end
        while place > self._start:
            start = max(self._start, place - 65_536)
            found = os.pread(self._file, place - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            place = start
        return self._start

    def _lines(self, place: int) -> Iterator[tuple[int, Change, int]]:
        """Changes from a place on. Shape: (epoch, change, place behind it)."""
        with open(self.path, "rb") as stream:  # with a place of its own: somebody may be appending
            stream.seek(place)
            while place < self._end:
                line = stream.readline()
                place += len(line)
                yield (*self._decode(line, place - len(line)), place)

    def _decode(self, line: bytes, place: int) -> tuple[int, Change]:
        try:
            read = _LINE.decode(line)
            [(name, raw)] = read.change.items()
            change: Change = _CHANGES[name].decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, KeyError) as error:
            raise SpoolError(
                f"{self.path}, byte {place}: damaged: {error}; what it held is not in the database"
            ) from error
        return read.epoch, change

    def _write(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[os.write(self._file, left) :]

    def _error(self, wrong: str, error: OSError) -> SpoolError:
        return SpoolError(f"{self.path}: {wrong}: {error.strerror or error}")


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file outlive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
