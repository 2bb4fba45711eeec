"""Child processes that never outlive this process, whatever happens to it."""

import atexit
import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from weakref import WeakSet

STEP_S = 0.02
"""Pause between two looks at something that a child is about to do. Unit: seconds."""

# The kernel kills a child marked with --pdeathsig when the *thread* that started it ends, so one thread that lives as
# long as the process starts them all.
_STARTER: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outdial-lab")
_CHILDREN: "Final[WeakSet[Child]]" = WeakSet()


class Child:
    """One running program. Started by the constructor; `close` kills it.

    Attributes:
        pid: its process id.
    """

    def __init__(self, command: Sequence[object], *, cwd: Path, output: Path) -> None:
        """Start a program.

        Args:
            command: program and arguments, numbers and paths as they are.
            cwd: its working folder.
            output: file that both of its output streams are appended to.
        """
        setpriv = shutil.which("setpriv")
        prefix = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
        starting = _STARTER.submit(_start, [*prefix, *map(str, command)], cwd, output)
        try:
            self._process = starting.result()
        except KeyboardInterrupt:  # nobody would know the child
            starting.result().kill()
            starting.result().wait()
            raise
        self.pid = self._process.pid
        _CHILDREN.add(self)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended; a program that is stopped by a signal has not."""
        return self._process.poll() is None

    @property
    def code(self) -> int | None:
        """Its exit code; None: it runs. Negative: a signal ended it."""
        return self._process.poll()

    def wait(self, limit_s: float) -> bool:
        """Wait for its end. Returns whether it has ended."""
        try:
            self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_until(self, is_so: Callable[[], bool], limit_s: float) -> bool:
        """Wait until something is so. Returns False when it is not within the limit, or the program ended before."""
        deadline = time.monotonic() + limit_s
        while not is_so():
            if self.wait(STEP_S) or time.monotonic() > deadline:
                return is_so()
        return True

    def send(self, what: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended."""
        self._process.send_signal(what)

    def end(self, limit_s: float = 5.0) -> None:
        """Ask it to end; kill it when it has not within the limit."""
        self.send(signal.SIGTERM)
        if not self.wait(limit_s):
            self.close()

    def close(self) -> None:
        """Kill it, if it still runs."""
        if self.is_running:
            self.send(signal.SIGKILL)
            self._process.wait()


def _start(command: list[str], cwd: Path, output: Path) -> "subprocess.Popen[bytes]":
    with output.open("ab") as stream:
        # a process group of its own: Ctrl-C on the terminal is for us, who end the children in order
        return subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, process_group=0
        )


@atexit.register
def _close_all() -> None:
    for child in list(_CHILDREN):
        with contextlib.suppress(OSError):
            child.close()
