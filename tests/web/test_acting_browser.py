"""Acting and reading logs in a real browser, by keys alone where it says so; what came of it is looked up in SQL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect

from tests.web.conftest import LOOKS, Sit
from tests.web.seeds import Seeded
from tests.web.test_acting import SHAPED
from tests.web.test_browser import rows
from yamldag.compile.project import find
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.store.database import open_database

FAILED = "p001-00003"
"""The run of the seeds that failed, at its task t2."""
PAGES = (
    f"/runs/{FAILED}", f"/runs/{FAILED}/task?task=t2", "/runs/p000-00004/task?task=t2", f"/runs/{FAILED}/retry",
    f"/runs/{FAILED}/mark?task=t2&state=success", "/pipelines/shaped/trigger",
    "/pipelines/p001/backfill?from=2026-01-01&to=2026-01-02", "/runs", "/bulk?do=clear&run=p001-00000", "/audit",
    "/backfills", "/pools", "/pools/set", "/assets", "/connections", "/people", "/about", "/playground",
)  # fmt: skip
MORE = {
    "shaped.yml": SHAPED,
    "load.yml": "pipeline: load\nschedule: '@daily'\ntasks:\n  t: {bash: 'true', produces: [sales.orders], pool: crm}\n",
    "report.yml": "pipeline: report\nschedule: {assets: [sales.orders]}\ntasks:\n  t: {bash: 'true'}\n",
}


@pytest.fixture
def more(seeded: Seeded) -> Seeded:
    """With params, assets, a pool, a token, a deed and a long log."""
    for name, text in MORE.items():
        (seeded.root / "pipelines" / name).write_text(text)
    (seeded.root / "yamldag.yml").write_text(
        "pools: {crm: 2}\nsecrets: [pw]\nconnections: {warehouse: 'postgresql://db.example.org/sales'}\n"
    )
    catalogue = Catalogue(find(str(seeded.root), None, {}))
    status = replace(seeded.board.status, pipelines=catalogue.pipelines, project=catalogue.project)
    seeded.board.status = replace(status, pools=catalogue.project.pools)
    log = seeded.folder / "logs" / "long.log"
    lines = [f"INSERT {number} \x1b[32mdone\x1b[0m" for number in range(1, 5001)]
    lines[2999] = "ERROR: no such table: orders <b>"
    log.write_text("\n".join(lines) + "\n")
    database = open_database(seeded.url)
    database.execute("UPDATE attempt SET log = ? WHERE state = 'failed'", (str(log),))
    database.execute(
        "INSERT INTO audit (at, who, via, address, action, object, detail, outcome) "
        "VALUES (1, 'mira', 'session', '10.0.0.3', 'run.clear', 'p', '{\"tasks\": [\"t\"]}', 'queued')"
    )
    database.close()
    return seeded


@LOOKS
def test_every_page_opens_without_a_complaint(more: Seeded, sit: Sit, width: int, theme: str) -> None:
    seat = sit(width, theme)
    for path in PAGES:
        seat.open(path)
        if path == "/playground":
            expect(seat.page.locator("#verdict")).to_contain_text("2 errors")
        seat.is_content()
        seat.is_accessible()


def test_a_failed_run_opens_at_its_error_and_folds_open(more: Seeded, sit: Sit) -> None:
    seat = sit()
    page = seat.open(f"/runs/{FAILED}")
    expect(page.locator("#L3000")).to_be_in_viewport()
    expect(page.locator("#L3000")).to_contain_text("no such table: orders <b>")
    expect(page.locator("#L1500")).to_have_count(0)
    page.locator(".fold").first.click()
    expect(page.locator("#L1000")).to_have_count(1)
    expect(page.locator(".fold")).to_have_count(2)
    seat.is_content()


def test_a_line_has_an_address(more: Seeded, sit: Sit) -> None:
    page = sit().open(f"/runs/{FAILED}#L1234")
    expect(page.locator("#L1234")).to_be_in_viewport()
    expect(page.locator("#L1234")).to_have_class(re.compile("at"))


def test_the_whole_log_is_searched_by_keys(more: Seeded, sit: Sit) -> None:
    seat = sit()
    page = seat.open(f"/runs/{FAILED}")
    page.keyboard.press("l")
    page.keyboard.type("insert 2345")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_have_text("1 of 1")
    expect(page.locator("#L2345 mark")).to_have_text("INSERT 2345")
    expect(page.locator("#L2345")).to_be_in_viewport()
    seat.is_accessible()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator("#L3000")).to_be_in_viewport()
    page.keyboard.press("w")
    expect(page.locator("#lines")).to_have_attribute("data-wrap", "off")


def test_without_scripts_a_log_is_searched_and_its_folds_are_links(more: Seeded, sit: Sit) -> None:
    page = sit(scripts=False).open(f"/runs/{FAILED}")
    page.get_by_label("Search the whole log").fill("insert 2345")
    page.get_by_label("Search the whole log").press("Enter")
    expect(page.locator("#L2345")).to_be_visible()
    page.locator(".fold").first.click()
    expect(page.locator("#L5")).to_be_visible()


def test_a_log_is_followed_as_it_is_written(more: Seeded, sit: Sit) -> None:
    path = more.folder / "logs" / "now.log"
    path.write_text("begun\nhalf a li")
    database = open_database(more.url)
    database.execute("UPDATE attempt SET log = ? WHERE state = 'running'", (str(path),))
    seat = sit()
    page = seat.open("/runs/p000-00004")
    expect(page.locator("#L1")).to_have_text(re.compile("begun"))
    append(path, "ne <i>\nthird\n")
    expect(page.locator("#L2")).to_contain_text("half a line <i>")
    expect(page.locator("#L3")).to_contain_text("third")
    expect(page.locator(".ln")).to_have_count(3)
    append(path, "last")
    database.execute("UPDATE attempt SET state = 'success', ended = 1 WHERE state = 'running'")
    database.close()
    expect(page.locator("#L4")).to_contain_text("last")
    expect(page.get_by_role("button", name="Follow")).to_be_hidden()
    seat.is_content()


def test_a_retry_is_done_by_keys_alone(more: Seeded, sit: Sit) -> None:
    seat = sit()
    page = seat.open(f"/runs/{FAILED}")
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog", name=f"Clear what failed in run {FAILED}?")
    expect(dialog).to_contain_text("1 task runs again, 2 stay as they are.")
    expect(dialog.locator(".cli")).to_have_text(f"yamldag clear {FAILED} --failed")
    seat.is_accessible()
    page.keyboard.press("Enter")
    expect(page.locator("p[role=status]")).to_contain_text("cleared")
    assert rows(more, f"SELECT state FROM run WHERE id = '{FAILED}'") == [("queued",)]
    assert rows(more, "SELECT who, action, object, outcome FROM audit ORDER BY id DESC LIMIT 1") == [
        ("local", "run.clear", FAILED, "queued")
    ]
    seat.is_content()


def test_what_is_ticked_changes_the_preview(more: Seeded, sit: Sit) -> None:
    page = sit().open(f"/runs/{FAILED}")
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("only what failed").uncheck()
    expect(dialog.locator("[data-preview] tbody tr")).to_have_count(3)
    expect(dialog.locator(".cli")).to_have_text(f"yamldag clear {FAILED}")
    dialog.get_by_role("button", name="Run 3 tasks again").click()
    expect(page.locator("p[role=status]")).to_contain_text("cleared")
    assert rows(more, f"SELECT count(*) FROM task_instance WHERE run = '{FAILED}' AND state = 'none'") == [
        (3,)
    ]


def test_a_task_is_marked_by_keys_alone(more: Seeded, sit: Sit) -> None:
    page = sit().open(f"/runs/{FAILED}")
    page.keyboard.press("m")
    expect(page.get_by_role("dialog", name="Mark t2 success?")).to_contain_text(
        f"yamldag mark {FAILED} t2 success"
    )
    page.keyboard.press("Enter")
    expect(page.locator("p[role=status]")).to_contain_text("marked")
    assert rows(more, f"SELECT state FROM task_instance WHERE run = '{FAILED}' AND task = 't2'") == [
        ("success",)
    ]
    assert rows(more, "SELECT action, outcome FROM audit ORDER BY id DESC LIMIT 1") == [
        ("run.mark", "queued")
    ]


def test_a_run_is_triggered_by_its_form(more: Seeded, sit: Sit) -> None:
    seat = sit()
    page = seat.open("/pipelines/shaped/trigger")
    page.get_by_label("south").check()
    page.get_by_label("rows").fill("200")
    page.locator("[name='p.full'][type=checkbox]").check()
    expect(page.locator("#command")).to_have_text(
        "yamldag trigger shaped --param region=south --param rows=200 --param full=true"
    )
    page.keyboard.press("Control+Enter")
    expect(page.locator(".errmsg")).to_contain_text("must be at most 100, found `200`")
    seat.complaints = [each for each in seat.complaints if "422" not in each]
    seat.is_accessible()
    page.get_by_label("rows").fill("20")
    page.keyboard.press("Control+Enter")
    expect(page.locator("p[role=status]")).to_contain_text("It is queued")
    expect(page).to_have_url(re.compile("/runs/manual-"))
    [(params, who)] = rows(
        more, "SELECT params, who FROM run, audit WHERE action = 'run.trigger' AND run.id = outcome"
    )
    assert '"rows": 20' in str(params)
    assert '"full": true' in str(params)
    assert who == "local"
    seat.is_content()


def test_a_backfill_is_looked_at_and_started(more: Seeded, sit: Sit) -> None:
    seat = sit()
    page = seat.open("/pipelines/p001/backfill")
    page.get_by_label("From").fill("2026-01-01T00:00")
    page.get_by_label("To", exact=True).fill("2026-01-01T03:00")
    page.get_by_role("button", name="Show what would run").click()
    expect(page.get_by_role("region", name="The runs").locator("tr")).to_have_count(4)
    assert rows(more, "SELECT count(*) FROM backfill") == [(0,)]
    page.get_by_role("button", name="Start 4 runs").click()
    expect(page.locator("p[role=status]")).to_contain_text("queued")
    assert rows(more, "SELECT count(*) FROM run WHERE type = 'backfill' AND state = 'queued'") == [(4,)]
    assert rows(more, "SELECT action FROM audit ORDER BY id DESC LIMIT 1") == [("backfill.create",)]
    seat.is_content()
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel it").click()
    expect(page.locator("p[role=status]")).to_contain_text("cancelled")
    assert rows(more, "SELECT state, count(*) FROM run WHERE type = 'backfill' GROUP BY state") == [
        ("cancelled", 4)
    ]
    seat.is_content()


def test_runs_are_picked_and_retried_by_keys(more: Seeded, sit: Sit) -> None:
    page = sit().open("/runs?state=failed")
    number = page.locator("[name=run]").count()
    assert number > 1
    for _ in range(number):
        page.keyboard.press("j")
        page.keyboard.press("x")
    page.get_by_role("button", name="Retry what is picked").press("Enter")
    expect(page.locator("h1")).to_have_text(f"Retry {number} runs?")
    page.get_by_role("button", name=f"Retry {number} runs").press("Enter")
    expect(page.locator("p[role=status]")).to_contain_text("done")
    assert rows(more, "SELECT count(*) FROM run WHERE state = 'failed'") == [(0,)]


def test_a_run_is_cancelled_by_clicks_on_its_page(more: Seeded, sit: Sit) -> None:
    seat = sit()
    page = seat.open("/runs/p000-00004")
    page.get_by_role("link", name=re.compile("^Cancel…")).click()
    dialog = page.get_by_role("dialog", name=re.compile("^Cancel "))
    expect(dialog.locator(".cli")).to_have_text("yamldag cancel p000-00004")
    seat.is_accessible()
    assert rows(more, "SELECT count(*) FROM request") == [(0,)], "it asks first"
    dialog.get_by_role("button", name=re.compile("Cancel")).click()
    expect(page.locator("p[role=status]")).to_be_visible()
    assert rows(more, "SELECT run, kind FROM request") == [("p000-00004", "cancel")]
    assert rows(more, "SELECT action, object, outcome FROM audit ORDER BY id DESC LIMIT 1") == [
        ("run.cancel", "p000-00004", "asked")
    ]
    seat.is_content()


def test_runs_are_picked_and_cancelled_by_clicks(more: Seeded, sit: Sit) -> None:
    database = open_database(more.url)
    database.execute(
        "INSERT INTO run (id, pipeline, type, state, logical_date, data_interval_start, data_interval_end, params, created) "
        "SELECT 'waits', pipeline, 'manual', 'queued', logical_date, logical_date, logical_date, '{}', 2 FROM run LIMIT 1"
    )
    database.close()
    page = sit().open("/runs")
    for name in ("p000-00004", "waits", "p001-00000"):
        page.get_by_label(f"Pick {name}", exact=True).check()
    page.get_by_role("button", name="Cancel…").click()
    expect(page.locator("h1")).to_have_text("Cancel 2 runs?")
    expect(page.locator("main")).to_contain_text("1 of what was picked is left")
    page.get_by_role("button", name="Cancel 2 runs").click()
    expect(page.locator("p[role=status]")).to_contain_text("done")
    assert rows(more, "SELECT run, kind FROM request") == [("p000-00004", "cancel")]
    assert rows(more, "SELECT state FROM run WHERE id = 'waits'") == [("cancelled",)]
    assert rows(more, "SELECT object, outcome FROM audit WHERE action = 'run.cancel' ORDER BY object") == [
        ("p000-00004", "asked"), ("waits", "cancelled"),
    ]  # fmt: skip


def test_the_list_of_runs_is_sorted_by_a_click_on_its_head(more: Seeded, sit: Sit) -> None:
    page = sit().open("/runs")
    first = page.locator("[name=run]").first
    expect(first).to_have_value("p002-00004")
    page.get_by_role("link", name="Asked for").click()
    expect(page.get_by_role("columnheader", name="Asked for")).to_have_attribute("aria-sort", "ascending")
    expect(first).not_to_have_value("p002-00004")
    page.get_by_label("Order").select_option("longest")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("columnheader", name="Took")).to_have_attribute("aria-sort", "descending")


def test_a_pool_is_made_and_deleted(more: Seeded, sit: Sit) -> None:
    page = sit().open("/pools")
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="Make a pool?")
    dialog.get_by_label("Name").fill("mail")
    dialog.get_by_label("Slots").fill("7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="mail")).to_contain_text("7")
    page.wait_for_load_state("load")  # before its scripts are there, the link leads to a page of its own
    page.get_by_role("row", name="mail").get_by_role("link", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("row", name="mail")).to_have_count(0)
    assert [str(row[0]) for row in rows(more, "SELECT action FROM audit ORDER BY id")][-2:] == [
        "pool.set",
        "pool.delete",
    ]


def test_the_playground_tells_mistakes_as_one_types(more: Seeded, sit: Sit) -> None:
    seat = sit()
    page = seat.open("/playground")
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("2 errors")
    page.keyboard.press("F8")
    expect(page.locator("#hint")).to_contain_text("`check` needs `extrct`")
    expect(page.locator("#paint .sq.here")).to_have_text("extrct")
    page.keyboard.press("F8")
    expect(page.locator("#hint")).to_contain_text("unknown key `timout`")
    page.keyboard.press("Control+.")
    expect(verdict).to_contain_text("sound")
    expect(page.locator("#graph svg")).to_contain_text("extract")
    expect(page.locator("#ticks li").first).to_contain_text("04:00:00")
    page.locator("#text").fill(
        "pipeline: <img src=x>\ntasks: {a: {bash: 1}, b: {bash: 'x', needs: <script>}}\n"
    )
    expect(verdict).to_contain_text("error")
    expect(page.locator("#list")).to_contain_text("<script>")
    assert page.locator("main img, main script").count() == 0
    seat.is_content()
    seat.is_accessible()


@LOOKS
def test_the_playground_completes_what_one_types(more: Seeded, sit: Sit, width: int, theme: str) -> None:
    seat = sit(width, theme)
    page = seat.open("/playground")
    text, offers, option = page.locator("#text"), page.get_by_role("listbox"), page.get_by_role("option")
    text.fill(
        "pipeline: p\nparams: {partner: {type: string, description: Who sends}}\ntasks:\n  é💡: {noop: }\n  load:\n    "
    )
    page.keyboard.press("Control+Space")
    expect(option.first).to_have_attribute("aria-selected", "true")
    expect(text).to_have_attribute("aria-activedescendant", "offer-0")
    seat.is_content()
    seat.is_accessible()
    page.keyboard.press("Escape")
    expect(offers).to_be_hidden()
    expect(text).to_be_focused()
    page.keyboard.type("bas")
    expect(option.first).to_contain_text("bash")
    page.keyboard.press("Enter")
    expect(text).to_have_value(re.compile("    bash: $"))
    page.keyboard.press("Control+z")
    expect(text).to_have_value(re.compile("    bas$"))
    page.keyboard.press("Control+Shift+z")
    expect(text).to_have_value(re.compile("    bash: $"))
    page.keyboard.type("echo {{ params.")
    expect(option).to_have_count(1)
    expect(page.locator("#offer-about")).to_contain_text("Who sends")
    page.keyboard.press("Tab")
    page.keyboard.type(" }}\n    pool: ")
    page.keyboard.press("Control+Space")
    expect(option).to_have_text(["crmvalue"])
    page.keyboard.press("Enter")
    page.keyboard.type("\n    trigger_rule: none_")
    expect(option).to_have_count(3)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(option.nth(1)).to_have_attribute("aria-selected", "true")
    seat.is_content()
    page.get_by_role("option", name="none_skipped").click()
    expect(text).to_have_value(
        re.compile("echo {{ params.partner }}\n    pool: crm\n    trigger_rule: none_skipped$")
    )
    expect(offers).to_be_hidden()


PLACE_OF = """word => {
    const drawn = [...document.querySelectorAll("#paint .y-k")].find(each => each.textContent.includes(word));
    drawn.scrollIntoView({ block: "nearest" });
    const { x, y } = drawn.getBoundingClientRect();
    return [x + 4, y + 4];
}"""
"""At once: the words are drawn anew whenever they were checked."""


def test_the_playground_tells_what_a_word_means(more: Seeded, sit: Sit) -> None:
    seat = sit()
    page = seat.open("/playground")
    meaning = page.locator("#meaning")
    page.locator("#text").fill("pipeline: p\nschedule: '@daily'\ntasks: {a: {noop: }}\n")
    for key in ("Control+Home", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    page.keyboard.press("Alt+Enter")
    expect(meaning).to_contain_text("When it runs")
    seat.is_accessible()
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()
    page.mouse.move(*page.evaluate(PLACE_OF, "tasks"))
    expect(meaning).to_contain_text("The tasks by their ids")
    seat.is_content()


def append(path: Path, text: str) -> None:
    with open(path, "a") as file:
        file.write(text)
