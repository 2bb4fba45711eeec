"""One real Asterisk on one loopback address: made, started, frozen, killed.

A node is a folder. What outdial needs in it is what `outdial asterisk-config` writes for everybody; the rest is only of
the lab: ports on one address, a trunk that leads to sipp callees, agents' phones made with sipp.

Start to fully booted takes 0.5 to 0.8 s; a node has 60 MB and about 50 threads.
"""

import shutil
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from outdial.asterisk_files.texts import Phone, Trunk, Wanted, pjsip_sample, server_files
from outdial.lab.children import Child
from outdial.lab.fetch import LabUnavailable

AMI_PORT = 5038
ARI_PORT = 8088
USER = "outdial"
SECRET = "lab-secret"
"""Password of AMI, ARI and of the phones that register: traffic stays on loopback addresses."""
PHONES = (
    *(f"agent{number}" for number in range(1001, 1051)),
    *(f"agent{number}" for number in range(1801, 1806)),
    *(f"agent{number}" for number in range(1901, 1906)),
)
"""Phones that are always there: they answer, refuse (1801 …), or ring for ever (1901 …)."""
REGISTERING_PHONES = ("phone2001", "phone2002", "phone2003")
BOOT_S_MAX = 30.0
"""Longest wait for a node to be ready, on a machine that does other things. Unit: seconds."""

USUAL_BYTES_MAX = 60
"""Longest path of the machine's temporary folder that leaves room for those of sockets. Unit: bytes."""

_TEMPLATES = Path(__file__).with_name("templates")
_FOLDERS = ("etc", "lib/keys", "spool/monitor", "spool/recording", "log", "db")
# Modules look for these; an empty one says that the defaults are wanted.
_EMPTY = (
    *("features", "cel", "udptl", "stasis", "acl", "musiconhold", "confbridge", "pjproject", "sorcery", "codecs"),
    *("extconfig", "ccss", "dnsmgr", "res_stun_monitor", "dsp", "cli", "cli_permissions", "cli_aliases"),
)


class Node:
    """One Asterisk. `make_node` builds its folder.

    Attributes:
        name: its name in logs.
        address: IPv4 address; AMI on 5038, ARI on 8088, SIP on UDP 5060.
        folder: everything it reads and writes, logs in `log/`.
    """

    def __init__(self, asterisk: Path, folder: Path, name: str, address: str, run_folder: Path) -> None:
        self.name = name
        self.address = address
        self.folder = folder
        self._program = asterisk / "bin" / "asterisk"
        self._run_folder = run_folder
        self._child: Child | None = None
        self._remove_run_folder = weakref.finalize(self, shutil.rmtree, run_folder, True)

    @property
    def is_running(self) -> bool:
        """Whether its process lives; a hung one does."""
        return self._child is not None and self._child.is_running

    @property
    def pid(self) -> int:
        """Process id of the running Asterisk."""
        return self._running().pid

    def start(self) -> None:
        """Start it and wait until it is fully booted.

        Raises:
            LabUnavailable: it ended, or is not ready after BOOT_S_MAX; the text ends with its log.
        """
        self.launch()
        self.wait_booted()

    def launch(self) -> None:
        """Start it without waiting, so that several can boot at once. Nothing happens when it runs."""
        if self.is_running:
            return
        self._socket.unlink(missing_ok=True)
        command = [self._program, "-C", self._settings, "-f", "-n"]
        self._child = Child(command, cwd=self.folder, output=self.folder / "log" / "console")

    def wait_booted(self, limit_s: float = BOOT_S_MAX) -> None:
        """Wait until it is fully booted: AMI accepts log-ins before SIP and ARI are there.

        Raises:
            LabUnavailable: it ended, or is not ready within the limit; the text ends with its log.
        """
        if not self._running().wait_until(self._is_booted, limit_s):
            raise LabUnavailable(f"Asterisk {self.name} does not start: {self.log()[-2_000:]}")

    def kill9(self) -> None:
        """End it like a power cut."""
        self._running().close()

    def hang(self) -> None:
        """Freeze it: connections stay, nothing is answered."""
        self._running().send(signal.SIGSTOP)

    def wake(self) -> None:
        """End the freeze."""
        self._running().send(signal.SIGCONT)

    def stop(self) -> None:
        """End it in order."""
        self._running().end()

    def close(self) -> None:
        """Kill it if it runs, and remove what it has outside its folder."""
        if self._child is not None:
            self._child.close()
        self._remove_run_folder()

    def cli(self, command: str, limit_s: float = 10.0) -> str:
        """Run a command of Asterisk's own console and return what it prints; empty when it cannot be asked."""
        asked = [self._program, "-C", self._settings, "-r", "-x", command]
        try:
            done = subprocess.run(
                list(map(str, asked)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s
            )
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout if done.returncode == 0 else ""

    def log(self) -> str:
        """What it has complained about so far."""
        files = (
            self.folder / "log" / "messages",
            self.folder / "log" / "messages.log",
            self.folder / "log" / "console",
        )
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in files if path.exists())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _settings(self) -> Path:
        return self.folder / "etc" / "asterisk.conf"

    @property
    def _socket(self) -> Path:
        return self._run_folder / "asterisk.ctl"

    def _is_booted(self) -> bool:
        return self._socket.exists() and "fully booted" in self.cli("core waitfullybooted")

    def _running(self) -> Child:
        if self._child is None:
            raise LabUnavailable(f"Asterisk {self.name} was never started")
        return self._child


