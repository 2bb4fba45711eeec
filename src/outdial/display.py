"""Where a running demo shows itself: a live board on a terminal, plain lines elsewhere, or nowhere."""

from collections.abc import Callable
from typing import Protocol

from rich.console import Console
from rich.live import Live

from outdial.board import Frame, clock_text, draw, plain_line
from outdial.core.snapshot import Snapshot
from outdial.happenings import Line

# Pictures per second of the live board. Range: > 0. Origin: fast enough to look alive, slow enough to read.
FRAMES_PER_S = 4
# Unit: seconds between two plain lines. Range: > 0. Origin: a minute of demo fits one screen.
PLAIN_PERIOD_S = 5


class Display(Protocol):
    """Something that is shown the state a few times a second."""

    def show(self, snapshot: Snapshot, frame: Frame) -> None:
        """Show the state of this moment."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class LiveBoard:
    """The board, redrawn in place on the terminal's alternate screen."""

    def __init__(self, console: Console) -> None:
        """Take over the terminal until `close`."""
        self._console = console
        self._live = Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop")
        self._live.start()

    def show(self, snapshot: Snapshot, frame: Frame) -> None:
        """Draw one picture of the terminal's present size."""
        width, height = self._console.size
        self._live.update(draw(snapshot, frame, width=width, height=height), refresh=True)

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()


class PlainLines:
    """A line every few seconds, and each line of the log as it comes."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """`write` prints one line."""
        self._write = write
        self._newest: Line | None = None
        self._next_at_s = 0.0

    def show(self, snapshot: Snapshot, frame: Frame) -> None:
        """Print what is new."""
        lines = list(frame.lines)
        # Identity: two lines may say the same, at the same time.
        seen = next((index for index, line in enumerate(lines) if line is self._newest), -1)
        for line in lines[seen + 1 :]:
            self._write(f"{clock_text(line.mono_ms / 1_000)} {line.text}")
        if lines:
            self._newest = lines[-1]
        if frame.elapsed_s >= self._next_at_s:
            self._next_at_s = frame.elapsed_s + PLAIN_PERIOD_S
            self._write(plain_line(snapshot, frame.elapsed_s))

    def close(self) -> None:
        """Nothing to give back."""


class Nowhere:
    """Shows nothing: the output belongs to a program."""

    def show(self, snapshot: Snapshot, frame: Frame) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def choose_display(*, as_json: bool, stdout: Console, stderr: Console) -> Display:
    """The display for where the output goes: standard output, or standard error when the former is for JSON."""
    if as_json:
        return LiveBoard(stderr) if stderr.is_terminal else Nowhere()
    if stdout.is_terminal:
        return LiveBoard(stdout)
    return PlainLines(lambda text: stdout.print(text, markup=False, highlight=False, soft_wrap=True))
