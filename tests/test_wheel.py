"""What a stranger gets: the wheel, in an empty environment, away from the source tree."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command that must succeed; returns its standard output."""
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_wheel_runs_the_demo_in_an_empty_environment(tmp_path):
    wheels, venv, empty = tmp_path / "wheels", tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()

    run(sys.executable, *PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, ROOT, cwd=tmp_path)
    [wheel] = wheels.glob("outdial-*.whl")
    browser = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("outdial/dashboard/")}
    assert {f"outdial/dashboard/vendor/{name}/LICENSE" for name in ("preact", "htm", "uplot")} <= browser
    assert {"outdial/dashboard/index.html", "outdial/dashboard/vendor/preact/preact.mjs"} <= browser
    run(sys.executable, "-m", "venv", venv, cwd=tmp_path)
    python, outdial = venv / "bin" / "python", venv / "bin" / "outdial"
    run(python, *PIP, "install", "--require-hashes", "-r", ROOT / "requirements.lock", cwd=tmp_path)
    run(python, *PIP, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)

    # Nothing of this machine's settings: no PYTHON* variables, no home, no terminal.
    clean = {"PATH": os.defpath, "HOME": str(empty), "LANG": "C.UTF-8"}
    assert wheel.name.split("-")[1] in run(outdial, "--version", cwd=empty, env=clean)
    summary = json.loads(run(outdial, "demo", "--seconds", "4", "--json", cwd=empty, env=clean))
    assert summary["attempts"] > 0
