"""The agent page on the running demo: a person signs in, takes a call of a simulated callee, says what came of it."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from browser_pages import PATIENCE_MS, PHONE, Heard, accessibility_findings, controls_without_keyboard, picture

pytestmark = pytest.mark.slow

YOU, WELCOME, PREVIEWS = 41, 2, 5
CALL_MS_MAX = 90_000
"""Longest wait for a call of the demo, or for its end. Unit: ms. Origin: fourteen other agents take calls too."""

OpenDesk = Callable[[], tuple[Page, Heard]]


def ask(page: Page, act: str, **body: object) -> dict:
    """Do something at the desk through the API, beside the page. Returns the desk."""
    return post(page, f"/agents/{YOU}/{act}", **body)


def post(page: Page, path: str, **body: object) -> dict:
    """Do something through the API."""
    return page.evaluate(
        """([path, body]) => import("/assets/js/api.js").then(async (api) => {
            await api.resume_session();
            return api.post(path, body ?? undefined).catch((problem) => ({ problem: problem.message }));
        })""",
        [path, body or None],
    )


@pytest.fixture
def open_desk(signed_in: BrowserContext, address: str) -> Iterator[OpenDesk]:
    """Opens the desk of the demo's person; at the end the person has gone home."""
    pages = []

    def opened() -> tuple[Page, Heard]:
        page = signed_in.new_page()
        pages.append(page)
        heard = Heard(page)
        page.goto(f"{address}agent#/{YOU}")
        page.get_by_role("heading", name="Desktop of you").wait_for()
        return page, heard

    yield opened
    page, _ = opened()
    ask(page, "hang-up")
    ask(page, "logout")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=CALL_MS_MAX)  # when the call is over
    for page in pages:
        page.close()


@pytest.fixture
def desk(open_desk: OpenDesk) -> Page:
    return open_desk()[0]


def sign_in(page: Page) -> None:
    """With the configured phone; not ready at first."""
    page.get_by_role("button", name="Sign in").click()
    expect(state(page)).to_contain_text("Not ready")


def state(page: Page):
    return page.locator(".state .now")


def take_call(page: Page) -> None:
    """Be ready until a person is on the phone."""
    page.get_by_role("button", name="Ready", exact=False).first.click()
    expect(page.get_by_role("heading", name="Connected")).to_be_visible(timeout=CALL_MS_MAX)


