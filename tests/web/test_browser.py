"""The pages in a real browser: wide and narrow, light and dark, by mouse, by keys, and live."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import LOOKS, Sit, add_user
from tests.web.seeds import Seeded
from yamldag.store.database import open_database
from yamldag.web.pages import links

TABS = tuple(f"/pipelines/p000{tab}" for tab in ("", *(f"/{each}" for each in links.TABS[1:])))
PAGES = ("/", "/pipelines", *TABS, "/runs/p000-00004", "/pipelines/p000/pause", "/search?q=p0", "/nowhere")


@LOOKS
def test_every_page_opens_without_a_complaint(sit: Sit, width: int, theme: str) -> None:
    seat = sit(width, theme)
    for path in PAGES:
        seat.open(path)
        expect(seat.page.locator("main")).to_be_visible()
        seat.complaints = [each for each in seat.complaints if path != "/nowhere" or "404" not in each]
        seat.is_content()
        seat.is_accessible()


def test_pausing_asks_first_and_is_done_by_keys_alone(sit: Sit) -> None:
    seat = sit()
    page = seat.open("/pipelines/p000")
    page.keyboard.press("p")
    dialog = page.get_by_role("dialog", name="Pause p000?")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("yamldag pause p000")
    seat.is_accessible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("It is paused.")
    seat.is_content()


def test_escape_leaves_a_question_unanswered(sit: Sit, seeded: Seeded) -> None:
    page = sit().open("/pipelines/p000")
    page.keyboard.press("p")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert rows(seeded, "SELECT count(*) FROM audit") == [(0,)]


def test_without_scripts_the_question_is_a_page(sit: Sit, seeded: Seeded) -> None:
    page = sit(scripts=False).open("/pipelines/p000")
    page.get_by_role("link", name=re.compile("Pause")).click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_have_text("It is paused.")
    assert rows(seeded, "SELECT who, action, object, outcome FROM audit") == [
        ("local", "pipeline.pause", "p000", "paused")
    ]


def test_a_task_that_ends_changes_on_the_open_page(sit: Sit, seeded: Seeded) -> None:
    seat = sit()
    page = seat.open("/runs/p000-00004")
    row = page.locator("#tasks [data-task=t2]")
    expect(row).to_have_class("st s-running")
    page.wait_for_function(
        "performance.getEntriesByType('resource').some((each) => each.name.includes('/static/live.js'))"
    )
    ended(seeded)
    expect(row).to_have_class("st s-success")
    expect(row.locator("[data-word]")).to_have_text("success")
    expect(page.locator("h1")).to_contain_text("success")
    seat.is_content()


def test_times_are_in_the_viewer_s_zone_and_z_goes_to_utc(sit: Sit) -> None:
    page = sit(zone="Asia/Seoul").open("/")
    clock = page.locator("#clock")
    expect(clock).to_contain_text("17:00 KST")
    with page.expect_navigation():  # a page that is not loaded yet heeds no keys
        page.keyboard.press("z")
    expect(clock).to_contain_text("08:00 UTC")
    page.keyboard.press("z")
    expect(clock).to_contain_text("17:00 KST")


def test_the_sheet_lists_the_keys_of_the_page(sit: Sit) -> None:
    seat = sit()
    page = seat.open("/pipelines/p000")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys and looks")
    expect(sheet).to_be_visible()
    for words in ("pause", "search", "home", "move in a list"):
        expect(sheet.locator("#keys")).to_contain_text(words)
    seat.is_accessible()


def test_keys_find_go_and_move(sit: Sit) -> None:
    page = sit().open("/pipelines")
    page.keyboard.press("j")
    expect(page.locator("[data-list] > .cur")).to_have_count(1)
    page.keyboard.press("/")
    page.keyboard.type("p002")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/pipelines/p002$"))
    page.wait_for_load_state()
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page).to_have_url(re.compile("/$"))


def test_single_letters_can_be_switched_off(sit: Sit) -> None:
    page = sit().open("/pipelines/p000")
    page.get_by_role("button", name="keys and looks").click()
    page.get_by_label("Single-letter keys").select_option("off")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("html[data-keys=off]")).to_have_count(1)
    page.keyboard.press("p")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_dark_can_be_chosen_over_the_system(sit: Sit) -> None:
    page = sit(theme="light").open("/")
    light = ground(page)
    page.get_by_role("button", name="keys and looks").click()
    page.get_by_label("Theme").select_option("dark")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("html[data-theme=dark]")).to_have_count(1)
    assert ground(page) != light


@pytest.mark.parametrize("width", [1440, 390])
def test_logging_in_and_out(sit: Sit, seeded: Seeded, width: int) -> None:
    add_user(seeded, "mira", "operator")
    seat = sit(width)
    page = seat.open("/runs/p000-00004")
    expect(page).to_have_url(re.compile("/login"))
    seat.is_accessible()
    page.get_by_label("Name").fill("mira")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile("/runs/p000-00004$"))
    seat.is_content()
    page.get_by_role("button", name=re.compile("Log out")).click()
    expect(page).to_have_url(re.compile("/login$"))
    seat.is_content()


def ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


def rows(seeded: Seeded, query: str) -> list[tuple[object, ...]]:
    database = open_database(seeded.url)
    try:
        return list(database.execute(query))
    finally:
        database.close()


def ended(seeded: Seeded) -> None:
    """The task that runs has ended, and with it the run."""
    database = open_database(seeded.url)

    def work() -> None:
        row = database.execute("SELECT id, run FROM task_instance WHERE state = 'running'").fetchone()
        assert row is not None
        instance, run = row
        at = 1_800_000_000.0
        database.execute("UPDATE task_instance SET state = 'success', ended = ? WHERE id = ?", (at, instance))
        database.execute("UPDATE run SET state = 'success', ended = ? WHERE id = ?", (at, run))
        add = "INSERT INTO event (run, instance, event, state, at) VALUES (?, ?, ?, ?, ?)"
        database.execute(add, (run, instance, "succeed", "success", at))
        database.execute(add, (run, None, "succeed", "success", at))

    database.write(work)
    database.close()