def make_node(
    asterisk: Path,
    folder: Path,
    name: str,
    address: str,
    *,
    callees: str,
    phones_at: str,
    phones: Sequence[str] = PHONES,
    qualify_s: int = 0,
    fax_detect: bool = True,
    run_folder: Path | None = None,
) -> Node:
    """Build the folder of one Asterisk.

    Args:
        asterisk: what `fetch` returned.
        folder: its folder; made if missing, files of an earlier node are replaced.
        name: its name in logs.
        address: IPv4 loopback address of its own.
        callees: `host:port` that the trunk leads to.
        phones_at: `host:port` where agents' phones are.
        phones: phones that are always there, at `phones_at`.
        qualify_s: period at which phones and trunk are asked whether they live. 0: never. Unit: seconds.
        fax_detect: whether the trunk listens for fax tones.
        run_folder: a folder of its own with a short path, which exists; it goes with the node. Default: a new one.
    """
    for inner in _FOLDERS:
        (folder / inner).mkdir(parents=True, exist_ok=True)
    if run_folder is None:
        run_folder = make_run_folder()
    trunk = Trunk(contact=callees, qualify_s=qualify_s, fax_detect=fax_detect)
    endpoints = [
        *(Phone(phone, phones_at, qualify_s, password=SECRET) for phone in phones),
        *(Phone(phone, "", qualify_s, password=SECRET) for phone in REGISTERING_PHONES),
    ]
    shipped = server_files(Wanted(USER, SECRET, AMI_PORT, ARI_PORT, permits=("127.0.0.0/8",)))
    texts = {
        **shipped,
        **_own_files(name, address),
        "asterisk.conf": _asterisk_conf(asterisk, folder.absolute(), run_folder, name, address),
        "modules.conf": _modules_conf(asterisk, shipped["modules-outdial.conf"]),
        "pjsip.conf": _PJSIP.replace("@address@", address) + pjsip_sample(trunk, endpoints),
        "extensions.conf": (_TEMPLATES / "extensions.conf").read_text(encoding="utf-8"),
    }
    for file, text in texts.items():
        (folder / "etc" / file).write_text(text, encoding="utf-8")
    return Node(asterisk, folder.absolute(), name, address, run_folder)


def make_run_folder() -> Path:
    """A new temporary folder for Unix sockets, whose paths may have 107 bytes: test runners use up more."""
    usual = tempfile.gettempdir()
    return Path(
        tempfile.mkdtemp(prefix="outdial-lab-", dir=usual if len(usual.encode()) <= USUAL_BYTES_MAX else "/tmp")
    )


def _own_files(name: str, address: str) -> dict[str, str]:
    """Files of the lab that are not about SIP."""
    empty = dict.fromkeys((f"{file}.conf" for file in _EMPTY), "")
    return empty | {
        "logger.conf": "[general]\n[logfiles]\nmessages => notice,warning,error\n",
        "cdr.conf": "[general]\nenable = no\n",
        "indications.conf": _INDICATIONS,
        "manager.conf": (
            f"[general]\nenabled = yes\nport = {AMI_PORT}\nbindaddr = {address}\nwebenabled = no\n"
            'authtimeout = 5\nauthlimit = 50\n#include "manager-outdial.conf"\n'
        ),
        "http.conf": f"[general]\nenabled = yes\nbindaddr = {address}\nbindport = {ARI_PORT}\nsessionlimit = 200\n",
        "ari.conf": '[general]\nenabled = yes\nwebsocket_write_timeout = 1000\n#include "ari-outdial.conf"\n',
        "rtp.conf": "[general]\nrtpstart = 20000\nrtpend = 29999\nstrictrtp = no\nicesupport = no\n",
    }


def _asterisk_conf(asterisk: Path, folder: Path, run_folder: Path, name: str, address: str) -> str:
    places = {
        "astetcdir": folder / "etc",
        "astmoddir": _module_folder(asterisk),
        "astvarlibdir": folder / "lib",
        "astdbdir": folder / "db",
        "astkeydir": folder / "lib",
        "astdatadir": (asterisk / "root" / "usr" / "share" / "asterisk").absolute(),
        "astagidir": folder / "lib",
        "astspooldir": folder / "spool",
        "astrundir": run_folder,
        "astlogdir": folder / "log",
    }
    # By default the entity id comes from the machine: the same one on every node, and device states mix.
    entity = ":".join(["02", *(f"{int(part):02x}" for part in address.split(".")), "00"])
    options = {
        "systemname": name,
        "entityid": entity,
        "verbose": 0,
        "debug": 0,
        "nocolor": "yes",
        "dontwarn": "yes",
        "documentation_language": "en_US",
    }
    lines = ["[directories]", *(f"{key} => {place}" for key, place in places.items())]
    return "\n".join([*lines, "[options]", *(f"{key} = {value}" for key, value in options.items()), ""])


def _module_folder(asterisk: Path) -> Path:
    found = sorted((asterisk / "root" / "usr" / "lib").glob("**/asterisk/modules"))
    if not found:
        raise LabUnavailable(f"{asterisk}: holds no modules of Asterisk")
    return found[0].absolute()


def _modules_conf(asterisk: Path, shipped: str) -> str:
    """The shipped list, less what this version does not have."""
    there = {path.name for path in _module_folder(asterisk).iterdir()}
    loads = [line for line in shipped.splitlines() if line.startswith("load = ") and line.split()[2] in there]
    return "\n".join(["[modules]", "autoload = no", *loads, ""])


_PJSIP = """[global]
type = global
user_agent = outdial lab
[system]
type = system
threadpool_initial_size = 8
threadpool_auto_increment = 4
threadpool_max_size = 32
disable_tcp_switch = yes
[udp]
type = transport
protocol = udp
bind = @address@:5060
"""
_INDICATIONS = """[general]
country = us
[us]
description = US
ringcadence = 2000,4000
dial = 350+440
busy = 480+620/500,0/500
ring = 440+480/2000,0/4000
congestion = 480+620/250,0/250
"""
