"""The pages that one reads, in a browser: looked at in four ways, moved in by keys, and live."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Online, Sit, online
from tests.web.night import NOW, night
from tests.web.seeds import Seeded
from yamldag.store.database import open_database
from yamldag.web.pages.links import TABS, tab_link

PAGES = ("/", "/pipelines", *(tab_link("sales_etl", tab) for tab in TABS), "/pipelines/partner_feed/code",
         "/pipelines/sales_etl/calendar?day=2026-11-02", "/pipelines/fraud_scores/schedule", "/pipelines/new_idea",
         "/pipelines?q=nothing")  # fmt: skip


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    return night(tmp_path)


@pytest.fixture
def served(seeded: Seeded) -> Iterator[Online]:
    with online(seeded, lambda: NOW) as made:
        yield made


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_a_night_opens_without_a_complaint(sit: Sit, width: int, theme: str) -> None:
    seat = sit(width, theme, "Europe/Berlin")
    for path in PAGES:
        seat.open(path)
        expect(seat.page.locator("main")).to_be_visible()
        seat.is_content()
        seat.is_accessible()


def test_keys_act_on_what_is_marked_of_what_needs_one(sit: Sit) -> None:
    page = sit(zone="Europe/Berlin").open("/")
    page.keyboard.press("r")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.get_by_role("dialog")).to_contain_text("yamldag clear sales_etl-")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("l")
    expect(page).to_have_url(re.compile("/runs/sales_etl-.*task=transform.fct_orders"))


def test_numbers_open_the_tabs_and_the_address_says_which(sit: Sit) -> None:
    seat = sit()
    page = seat.open("/pipelines/sales_etl?task=extract.orders")
    for key, tab in enumerate(TABS, 1):
        with page.expect_navigation(wait_until="load"):
            page.keyboard.press(str(key))
        expect(page.locator(".tabs [aria-current]")).to_have_text(tab.capitalize())
    assert page.url.endswith("/schedule")
    seat.is_content()


def test_arrows_move_in_the_grid_and_space_folds(sit: Sit) -> None:
    seat = sit()
    page = seat.open("/pipelines/sales_etl?task=transform.fct_orders")
    side = page.locator("#side")
    expect(side).to_contain_text("duplicate key")
    page.locator("#grid").focus()
    page.keyboard.press("ArrowDown")
    expect(side.locator("h2")).to_have_text("transform.fct_refunds")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"run=sales_etl-1119T0115&?.*|task=transform\.fct_refunds"))
    expect(side).to_contain_text("Thu 19 Nov")
    for _ in range(5):
        page.keyboard.press("ArrowUp")
    expect(page.locator(".gr.cur")).to_have_attribute("data-row", "transform")
    page.keyboard.press(" ")
    expect(page.locator('.gr[data-row="transform.fct_orders"]')).to_be_hidden()
    expect(page).to_have_url(re.compile("fold=transform"))
    page.reload()
    expect(page.locator('.gr[data-row="transform.fct_orders"]')).to_be_hidden()
    seat.is_content()


def test_a_click_on_a_cell_shows_that_task_of_that_run(sit: Sit) -> None:
    seat = sit()
    page = seat.open("/pipelines/sales_etl")
    cells = page.locator('.gr[data-row="extract.refunds"] svg.cells')
    cells.click(position={"x": 15 * 18 + 6, "y": 11})
    expect(page.locator("#side h2")).to_have_text("extract.refunds")
    expect(page.locator("#side")).to_contain_text("the dump ends in the middle")
    seat.is_content()


def test_the_graph_is_moved_in_along_its_edges(sit: Sit) -> None:
    seat = sit()
    page = seat.open("/pipelines/sales_etl/graph")
    page.locator("#canvas").focus()
    page.keyboard.press("ArrowRight")
    focused = "document.activeElement.closest('.task')?.dataset.task"
    assert page.evaluate(focused) == "transform.fct_orders"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) in ("quality.row_counts", "quality.reconcile")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("task="))
    page.locator('.task[data-task="notify"]').click()
    expect(page.locator("#side h2")).to_have_text("notify")
    page.locator('.frame[data-group="extract"] text').click()
    expect(page.locator('.task[data-task="extract"]')).to_be_visible()
    seat.is_content()
    seat.is_accessible()


def test_the_list_narrows_while_one_types(sit: Sit) -> None:
    seat = sit()
    page = seat.open("/pipelines")
    page.keyboard.press("f")
    page.keyboard.type("fin")
    expect(page.locator("#listing tbody tr")).to_have_count(2)
    expect(page).to_have_url(re.compile("q=fin"))
    page.get_by_label("Owner", exact=True).select_option("growth")
    expect(page.locator("#listing")).to_contain_text("No pipeline is like that")
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#listing tbody tr")).to_have_count(12)
    seat.is_content()


def test_the_switch_asks_before_it_pauses(sit: Sit) -> None:
    page = sit().open("/pipelines")
    page.get_by_role("link", name="Pause fx_rates").click()
    expect(page.get_by_role("dialog")).to_contain_text("yamldag pause fx_rates")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_have_text("It is paused.")


@pytest.mark.parametrize("tab", ["grid", "graph", "gantt"])
def test_what_ends_changes_on_an_open_tab(sit: Sit, seeded: Seeded, tab: str) -> None:
    """By the stream: the page is not opened again."""
    seat = sit()
    page = seat.open(tab_link("inventory_snapshot", tab))
    place = {
        "grid": '.gr[data-row="stores"][data-s$="s"]',
        "graph": '.task.state-success[data-task="stores"]',
        "gantt": '.gantt a[data-lane="stores"] > g.s-success > title',
    }[tab]
    expect(page.locator(place)).to_have_count(0)
    page.evaluate("window.mine = true")
    database = open_database(seeded.url)

    def work() -> None:
        row = database.execute(
            "SELECT id, run FROM task_instance WHERE task = 'stores' AND state = 'running'"
        )
        instance, run = row.fetchone() or (0, "")
        database.execute(
            "UPDATE task_instance SET state = 'success', ended = ? WHERE id = ?", (NOW, instance)
        )
        database.execute(
            "UPDATE attempt SET state = 'success', ended = ? WHERE instance = ?", (NOW, instance)
        )
        add = "INSERT INTO event (run, instance, event, state, at) VALUES (?, ?, 'succeed', 'success', ?)"
        database.execute(add, (run, instance, NOW))

    database.write(work)
    database.close()
    expect(page.locator(place)).to_have_count(1, timeout=30_000)
    assert page.evaluate("window.mine") is True
    seat.is_content()
