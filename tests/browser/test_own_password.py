"""A person changes the own password in the dashboard, and on the agent page."""

import json
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from browser_pages import DESKTOP, PATIENCE_MS, PHONE, Heard, accessibility_findings, controls_without_keyboard, picture

pytestmark = pytest.mark.slow

FIRST, SECOND = "the first long password", "the second long password"


def let_in(address: str, token: str, login: str, **more: object) -> None:
    """A person who may sign in from now on."""
    wanted = {"login": login, "password": FIRST, **more}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    with urlopen(Request(f"{address}v1/users", json.dumps(wanted).encode(), headers, method="POST")) as answer:
        assert answer.status == 201


def sign_in(page: Page, login: str, password: str) -> None:
    page.get_by_label("Name", exact=True).fill(login)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def change(page: Page, present: str, new: str, again: str) -> None:
    dialog = page.get_by_role("dialog", name="Change your password")
    dialog.get_by_label("Present password").fill(present)
    dialog.get_by_label("New password, 12 characters or more").fill(new)
    dialog.get_by_label("The new one again").fill(again)
    dialog.get_by_role("button", name="Change it").click()


@pytest.mark.parametrize("where", ["", "agent"])
def test_a_person_changes_the_own_password(chromium: Browser, address: str, token: str, where: str):
    login = f"anna{where}"
    let_in(address, token, login, **({"role": "agent", "agent_id": 41} if where else {"role": "operator"}))
    with chromium.new_context(viewport=DESKTOP, color_scheme="light") as context:
        context.set_default_timeout(PATIENCE_MS)
        page, elsewhere = context.new_page(), chromium.new_context().new_page()
        heard = Heard(page)
        for each in (page, elsewhere):
            each.goto(f"{address}{where}")
            sign_in(each, login, FIRST)
            expect(each.get_by_role("button", name="Password", exact=True)).to_be_visible()
        page.get_by_role("button", name="Password", exact=True).click()
        dialog = page.get_by_role("dialog", name="Change your password")
        change(page, FIRST, SECOND, "something else")
        expect(dialog.get_by_role("alert")).to_contain_text("The two new passwords differ")
        change(page, "wrong", SECOND, SECOND)
        expect(dialog.get_by_role("alert")).to_contain_text("the present password is wrong")
        assert accessibility_findings(page) == []
        picture(page, f"password-{where or 'board'}")
        page.set_viewport_size(PHONE)
        picture(page, f"password-{where or 'board'}-phone")
        page.set_viewport_size(DESKTOP)
        change(page, FIRST, SECOND, SECOND)
        expect(page.get_by_role("status")).to_contain_text("Your password is changed")
        expect(dialog).to_have_count(0)
        assert controls_without_keyboard(page) == []
        elsewhere.reload()
        expect(elsewhere.get_by_role("heading", name="Sign in to outdial")).to_be_visible()
        elsewhere.context.close()
        page.get_by_role("button", name="End session" if where else "Sign out").click()
        sign_in(page, login, SECOND)
        expect(page.get_by_role("button", name="Password", exact=True)).to_be_visible()
        assert heard.complaints == []


def test_who_has_signed_in_with_a_token_has_no_password(page: Page):
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.get_by_role("button", name="Password", exact=True)).to_have_count(0)


def test_the_dialog_closes_without_a_change(chromium: Browser, address: str, token: str):
    let_in(address, token, "bob", role="viewer")
    with chromium.new_context(viewport=PHONE) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(address)
        sign_in(page, "bob", FIRST)
        button = page.get_by_role("button", name="Password", exact=True)
        for close in (lambda: page.keyboard.press("Escape"), lambda: page.get_by_role("button", name="Cancel").click()):
            button.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            close()
            expect(page.get_by_role("dialog")).to_have_count(0)
        picture(page, "account-phone")
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(wide)
