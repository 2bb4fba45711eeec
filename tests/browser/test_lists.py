"""Calling lists, records and compliance in the browser, on the running demo."""

import re

import pytest
from playwright.sync_api import Page, expect

from browser_pages import PHONE, accessibility_findings, controls_without_keyboard, picture

pytestmark = pytest.mark.slow

PAGES = {"lists": "lists", "list": "lists/1", "record": "lists/1/records/1", "compliance": "compliance"}
NAME = "Ann <img src=x onerror=alert(1)>"
FILE = f"phone,name\n+12125550299,{NAME}\nnonsense,Bob\n+12125550298,Eve\n"


@pytest.fixture
def list_page(open_page) -> Page:
    """The page of the demo's calling list."""
    return open_page("lists/1")[0]


def import_file(page: Page, name: str, text: str, *, dry_run: bool = False) -> None:
    """Choose a file and send it."""
    page.get_by_label("CSV or Parquet file").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    )
    page.get_by_label("Only look").set_checked(dry_run)
    page.get_by_role("button", name="Import", exact=True).click()


def test_all_lists_are_shown_with_what_they_hold(open_page):
    page, _ = open_page("lists")
    row = page.get_by_role("row", name=re.compile("customers"))
    expect(row).to_contain_text("spring")
    expect(row).to_contain_text(re.compile(r"[\d,]+ ready"))
    row.get_by_role("link", name="customers").click()
    expect(page.get_by_role("heading", name="customers", level=1)).to_be_visible()


def test_file_is_imported_and_its_rejected_lines_are_told(list_page):
    import_file(list_page, "leads.csv", FILE)

    job = list_page.get_by_role("region", name="Imports").get_by_role("listitem").filter(has_text="leads.csv").first
    expect(job.locator(".chip")).to_have_text("finished")
    expect(job).to_contain_text("rejected of 3 lines")
    expect(job).to_contain_text("not a number")
    with list_page.expect_download() as download:
        job.get_by_role("link", name="All rejected lines").click()
    assert "nonsense" in download.value.path().read_text(encoding="utf-8")


def test_name_that_looks_like_markup_stays_a_name(open_page, list_page):
    import_file(list_page, "markup.csv", FILE.replace("0299", "0297"))
    jobs = list_page.get_by_role("region", name="Imports").get_by_role("listitem").filter(has_text="markup.csv")
    expect(jobs.first.locator(".chip")).to_have_text("finished")

    page, heard = open_page("lists")
    page.get_by_label("Telephone number").fill("+12125550297")
    page.get_by_role("button", name="Find records").click()

    expect(page.get_by_role("heading", name=re.compile(r"Record \d+"))).to_be_visible()
    expect(page.get_by_text(NAME)).to_be_visible()
    assert heard.complaints == []


def test_file_can_be_looked_at_without_importing_it(list_page):
    import_file(list_page, "look.csv", FILE.replace("0299", "0296"), dry_run=True)
    job = list_page.get_by_role("region", name="Imports").get_by_role("listitem").filter(has_text="look.csv").first
    expect(job.get_by_text("only looked at")).to_be_visible()
    expect(job).to_contain_text("would be in the list")


def test_wrong_names_of_columns_are_refused_all_at_once(list_page):
    list_page.get_by_text("Columns and numbers").click()
    list_page.get_by_label("Names of columns").fill("nonsense")
    import_file(list_page, "wrong.csv", FILE)
    expect(list_page.get_by_role("alert")).to_contain_text("nonsense")


def test_preflight_tells_who_may_be_called(list_page):
    preflight = list_page.get_by_role("region", name="Preflight of renewals")
    preflight.get_by_role("button", name="Who may be called?").click()
    expect(preflight.get_by_text("May be called now")).to_be_visible()
    expect(preflight.get_by_text("Finished")).to_be_visible()


def test_record_is_added_found_and_cancelled(open_page, list_page):
    list_page.get_by_label("Telephone number of a new record").fill("+12125550277")
    list_page.get_by_role("button", name="Add a record").click()
    expect(list_page.get_by_role("status")).to_contain_text("is added")

    page, _ = open_page("lists")
    page.get_by_label("Telephone number").fill("+12125550277")
    page.get_by_role("button", name="Find records").click()
    page.get_by_role("button", name="Do not call any more").click()
    page.get_by_role("button", name="Cancel it?").click()
    expect(page.get_by_role("status")).to_contain_text(re.compile("cancelled|finished"))


def test_record_tells_every_attempt_with_what_allowed_it(open_page):
    page, _ = open_page("lists/1/records/1")
    attempts = page.get_by_role("region", name="Attempts")
    expect(attempts.get_by_text("attempt 1 ").first).to_be_visible()
    attempts.get_by_text("What allowed the call").first.click()
    expect(attempts.locator(".evidence").first).to_be_visible()


def test_abandoned_calls_stand_beside_their_limits(open_page):
    page, _ = open_page("compliance")
    budget = page.get_by_role("region", name="Abandoned calls of spring").first
    expect(budget.get_by_role("row", name=re.compile("last 30 days"))).to_contain_text("of 3.0 %")


def test_number_is_put_on_a_do_not_call_list(open_page):
    page, _ = open_page("compliance")
    numbers = page.get_by_role("region", name="Do-not-call lists")
    numbers.get_by_label("Is a number on a list?").fill("+12125550166")
    numbers.get_by_role("button", name="Check").click()
    expect(numbers.get_by_role("status")).to_contain_text("on no list")
    numbers.get_by_role("button", name="Never call it").click()
    expect(numbers.get_by_role("status")).to_contain_text("on a list, not called")


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_reached_by_keyboard_and_fits_a_phone(open_page, name):
    page, heard = open_page(PAGES[name])
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert accessibility_findings(page) == []
    picture(page, f"{name}-light")
    page.emulate_media(color_scheme="dark")
    assert accessibility_findings(page) == []
    assert controls_without_keyboard(page) == []
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    picture(page, f"{name}-phone", whole=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert heard.complaints == []
