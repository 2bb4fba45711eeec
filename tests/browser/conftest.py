"""The dashboard in a real browser, on the running demo: one demo and one browser for each module.

Not longer: while Playwright's synchronous API is open, its event loop runs in this thread, and no other test could have
one of its own.

The browser is Debian's Chromium: the machine's own, else unpacked without root into the lab's folder. In CI it has to
be there; elsewhere the tests skip with the reason. Pictures of every page go to `screenshots/`, which git ignores.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from browser_pages import DESKTOP, PATIENCE_MS, Heard
from outdial.dashboard_files import lacking
from outdial.lab import LabUnavailable, fetch

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DEMO_SECONDS = 900
# Longest wait for the demo to begin. Unit: seconds.
BEGIN_S_MAX = 60


def unavailable(reason: str) -> None:
    """No browser tests here: a failure in CI, else a skip."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
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


class RunningDemo:
    """A demo that is running.

    Attributes:
        address: of its dashboard.
    """

    def __init__(self, folder: Path) -> None:
        program = Path(__file__).resolve().parents[1] / "demo_to_disturb.py"
        self._errors = (folder / "errors.txt").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, program, folder / "results", str(DEMO_SECONDS)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )
        self.address = self._told_address()

    def _told_address(self) -> str:
        until_s = time.monotonic() + BEGIN_S_MAX
        while time.monotonic() < until_s and self._process.poll() is None:
            self._errors.seek(0)
            found = re.search(r"^Dashboard: (\S+)\n", self._errors.read(), re.MULTILINE)
            if found:
                return found[1]
            time.sleep(0.05)
        self._errors.seek(0)
        pytest.fail(f"the demo does not say where its dashboard is: {self._errors.read()}")

    def lose_prime_node(self) -> None:
        """Both servers of the prime node die."""
        self._process.send_signal(signal.SIGUSR1)

    def restore_prime_node(self) -> None:
        """They are back."""
        self._process.send_signal(signal.SIGUSR2)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._errors.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """The one demo."""
    running = RunningDemo(tmp_path_factory.mktemp("demo"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def address(demo: RunningDemo) -> str:
    """Address of the dashboard."""
    return demo.address


@pytest.fixture(scope="module")
def token(address: str) -> str:
    """An API token that may do everything: the first one, made while the machine itself may still do so."""
    wanted = {"name": "browser", "scopes": ["read", "operate", "agent", "admin"]}
    request = Request(
        f"{address}v1/tokens", json.dumps(wanted).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urlopen(request, timeout=BEGIN_S_MAX) as answer:
        return json.load(answer)["token"]


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, address: str, token: str) -> Iterator[BrowserContext]:
    """What a browser keeps of somebody who has signed in with a token: a cookie."""
    with chromium.new_context(viewport=DESKTOP, color_scheme="light") as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Token").click()
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("navigation", name="Pages").wait_for()
        page.close()
        yield context


OpenPage = Callable[[str], tuple[Page, Heard]]


@pytest.fixture
def open_page(signed_in: BrowserContext, address: str) -> Iterator[OpenPage]:
    """Opens a page of the dashboard for somebody signed in, and listens to what it asks for."""
    pages = []

    def opened(route: str) -> tuple[Page, Heard]:
        page = signed_in.new_page()
        pages.append(page)
        heard = Heard(page)
        page.goto(f"{address}#/{route}")
        page.get_by_role("navigation", name="Pages").wait_for()
        return page, heard

    yield opened
    for page in pages:
        page.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The board."""
    return open_page("")[0]