def test_person_takes_a_call_end_to_end(open_desk):
    page, heard = open_desk()
    picture(page, "agent-signed-out")
    assert accessibility_findings(page) == []
    expect(page.get_by_role("textbox", name="Phone")).to_have_value("1041")
    sign_in(page)
    picture(page, "agent-not-ready")
    assert accessibility_findings(page) == []

    take_call(page)
    expect(state(page)).to_contain_text("In a call")
    call = page.locator(".call")
    expect(call.locator(".phone-number")).to_have_text(re.compile(r"^\+?[\d ]{8,}$"))
    expect(call.get_by_text("customers")).to_be_visible()
    expect(call.locator("dt").filter(has_text=re.compile("^name$", re.IGNORECASE))).to_be_visible()
    picture(page, "agent-in-a-call")
    assert accessibility_findings(page) == []
    assert controls_without_keyboard(page) == []

    page.get_by_label("Note").fill("wants the leaflet first")
    page.get_by_role("button", name="Answering machine").click()
    expect(page.get_by_text("You said: Answering machine")).to_be_visible()

    page.get_by_role("button", name="Hang up").click()
    expect(state(page)).to_contain_text("After-call work")
    expect(page.get_by_role("heading", name="Last call")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_text("Call back later").click()
    page.get_by_role("button", name="tomorrow 10:00").click()
    page.get_by_label("At another number").fill("+1 555 0199")
    page.get_by_role("button", name="Note the callback").click()
    expect(page.get_by_text(re.compile(r"You said: Callback \d{4}-\d\d-\d\d 10:00:00"))).to_be_visible()
    expect(page.get_by_text("to +15550199")).to_be_visible()
    picture(page, "agent-after-call")
    assert accessibility_findings(page) == []

    page.get_by_role("button", name="lunch").click()
    expect(state(page)).to_contain_text("Not ready")
    expect(state(page)).to_contain_text("lunch")
    assert heard.complaints == []


def test_keys_say_what_came_of_a_call_and_can_be_switched_off(desk):
    sign_in(desk)
    desk.keyboard.press("r")
    expect(desk.get_by_role("heading", name="Connected")).to_be_visible(timeout=CALL_MS_MAX)
    desk.get_by_label("Note").press("8")  # somebody writes: a figure is a figure
    expect(desk.get_by_label("Note")).to_have_value("8")
    desk.get_by_label("Note").blur()
    desk.keyboard.press("8")
    expect(desk.get_by_text("You said: Wrong party")).to_be_visible()
    desk.get_by_label("Keys of one character").uncheck()
    desk.locator("h1").click(force=True)
    desk.keyboard.press("9")
    expect(desk.get_by_text("You said: Wrong party")).to_be_visible()
    desk.get_by_label("Keys of one character").check()


def test_callback_that_is_due_is_offered_and_called(desk):
    sign_in(desk)
    take_call(desk)
    soon_ms = desk.evaluate("Date.now() + 2000")
    asked = ask(desk, "callback", at_utc_ms=soon_ms, note="in a moment")
    assert asked["call"]["said"]["callback_at_utc_ms"] == soon_ms
    ask(desk, "hang-up")
    expect(state(desk)).to_contain_text("After-call work", timeout=CALL_MS_MAX)
    desk.keyboard.press("r")
    offer = desk.get_by_role("heading", name="Call this one?")
    for _ in range(20):  # other calls may come first: it waits for the agent
        expect(offer.or_(desk.get_by_role("heading", name="Connected"))).to_be_visible(timeout=CALL_MS_MAX)
        if offer.is_visible():
            break
        ask(desk, "hang-up")
        expect(state(desk)).to_contain_text("After-call work", timeout=CALL_MS_MAX)
        desk.keyboard.press("r")
    expect(offer).to_be_visible()
    expect(desk.get_by_text("in a moment")).to_be_visible()
    picture(desk, "agent-offer")
    assert accessibility_findings(desk) == []
    desk.keyboard.press("c")
    expect(desk.get_by_role("heading", name=re.compile("Dialing|Ringing|Connected"))).to_be_visible()


def test_preview_is_asked_for_called_and_given_up(desk):
    post(desk, f"/groups/{WELCOME}/pause")  # nobody else's calls come in between
    post(desk, f"/groups/{PREVIEWS}/start")
    try:
        sign_in(desk)
        desk.keyboard.press("r")
        desk.get_by_role("button", name="Next record of previews").click(timeout=CALL_MS_MAX)
        expect(desk.get_by_role("heading", name="Call this one?")).to_be_visible(timeout=PATIENCE_MS)
        desk.keyboard.press("c")
        expect(desk.get_by_role("heading", name=re.compile("Dialing|Ringing|Connected"))).to_be_visible()
        desk.get_by_role("button", name="Hang up").click()
        expect(desk.get_by_role("button", name="Hang up")).to_have_count(0)
        expect(desk.get_by_role("heading", name="Last call")).to_be_visible(timeout=PATIENCE_MS)
    finally:
        post(desk, f"/groups/{PREVIEWS}/stop")
        post(desk, f"/groups/{WELCOME}/resume")


def test_dark_and_on_a_phone(open_desk):
    page, heard = open_desk()
    sign_in(page)
    page.emulate_media(color_scheme="dark")
    picture(page, "agent-dark")
    assert accessibility_findings(page) == []
    page.set_viewport_size(PHONE)
    picture(page, "agent-phone-dark", whole=True)
    page.emulate_media(color_scheme="light")
    picture(page, "agent-phone", whole=True)
    assert accessibility_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert heard.complaints == []


def test_page_that_is_closed_and_one_that_is_refused(open_desk, address):
    page, _ = open_desk()
    page.goto(f"{address}agent#/1")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("has no desktop")
    page.goto(f"{address}agent")
    page.reload()
    expect(page.get_by_role("link", name="you")).to_be_visible()
