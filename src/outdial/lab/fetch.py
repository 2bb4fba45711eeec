"""Puts a real Asterisk 22 or 16, sipp or Chromium into a cache folder; nothing is installed, nobody has to be root.

The work is done by the script unpack.sh beside this file, which says how. It needs bash and the Debian tools `apt-get`
and `dpkg-deb`, and an archive that this machine's apt knows (or the environment variable DEBIAN_ARCHIVE). A first run
takes about 10 s and 160 MB for Asterisk 22, 8 s and 120 MB for 16, 3 s and 16 MB for sipp, 17 s and 620 MB for
Chromium; later ones nothing.
"""

import os
import signal
import subprocess
from pathlib import Path
from typing import Literal

from outdial.core.errors import OutdialError

Program = Literal["asterisk22", "asterisk16", "sipp", "chromium"]

CACHE_VARIABLE = "OUTDIAL_LAB_CACHE"
"""Environment variable that names another cache folder."""
CACHE = "~/.cache/outdial/lab"
FETCH_S_MAX = 600.0
"""Longest time for one program, waiting for another process that fetches the same one included. Unit: seconds."""
LAYOUT = 1
"""Arrangement of a program's folder; must agree with unpack.sh. What is there in another one is fetched anew."""

_SCRIPT = Path(__file__).with_name("unpack.sh")


class LabUnavailable(OutdialError):
    """A program of the lab cannot be had on this machine; the text says why."""

    code = "lab_unavailable"
    retriable = True


def cache_folder() -> Path:
    """Where programs are kept: the folder named by OUTDIAL_LAB_CACHE, else ~/.cache/outdial/lab."""
    return Path(os.environ.get(CACHE_VARIABLE) or CACHE).expanduser().absolute()


def fetch(what: Program, cache: Path | None = None) -> Path:
    """Make sure that a program is in the cache.

    Any number of processes may ask at once: one fetches, the others wait for it.

    Args:
        what: which program.
        cache: the cache folder. Default: `cache_folder()`.

    Returns:
        The program's folder; what to run is `bin/asterisk`, `bin/sipp` or `bin/chromium` in it.

    Raises:
        LabUnavailable: no archive can be reached, a tool is missing, or the archive has another version.
    """
    folder = cache if cache is not None else cache_folder()
    home = folder / what
    if not is_fetched(home):
        _run_script(what, folder)
    return home


def is_fetched(home: Path) -> bool:
    """Whether a program's folder is complete."""
    try:
        return f"layout {LAYOUT}" in (home / "READY").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False


def version_of(home: Path) -> str:
    """What a fetched program says of itself, such as `Asterisk 16.28.0~dfsg-0+deb11u4`."""
    return (home / "READY").read_text(encoding="utf-8").splitlines()[0]


def _run_script(what: Program, folder: Path) -> None:
    command = ["bash", str(_SCRIPT), what, str(folder)]
    try:
        # its own session: an interrupt ends all of it, the downloads included
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError as error:
        raise LabUnavailable(f"{what} cannot be fetched: {error}") from error
    try:
        said = process.communicate(timeout=FETCH_S_MAX)[1].decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        raise LabUnavailable(f"{what} cannot be fetched: not done after {FETCH_S_MAX:.0f} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0 or not is_fetched(folder / what):
        reasons = [line.removeprefix("unpack.sh: ") for line in said.splitlines() if line.strip()]
        text = "; ".join(reasons[-4:]) or f"unpack.sh ended with {process.returncode}"
        raise LabUnavailable(f"{what} cannot be fetched: {text}")
