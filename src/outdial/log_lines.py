"""Log lines: one JSON object each, or `key=value` where a person looks on.

Lines are written by a thread of their own: standard error may be a pipe that nobody reads, and a log must never hold up
the dialer. What cannot be written soon is dropped and counted.
"""

import contextlib
import logging
import queue
import threading
import time
from typing import Any, TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from outdial.core.units import SECOND_MS, Millis

LINES_MAX = 10_000
"""Lines that may wait for the writer. Unit: lines. Origin: a busy minute."""
LIBRARY_LINES_PER_S = 1
"""Lines of libraries in the long run. Unit: lines per second."""
LIBRARY_LINES_BURST = 20
CLOSE_S_MAX = 2.0
"""Longest wait for the last lines at the end. Unit: seconds."""


class LineWriter:
    """Writes lines to a stream without ever blocking its caller.

    Attributes:
        dropped: lines that were not written, because too many waited or the stream was broken.
    """

    def __init__(self, stream: TextIO, *, lines_max: int = LINES_MAX) -> None:
        """Start the writing thread."""
        self.dropped = 0
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(lines_max)
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Have a line written soon."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    debug = info = warning = error = critical = write
    """What structlog calls, by level."""

    def close(self) -> None:
        """Wait for what is waiting, at most `CLOSE_S_MAX`. Lines after it are dropped."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=CLOSE_S_MAX)
        self._thread.join(CLOSE_S_MAX)

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(line + "\n")
                if self._lines.empty():
                    self._stream.flush()
            except (OSError, ValueError):  # the reader has gone, or the stream is closed
                self.dropped += 1
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def make_log(writer: LineWriter, *, as_json: bool) -> FilteringBoundLogger:
    """A logger whose lines go to a writer.

    Args:
        writer: takes the lines.
        as_json: JSON objects with the keys `time`, `level`, `event` and the line's own; otherwise `key=value`.
    """
    first = ["time", "level", "event"]
    renderer: Processor = structlog.processors.LogfmtRenderer(key_order=first)
    if as_json:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        _one_line,
        renderer,
    ]
    log: FilteringBoundLogger = structlog.wrap_logger(
        writer, processors=processors, wrapper_class=structlog.make_filtering_bound_logger(logging.INFO)
    )
    return log


def _one_line(logger: Any, method: str, entry: Any) -> Any:
    """Lists and nothing as text, and the fixed keys first."""
    head = {key: entry.pop(key) for key in ("time", "level", "event")}
    return {**head, **{key: value for key, value in entry.items() if value is not None and value != ""}}


class Rate:
    """A limit for lines of one kind: a bucket of tokens that fills with time.

    Attributes:
        left_out: lines refused since the last one that was allowed.
    """

    def __init__(self, per_s: int, burst: int) -> None:
        """Full bucket.

        Args:
            per_s: lines per second in the long run. Range: ≥ 1.
            burst: lines at once. Range: ≥ 1.
        """
        self.left_out = 0
        self._per_s = per_s
        self._burst_millis = burst * SECOND_MS
        self._millis = self._burst_millis
        self._at_ms: Millis = 0

    def allows(self, mono_ms: Millis) -> bool:
        """Whether a line may be written now; one that may not is counted."""
        self._millis = min(self._burst_millis, self._millis + (mono_ms - self._at_ms) * self._per_s)
        self._at_ms = mono_ms
        if self._millis < SECOND_MS:
            self.left_out += 1
            return False
        self._millis -= SECOND_MS
        return True

    def take_left_out(self) -> int | None:
        """How many lines were left out before this one; None: none were."""
        count, self.left_out = self.left_out, 0
        return count or None


class LibraryLines(logging.Handler):
    """Warnings of libraries, as lines of ours."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._rate = Rate(LIBRARY_LINES_PER_S, LIBRARY_LINES_BURST)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        if not self._rate.allows(int(time.monotonic() * SECOND_MS)):
            return
        error = record.exc_info if record.exc_info and record.exc_info[0] is not None else None
        left_out = self._rate.take_left_out()
        self._log.warning("library", logger=record.name, text=record.getMessage(), left_out=left_out, exc_info=error)
