"""The dashboard's files over HTTP: strict headers, honest about missing libraries."""

import re
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import outdial
from outdial.api.pages import LIBRARIES, has_libraries, pages, script_hashes

DASHBOARD = Path(outdial.__file__).parent / "dashboard"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the dashboard that has files in place of the libraries."""
    copy = tmp_path / "dashboard"
    shutil.copytree(DASHBOARD, copy, ignore=shutil.ignore_patterns("vendor*"))
    for name in LIBRARIES:
        (copy / "vendor" / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / "vendor" / name).write_text("export {};\n", encoding="utf-8")
    return copy


def policy(response) -> dict[str, str]:
    """A Content-Security-Policy, directive by directive."""
    parts = response.headers["Content-Security-Policy"].split("; ")
    return dict(part.partition(" ")[::2] for part in parts)


def test_page_may_run_the_scripts_of_this_server_and_nothing_else(folder):
    answer = TestClient(pages(folder)).get("/")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert policy(answer)["default-src"] == "'none'"
    assert policy(answer)["script-src"] == " ".join(("'self'", *script_hashes(answer.text)))
    assert len(script_hashes(answer.text)) == 1
    assert policy(answer)["require-trusted-types-for"] == "'script'"
    assert policy(answer)["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_hash_of_an_import_map_is_that_of_its_text():
    # echo -n '{}' | openssl dgst -sha256 -binary | base64
    assert script_hashes('<script type="importmap">{}</script>') == (
        "'sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o='",
    )


@pytest.mark.parametrize("page", sorted(DASHBOARD.glob("*.html")), ids=lambda page: page.name)
def test_pages_hold_no_script_and_no_style_of_their_own(page):
    text = page.read_text(encoding="utf-8")
    inline = [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag]
    assert inline in ([], ['<script type="importmap">'])
    assert not re.search(r"<style|\sstyle=|\son\w+=", text)
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


def modules_of(name: str, found: set[str]) -> set[str]:
    """A module of the dashboard, and those that it imports before it begins."""
    if name not in found:
        found.add(name)
        text = (DASHBOARD / "js" / name).read_text(encoding="utf-8")
        for other in re.findall(r'from "\./([\w.]+)"', text):
            modules_of(other, found)
    return found


@pytest.mark.parametrize("page", sorted(DASHBOARD.glob("*.html")), ids=lambda page: page.name)
def test_page_names_every_module_that_it_needs(page):
    """Otherwise the browser learns of them one after the other."""
    text = page.read_text(encoding="utf-8")
    entries = set(re.findall(r'type="module" src="assets/js/([\w.]+)"', text))
    named = set(re.findall(r'rel="modulepreload" href="assets/js/([\w.]+)"', text))
    needed = {module for entry in entries for module in modules_of(entry, set())}
    assert named == needed - entries


def test_no_file_names_another_host():
    for path in DASHBOARD.rglob("*"):
        if path.suffix in (".js", ".css", ".html") and "vendor" not in path.parts:
            hosts = re.findall(r"https?://[^\s\"'`)]+", path.read_text(encoding="utf-8"))
            assert hosts == [], path


def test_assets_are_told_with_their_type_and_asked_for_again(folder):
    client = TestClient(pages(folder))
    answer = client.get("/assets/js/api.js")

    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"
    again = client.get("/assets/js/api.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/index.html",
        "/assets/../pages.py",
        "/assets/%2e%2e/api/pages.py",
        "/assets/js",
        "/assets/nothing.js",
        "/assets/%00.js",
    ],
)
def test_nothing_but_assets_is_told_there(folder, path):
    assert TestClient(pages(folder)).get(path).status_code == 404


def test_file_that_has_changed_is_told_anew(folder):
    client = TestClient(pages(folder))
    assert client.get("/assets/js/api.js").text != "1;"
    (folder / "js" / "api.js").write_text("1;", encoding="utf-8")
    assert client.get("/assets/js/api.js").text == "1;"


def test_link_out_of_the_folder_leads_nowhere(folder, tmp_path):
    (tmp_path / "secret.js").write_text("secret", encoding="utf-8")
    (folder / "js" / "link.js").symlink_to(tmp_path / "secret.js")
    assert TestClient(pages(folder)).get("/assets/js/link.js").status_code == 404


def test_without_libraries_the_page_says_what_to_do(folder):
    client = TestClient(pages(folder))
    shutil.rmtree(folder / "vendor")

    answer = client.get("/")

    assert not has_libraries(folder)
    assert answer.status_code == 503
    assert "make demo" in answer.text
    assert policy(answer)["script-src"] == "'self'"
