"""Pages that stay open: many at once, while one picks and reads in them, and while nothing happens."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.web.conftest import Sit
from tests.web.seeds import NOW, Seeded
from tests.web.test_browser import ended
from yamldag.store import audit, pools
from yamldag.store.database import Database, open_database

RUN = "p000-00004"


def written(seeded: Seeded) -> Database:
    return open_database(seeded.url)


def test_eight_windows_of_one_browser_are_live_and_leave_room_for_more(sit: Sit, seeded: Seeded) -> None:
    seat = sit()
    windows = [seat.page, *(seat.page.context.new_page() for _ in range(7))]
    for window in windows:
        window.goto(f"{seat.url}/runs/{RUN}?task=t2", wait_until="load")
        expect(window.locator("#tasks [data-task=t2]")).to_have_class("st s-running")
    with open(seeded.folder / "logs" / "seed.log", "a") as log:
        log.write("and it goes on\n")
    for window in windows:
        expect(window.locator("#lines")).to_contain_text("and it goes on")
    ended(seeded)
    for window in windows:
        expect(window.locator("#tasks [data-task=t2]")).to_have_class("st s-success")
        expect(window.locator("h1")).to_contain_text("success")
    seat.is_content()


def test_what_is_picked_and_where_the_focus_is_outlives_what_happens(sit: Sit, seeded: Seeded) -> None:
    page = sit().open("/runs")
    box = page.get_by_label("Pick p001-00002")
    box.check()
    page.get_by_role("button", name="Retry what is picked…").focus()
    going = page.locator("tr", has=page.get_by_label(f"Pick {RUN}"))
    expect(going).to_contain_text("running")
    ended(seeded)
    expect(going).to_contain_text("success")
    expect(box).to_be_checked()
    expect(page.get_by_role("button", name="Retry what is picked…")).to_be_focused()


def test_one_row_of_a_list_is_marked_whatever_happens(sit: Sit, seeded: Seeded) -> None:
    page = sit().open(f"/runs/{RUN}")
    page.keyboard.press("j")
    marked = page.locator("#tasks [data-list] > .cur")
    expect(marked).to_have_count(1)
    name = marked.inner_text()
    ended(seeded)
    expect(page.locator("h1")).to_contain_text("success")
    expect(marked).to_have_count(1)
    assert name.split()[1] in marked.inner_text()


def test_the_audit_log_is_live(sit: Sit, seeded: Seeded) -> None:
    page = sit().open("/audit")
    expect(page.locator("main")).to_contain_text("Nothing was done")
    database = written(seeded)
    deed = audit.Deed("mira", "session", "10.0.0.7", "pool.set", "crm")
    database.write(lambda: audit.record(database, deed, "set", NOW))
    expect(page.locator("#deeds")).to_contain_text("pool.set")
    page.get_by_label("Who").fill("somebody")
    database.write(lambda: audit.record(database, deed._replace(action="pool.delete"), "deleted", NOW))
    database.close()
    page.get_by_role("button", name="Filter").focus()
    expect(page.locator("#deeds")).to_contain_text("pool.delete")
    expect(page.get_by_label("Who")).to_have_value("somebody")


def test_a_page_looks_now_and_then_though_nothing_is_told(sit: Sit, seeded: Seeded) -> None:
    seat = sit()
    seat.page.clock.install()
    page = seat.open("/pools")
    expect(page.locator("main")).to_contain_text("No pool yet")
    database = written(seeded)
    database.write(lambda: pools.put(database, "crm", 3, "command"))
    database.close()
    page.clock.run_for(20_000)
    expect(page.locator("main")).to_contain_text("crm")


def test_a_narrow_window_says_in_words_that_the_scheduler_does_not_turn(at_night: Seeded, sit: Sit) -> None:
    seat = sit(390)
    page = seat.open("/")
    expect(page.get_by_text("scheduler does not turn")).to_be_in_viewport()
    seat.is_content()


def test_a_trigger_in_the_audit_log_leads_to_its_run(sit: Sit, seeded: Seeded) -> None:
    database = written(seeded)
    deed = audit.Deed("mira", "session", "10.0.0.7", "run.trigger", "p000")
    database.write(lambda: audit.record(database, deed, RUN, NOW))
    database.close()
    for width in (1440, 390):
        page = sit(width).open("/audit")
        page.get_by_role("link", name=RUN).click()
        expect(page).to_have_url(f"{page.url.partition('/runs')[0]}/runs/{RUN}")
