"""Repeat a recorded run: the same events into a fresh core must give the same commands.

A difference has one of three causes: the journal was written by another version of outdial, its file was changed, or
something that the core must not depend on (a clock, dice, the order of a set) has crept into it. The third is a bug.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.errors import InvariantViolated
from outdial.core.events import Event
from outdial.core.units import Now
from outdial.drivers.journal import Header, JournalReader, RecordedStep, tagged


class Core(Protocol):
    """What replaying asks of a dialer."""

    def step(self, now: Now, event: Event) -> list[Command]:
        """One event in, commands out."""
        ...


@dataclass(frozen=True, slots=True)
class Difference:
    """The first step that came out differently."""

    line: int
    """Line of the journal, from 1."""
    now: Now
    event: Event
    expected: tuple[Command, ...]
    """Commands in the journal."""
    got: tuple[Command, ...]
    """Commands of the fresh core."""
    expected_failure: str | None = None
    """The bug in which the recorded step ended; None: it went well."""
    got_failure: str | None = None
    """The bug in which the repeated step ended; None: it went well."""


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What repeating a journal showed."""

    path: Path
    header: Header
    steps: int
    """Steps that came out the same."""
    commands: int
    """Commands that came out the same."""
    torn: bool
    """The last line was cut off and left out: the recording process crashed."""
    failure: str | None
    """The recorded run ended in a bug, and so did the repeated one: what it said."""
    difference: Difference | None
    """None: everything came out the same."""

    @property
    def identical(self) -> bool:
        """Whether every step came out the same."""
        return self.difference is None


def replay(path: Path, make_core: Callable[[], Core] = Dialer) -> ReplayResult:
    """Feed a journal into a fresh core and compare.

    Args:
        path: the journal.
        make_core: makes the fresh core; tests bring their own.

    Returns:
        Counts, and the first difference if there is one. Stops there: what follows a difference means nothing.

    Raises:
        JournalError: the file is not a journal that this version understands.
    """
    core = make_core()
    steps = commands = 0
    failure = difference = None
    with JournalReader(path) as journal:
        for recorded in journal:
            got, failure = _repeat(core, recorded)
            if got != recorded.commands or failure != recorded.failed:
                difference = Difference(
                    recorded.line, recorded.now, recorded.event, recorded.commands, got, recorded.failed, failure
                )
                break
            steps += 1
            commands += len(got)
        return ReplayResult(path, journal.header, steps, commands, journal.torn, failure, difference)


def _repeat(core: Core, recorded: RecordedStep) -> tuple[tuple[Command, ...], str | None]:
    try:
        return tuple(core.step(recorded.now, recorded.event)), None
    except InvariantViolated as error:
        # Not handled but compared: reproducing a bug is what a journal is for.
        return (), str(error)


def to_json(result: ReplayResult) -> dict[str, Any]:
    """The result as the command line prints it with `--json`. Shape: docs/reference/command-line.md."""
    difference = result.difference
    return {
        "journal": str(result.path),
        "outdial": result.header.outdial,
        "seed": result.header.seed,
        "identical": result.identical,
        "steps": result.steps,
        "commands": result.commands,
        "torn": result.torn,
        "failure": result.failure if result.identical else None,
        "difference": difference
        and {
            "line": difference.line,
            "now": difference.now,
            "event": tagged(difference.event),
            "expected": [tagged(command) for command in difference.expected],
            "got": [tagged(command) for command in difference.got],
            "expected_failure": difference.expected_failure,
            "got_failure": difference.got_failure,
        },
    }


def to_text(result: ReplayResult) -> str:
    """The result for people."""
    lines = []
    if result.difference is None:
        lines.append(f"identical: {_count(result.steps, 'step')}, {_count(result.commands, 'command')}")
        if result.failure is not None:
            lines.append(f"The recorded run ended in a bug, and so did this one: {result.failure}")
    else:
        lines += _difference_text(result.path, result.difference)
        lines.append(f"Before it, {_count(result.steps, 'step')} came out the same.")
    if result.torn:
        lines.append("The last line is cut off (the recording process crashed); it was left out.")
    return "\n".join(lines)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _difference_text(path: Path, difference: Difference) -> list[str]:
    lines = [
        f"different: {path}, line {difference.line}",
        f"  at     {difference.now.mono_ms} ms",
        f"  event  {difference.event}",
    ]
    for index in range(max(len(difference.expected), len(difference.got))):
        expected, got = (
            commands[index] if index < len(commands) else None for commands in (difference.expected, difference.got)
        )
        if expected == got:
            lines.append(f"         {got}")
            continue
        lines += [f"  {sign}  {command}" for sign, command in (("journal", expected), ("now    ", got)) if command]
    for word, failure in (("journal", difference.expected_failure), ("now    ", difference.got_failure)):
        if failure is not None:
            lines.append(f"  {word}  ended in a bug: {failure}")
    return lines
