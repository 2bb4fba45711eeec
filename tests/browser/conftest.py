"""The dashboard in a real browser, on the running demo: one demo and one browser for each test process.

The browser is Debian's Chromium: the machine's own, else unpacked without root into the lab's folder. In CI it has to
be there; elsewhere the tests skip with the reason. Pictures of every page go to `screenshots/`, which git ignores.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from browser_pages import DESKTOP, PATIENCE_MS, Heard
from outdial.dashboard_files import lacking
from outdial.lab import LabUnavailable, fetch

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DEMO_SECONDS = 900


def unavailable(reason: str) -> None:
    """No browser tests here: a failure in CI, else a skip."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The one browser."""
    if lacking():
        unavailable(lacking())
    program = shutil.which("chromium")
    if program is None:
        try:
            program = str(fetch("chromium") / "bin" / "chromium")
        except LabUnavailable as error:
            unavailable(str(error))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def demo_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the running demo's dashboard is, with the key that opens it once."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "outdial", "demo", "--seconds", str(DEMO_SECONDS), "--json"]
    errors = (folder / "errors.txt").open("w", encoding="utf-8")
    demo = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", "--out", str(folder / "results")],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stderr is not None
        for line in demo.stderr:
            errors.write(line)
            if line.startswith("Dashboard: "):
                yield line.removeprefix("Dashboard: ").strip()
                break
        else:
            pytest.fail(f"the demo did not say where its dashboard is: {(folder / 'errors.txt').read_text()}")
    finally:
        demo.send_signal(signal.SIGKILL)
        demo.communicate()
        errors.close()


@pytest.fixture(scope="session")
def address(demo_address: str) -> str:
    """Address of the dashboard, without key."""
    return demo_address.partition("#")[0]


@pytest.fixture(scope="session")
def signed_in(chromium: Browser, demo_address: str) -> dict:
    """What a browser keeps of a session: the key in the demo's address has been used for it."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(demo_address)
        page.get_by_role("navigation").wait_for(timeout=PATIENCE_MS)
        assert "#key" not in page.url
        return context.storage_state()


OpenPage = Callable[[str], tuple[Page, Heard]]


@pytest.fixture
def open_page(chromium: Browser, address: str, signed_in: dict) -> Iterator[OpenPage]:
    """Opens a page of the dashboard for somebody signed in, and listens to what it asks for."""
    contexts = []

    def opened(route: str) -> tuple[Page, Heard]:
        context = chromium.new_context(viewport=DESKTOP, color_scheme="light", storage_state=signed_in)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        heard = Heard(page)
        page.goto(f"{address}#/{route}")
        page.get_by_role("navigation", name="Pages").wait_for()
        return page, heard

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The board."""
    return open_page("")[0]
