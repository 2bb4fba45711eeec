"""What tests ask of a page in the browser: its requests and complaints, pictures, accessibility, the keyboard."""

import json
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
SCREENSHOTS = ROOT / "screenshots"
AXE = ROOT / "browser" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
# Longest wait for something to show. Unit: ms. Origin: a busy machine; usual are some hundreds.
PATIENCE_MS = 15_000
# Controls that a person may reach. Those of a closed or disabled part do not count.
CONTROLS = "a[href], button:not([disabled]), input, select, textarea, [tabindex='0']"


class Heard:
    """What a page asked for and complained about.

    Attributes:
        urls: every request.
        complaints: errors and warnings of the console, and uncaught exceptions.
    """

    def __init__(self, page: Page) -> None:
        self.urls: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.urls.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._console)

    def _console(self, message) -> None:
        url = message.location.get("url", "")
        # what the API refuses is shown by the page; that the browser writes it down as an error says nothing
        if message.type in ("error", "warning") and "/v1/" not in url:
            self.complaints.append(f"{message.text} ({url})")


def picture(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture of a page, to be looked at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)


def accessibility_findings(page: Page) -> list[str]:
    """Serious and critical findings of axe-core, one line each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(JSON.stringify)")
    return [
        f"{each['id']}: {each['help']}: {node['target']} {node.get('failureSummary', '')}"
        for each in json.loads(found)["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def controls_without_keyboard(page: Page) -> list[str]:
    """Controls that the Tab key does not come to, or where one would not see it."""
    page.evaluate(
        """(controls) => {
            for (const each of document.querySelectorAll("[data-control]")) each.removeAttribute("data-control");
            window.controls = [...document.querySelectorAll(controls)].filter((each) => each.checkVisibility());
            window.reached = new Set();
            document.activeElement?.blur();
        }""",
        CONTROLS,
    )
    # a date has four stops: day, month, year, calendar
    stops = page.evaluate("window.controls.reduce((sum, each) => sum + (each.type === 'date' ? 4 : 1), 0)")
    for _ in range(stops + 5):
        page.keyboard.press("Tab")
        page.evaluate(
            """() => {
                const here = document.activeElement;
                const style = getComputedStyle(here);
                const is_seen = here.matches(":focus-visible") && style.outlineStyle !== "none";
                if (is_seen) window.reached.add(here);
            }"""
        )
    return page.evaluate(
        """() => window.controls.filter((each) => each.isConnected && !each.disabled && !window.reached.has(each))
            .map((each) => each.outerHTML.slice(0, 120))"""
    )
