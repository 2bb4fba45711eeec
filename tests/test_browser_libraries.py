"""The browser libraries: what the lock file promises, and what happens when npm cannot be reached."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCK = json.loads((ROOT / "browser" / "package-lock.json").read_text(encoding="utf-8"))
WANTED = json.loads((ROOT / "browser" / "package.json").read_text(encoding="utf-8"))


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, whose npm is a folder that a test fills."""
    spec = importlib.util.spec_from_file_location("browser_libraries", ROOT / "browser" / "libraries.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name in ("package-lock.json", "package.json"):
        (tmp_path / name).write_bytes((ROOT / "browser" / name).read_bytes())
    monkeypatch.setattr(script, "HERE", tmp_path)
    monkeypatch.setattr(script, "VENDOR", tmp_path / "vendor")

    def run_npm() -> None:
        for origin in script.FILES.values():
            (tmp_path / "node_modules" / origin).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "node_modules" / origin).write_text(f"{origin}\n//# sourceMappingURL=map\n", encoding="utf-8")

    monkeypatch.setattr(script, "run_npm", run_npm)
    return script


def test_lock_names_hashes_and_no_addresses():
    packages = {name: each for name, each in LOCK["packages"].items() if name}
    assert {name.removeprefix("node_modules/") for name in packages} == {
        *WANTED["dependencies"],
        *WANTED["devDependencies"],
    }
    for each in packages.values():
        assert each["integrity"].startswith("sha512-")
        assert "resolved" not in each
    for name, version in (WANTED["dependencies"] | WANTED["devDependencies"]).items():
        assert packages[f"node_modules/{name}"]["version"] == version  # a version, not a range


def test_every_library_comes_with_its_licence(libraries):
    assert {name.partition("/")[0] for name in libraries.FILES} == set(WANTED["dependencies"])
    for name in WANTED["dependencies"]:
        assert f"{name}/LICENSE" in libraries.FILES


def test_what_is_there_is_not_fetched_again(libraries, tmp_path, monkeypatch):
    vendor = tmp_path / "vendor"
    libraries.put(vendor)
    assert libraries.is_there(vendor)
    assert (vendor / "preact" / "preact.mjs").read_text(encoding="utf-8") == "preact/dist/preact.mjs\n"

    monkeypatch.setattr(libraries, "run_npm", lambda: pytest.fail("npm ran again"))
    libraries.put(vendor)


def test_another_lock_fetches_anew(libraries, tmp_path):
    vendor = tmp_path / "vendor"
    libraries.put(vendor)
    (tmp_path / "package-lock.json").write_text("{}", encoding="utf-8")
    assert not libraries.is_there(vendor)
    libraries.put(vendor)
    assert libraries.is_there(vendor)


def test_interrupted_copy_is_not_taken_for_a_whole_one(libraries, tmp_path):
    vendor = tmp_path / "vendor"
    libraries.put(vendor)
    (vendor / libraries.STAMP).unlink()
    assert not libraries.is_there(vendor)


@pytest.mark.parametrize("arguments, code", [(["--if-possible"], 0), ([], 1)])
def test_machine_without_npm_is_told_what_it_lacks(libraries, monkeypatch, capsys, arguments, code):
    def run_npm() -> None:
        raise libraries.Unavailable("npm ci: no route to the registry")

    monkeypatch.setattr(libraries, "run_npm", run_npm)
    assert libraries.main(arguments) == code
    said = capsys.readouterr().err
    assert "no route to the registry" in said and "the dashboard says that it lacks them" in said


def test_what_a_command_complains_about_is_the_reason(libraries):
    with pytest.raises(libraries.Unavailable, match="npm ci: it is broken"):
        libraries.run([sys.executable, "-c", "import sys; sys.exit('it is broken')"], "npm ci", 30)
    with pytest.raises(libraries.Unavailable, match="no-such-program"):
        libraries.run(["no-such-program"], "npm ci", 30)


def test_git_sees_none_of_them():
    files = ["src/outdial/dashboard/vendor/preact/preact.mjs", "browser/node_modules/x", "screenshots/board-light.png"]
    command = ["git", "-c", f"safe.directory={ROOT}", "check-ignore", *files]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ignored.returncode == 128:
        pytest.skip("not a git repository")
    assert ignored.stdout.splitlines() == files
