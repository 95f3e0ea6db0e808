"""The pages that one reads: each says what is so, in few queries and few bytes, and takes any address."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from tests.web.conftest import Hosted, hosted_by
from tests.web.night import BROKEN, ERROR, NOW, night
from tests.web.seeds import seed
from tests.web.test_pages import DAY, Site, hello
from tests.web.test_pages import site as site  # noqa: PLC0414
from yamldag.web.address import address_of
from yamldag.web.pages import links
from yamldag.web.pages.links import TABS, tab_link
from yamldag.web.pages.pipeline.durations import Trend

SALES = [tab_link("sales_etl", tab) for tab in TABS]
PAGES = ["/", "/pipelines", "/pipelines?state=failed&q=e&sort=next", *SALES]
BROWSERS_PATIENCE = 200_000
"""Bytes of a page, compressed."""


@pytest.fixture(scope="module")
def dark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """A night as it is read: nothing is written to it."""
    made = hosted_by(night(tmp_path_factory.mktemp("night")), address_of("127.0.0.1", 8080))
    made.now[0] = NOW
    yield made
    made.site.hub.close()


def read(hosted: Hosted, path: str, status: int = 200) -> str:
    answer = hosted.anyone.get(path)
    assert answer.status_code == status, answer.text[-2000:]
    return answer.text


def words(page: str) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page)))


@contextmanager
def counted(engine: sa.Engine) -> Iterator[list[str]]:
    """The queries that are asked meanwhile; the beginning of a transaction is none."""
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


# What it costs


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_at_most_ten_queries(dark: Hosted, path: str) -> None:
    with counted(dark.site.engine) as asked:
        read(dark, path)
    assert 0 < len(asked) <= 10, "\n\n".join(asked)


@pytest.mark.parametrize("path", ["/", "/pipelines", "/pipelines/p000", "/pipelines/p000/gantt"])
def test_queries_are_not_more_when_there_is_more(tmp_path: Path, path: str) -> None:
    counts = []
    for pipelines, runs in ((2, 3), (20, 30)):
        hosted = hosted_by(seed(tmp_path / str(runs), pipelines, runs), address_of("127.0.0.1", 8080))
        with counted(hosted.site.engine) as asked:
            read(hosted, path)
        counts.append(len(asked))
        hosted.site.hub.close()
    assert counts[0] == counts[1]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_with_all_that_it_brings_is_light(dark: Hosted, path: str) -> None:
    page = read(dark, path)
    parts = [page, *(read(dark, each) for each in re.findall(r'(?:src|href)="(/static/[^"]+)"', page))]
    assert sum(len(gzip.compress(part.encode())) for part in parts) < BROWSERS_PATIENCE


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    made = hosted_by(seed(tmp_path_factory.mktemp("large"), 1, 100, 500), address_of("127.0.0.1", 8080))
    yield made
    made.site.hub.close()


def test_a_grid_of_500_tasks_and_100_runs_is_a_few_elements_for_each_row(large: Hosted) -> None:
    page = read(large, "/pipelines/p000?runs=100")
    assert page.count('class="gr ') >= 500
    assert page.count("<path") < 500 * 8
    assert len(gzip.compress(page.encode())) < 60_000
    for tab in TABS[1:]:
        assert len(gzip.compress(read(large, tab_link("p000", tab)).encode())) < BROWSERS_PATIENCE


# Home


def test_home_says_it_in_one_sentence_and_ranks_what_is_wrong_by_harm(dark: Hosted) -> None:
    said = words(read(dark, "/"))
    assert "2 pipelines failed, 1 is late, 1 file is broken. 8 others are fine." in said
    order = [said.index(each) for each in ("sales_etl › transform.fct_orders", "fx_rates › fetch", "the tick of 02:00 CET", "does not compile")]  # fmt: skip
    assert order == sorted(order)


def test_a_failure_says_its_last_line_what_it_stops_and_what_is_due(dark: Hosted) -> None:
    said = words(read(dark, "/"))
    assert ERROR in said
    assert "It stops 4 tasks and the asset revenue_mart. fraud_scores waits for that." in said
    assert "The rest of the run goes on. It should be over by 04:00 CET." in said
    assert "3 runs in a row since 34 min ago, on try 3" in said


def test_a_late_tick_says_what_holds_it_up(dark: Hosted) -> None:
    said = words(read(dark, "/"))
    assert "the tick of 02:00 CET is 1 h 7 min late" in said
    assert (
        "Its run of 00:00 CET still runs (3 h 7 min, usually 41 min 11 s), and max_active_runs is 1." in said
    )


def test_what_runs_stands_against_its_usual_time(dark: Hosted) -> None:
    page = read(dark, "/")
    assert re.search(r'aria-label="\d+ % of the usual time"', page)
    assert "waits for room" in page


def test_links_to_actions_are_there_for_who_may_act(dark: Hosted, hosted: Hosted) -> None:
    assert "/runs/crm_sync-1119T2300/cancel" in read(dark, "/")
    viewer = hosted.token("watcher", "viewer")
    for path in ("/", "/pipelines"):
        assert "data-ask" not in viewer.get(path).text


def test_of_many_failures_home_tells_some_and_counts_the_rest(tmp_path: Path) -> None:
    hosted = hosted_by(seed(tmp_path, 60, 7), address_of("127.0.0.1", 8080))
    page = read(hosted, "/")
    failed = int(re.search(r">(\d+) pipelines? failed<", page)[1])  # type: ignore[index]
    assert failed == read(hosted, "/pipelines?state=failed").count('class="runs"')
    assert failed <= 12 or f"{failed - 12} more failed pipeline" in page
    hosted.site.hub.close()


# The list


@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("q=SALES", "sales_etl", "fx_rates"),
        ("q=finance-eng", "billing_invoices", "sales_etl"),
        ("q=tier-2", "crm_sync", "sales_etl"),
        ("state=failed", "fx_rates", "gdpr_erasure"),
        ("state=late", "crm_sync", "fx_rates"),
        ("state=broken", "partner_feed", "fx_rates"),
        ("state=running", "clickstream_hourly", "fx_rates"),
        ("state=queued", "crm_sync", "clickstream_hourly"),
        ("state=paused", "gdpr_erasure", "fx_rates"),
        ("owner=growth", "crm_sync", "fx_rates"),
        ("tag=etl", "sales_etl", "fx_rates"),
        ("owner=growth&state=late&q=crm", "crm_sync", "partner_feed"),
    ],
)
def test_the_list_narrows(dark: Hosted, query: str, there: str, not_there: str) -> None:
    page = read(dark, f"/pipelines?{query}")
    assert f'href="/pipelines/{there}"' in page
    assert f'href="/pipelines/{not_there}"' not in page


def test_a_list_that_nothing_fits_says_so(dark: Hosted) -> None:
    assert "No pipeline is like that" in read(dark, "/pipelines?q=nonsense")
    assert "No pipeline is like that" in read(dark, "/pipelines?owner=nobody")


def test_the_list_sorts_by_name_and_by_next_tick(dark: Hosted) -> None:
    def names(query: str) -> list[str]:
        return re.findall(r'class="name"><a href="/pipelines/([^"]+)"', read(dark, f"/pipelines?{query}"))

    assert names("sort=name") == sorted(names("sort=name"))
    assert names("sort=next")[0] == "fx_rates"
    assert names("")[:4] == ["fx_rates", "sales_etl", "crm_sync", "partner_feed"]


def test_an_empty_project_has_empty_lists(site: Site) -> None:
    assert "There is no pipeline yet" in site.page("/pipelines")


# Tabs


@pytest.mark.parametrize("tab", TABS)
def test_a_pipeline_without_runs_has_every_tab(site: Site, tab: str) -> None:
    site.write("a", hello())
    page = site.page(tab_link("hello", tab))
    assert 'aria-current="page">' + tab.capitalize() in page


@pytest.mark.parametrize("tab", TABS)
def test_a_run_that_waits_has_every_tab(site: Site, tab: str) -> None:
    site.write("a", hello(more='schedule: "@hourly"\n'))
    name = site.run("hello", "queued")
    site.database.execute("UPDATE run SET started = NULL, version = NULL")
    site.page(tab_link("hello", tab, run=name))


ODD = ["run=x", "run=../x", "task=nonsense", "at=99999", "at=x", "fold=nothing,*", "fold=,,", "before=x", "before=2020-01-01",
       "runs=7", "runs=-1", "show=all", "year=0", "year=99999999", "year=9999", "day=2026-02-31", "day=x", "day=9999-12-31",
       "sort=x", "from=1&to=99", "from=x&to=y", "n=3", "page=-1", "task=%00", "run=%F0%9F%98%80", "day=0001-01-01"]  # fmt: skip


@pytest.mark.parametrize("tab", TABS)
def test_no_odd_address_is_a_mistake_of_ours(dark: Hosted, tab: str) -> None:
    for query in ODD:
        page = read(dark, f"{tab_link('sales_etl', tab)}?{query}")
        assert "bug in yamldag" not in page
    assert read(dark, f"/pipelines/nothing{'' if tab == 'grid' else f'/{tab}'}", 404)


def test_the_grid_has_a_cell_for_each_task_of_each_run(dark: Hosted) -> None:
    page = read(dark, "/pipelines/sales_etl?runs=50")
    letters = dict(re.findall(r'data-row="([^"]+)" data-s="([^"]+)"', page))
    assert {len(each) for each in letters.values()} == {40}
    assert letters["transform.fct_orders"][-1] == "f"
    assert letters["transform.fct_orders"].count("f") == 2
    assert letters["wait_fx_rates"][-1] == "d"
    assert letters["transform.currency"] == "." * 39 + "n"
    assert letters["month_close"][-1] == "k"
    assert ">12/12<" in page


def test_the_grid_folds_groups_and_shows_only_what_failed(dark: Hosted) -> None:
    page = read(dark, "/pipelines/sales_etl?fold=extract")
    assert re.search(r'data-row="extract\.orders"[^>]* hidden', page)
    assert not re.search(r'data-row="stage\.orders"[^>]* hidden', page)
    only = read(dark, "/pipelines/sales_etl?show=failed")
    assert 'data-row="transform.fct_orders"' in only
    assert 'data-row="extract.products"' not in only


def test_the_grid_goes_to_older_runs_and_back(dark: Hosted) -> None:
    page = read(dark, "/pipelines/fx_rates?runs=25")
    older = html.unescape(re.search(r'href="([^"]+)" data-key="\["', page)[1])  # type: ignore[index]
    first = set(re.search(r'data-runs="([^"]+)"', page)[1].split())  # type: ignore[index]
    second = read(dark, older)
    assert first != set(re.search(r'data-runs="([^"]+)"', second)[1].split())  # type: ignore[index]
    newer = html.unescape(re.search(r'href="([^"]+)" data-key="\]"', second)[1])  # type: ignore[index]
    assert first & set(re.search(r'data-runs="([^"]+)"', read(dark, newer))[1].split())  # type: ignore[index]


def test_beside_the_grid_stands_the_task_that_failed(dark: Hosted) -> None:
    said = words(read(dark, "/pipelines/sales_etl"))
    assert ERROR in said
    assert "Failed lately2 of" in said
    chosen = words(read(dark, "/pipelines/sales_etl?task=extract.web_events"))
    assert "12 of 12 are a success" in chosen


def test_the_graph_is_in_the_colours_of_the_run(dark: Hosted) -> None:
    page = read(dark, "/pipelines/sales_etl/graph")
    assert re.search(r'class="task state-failed" data-task="transform\.fct_orders"', page)
    assert re.search(r'class="task state-deferred" data-task="wait_fx_rates"', page)
    older = read(dark, "/pipelines/sales_etl/graph?run=sales_etl-1115T0115")
    assert "another version" in older
    assert "transform.currency" not in older


def test_a_folded_group_is_one_task_with_its_worst_state(dark: Hosted) -> None:
    page = read(dark, "/pipelines/sales_etl/graph?fold=transform,quality")
    assert re.search(r'class="task state-failed" data-task="transform"', page)
    assert re.search(r'class="task state-upstream_failed" data-task="quality"', page)
    assert not re.search(r'class="task [^"]*" data-task="transform\.fct_orders"', page)
    assert 'data-from="transform" data-to="quality"' in page
    assert 'data-from="transform" data-to="transform"' not in page


def test_the_gantt_marks_the_critical_path_and_what_is_to_come(dark: Hosted) -> None:
    said = words(read(dark, "/pipelines/sales_etl/gantt"))
    assert re.search(
        r"Critical path 58 min 25 s: extract\.products .* → stage\.events 28 min 22 s → .* → cleanup", said
    )
    assert (
        "Ends about 02:14 UTC, 30 min 3 s later than usual. stage.events took 28 min 22 s instead of 3 min 29 s."
        in said
    )
    over = words(read(dark, "/pipelines/sales_etl/gantt?run=sales_etl-1115T0115"))
    assert re.search(r"Took \d+ min", over)
    assert "Ends about" not in over


def test_all_times_of_the_gantt_are_in_the_viewer_s_zone(dark: Hosted) -> None:
    cookie = dark.anyone.being(cookie="yamldag-zone=Asia/Seoul")
    page = cookie.get("/pipelines/sales_etl/gantt?run=sales_etl-1120T0115").text
    assert re.search(r"<h2>Run <a [^>]*><time [^>]*>10:15 KST</time></a>", page)
    assert re.search(r'<text class="ax"[^>]*>KST</text>', page)
    assert "Ends about 11:14 KST" in page


def test_the_critical_path_goes_through_what_never_began(site: Site) -> None:
    chain = (
        "  t1: {bash: ls}\n  t2: {bash: ls, needs: t1}\n  t3: {bash: ls, needs: t2, trigger_rule: all_done}\n"
    )
    site.write("a", f"pipeline: hello\ntasks:\n{chain}")
    name = site.run("hello", "failed")
    for number, state, started, ended in (
        (1, "failed", 10, 70),
        (2, "failed", 70, 70),
        (3, "success", 70, 71),
    ):
        site.task(name, number, state, "")
        for table, key in (("task_instance", "id"), ("attempt", "instance")):
            site.database.execute(
                f"UPDATE {table} SET started = ?, ended = ? WHERE {key} = ?",
                (NOW - 100 + started, NOW - 100 + ended, number),
            )
    site.database.execute("DELETE FROM attempt WHERE instance = 2")
    site.database.execute("UPDATE task_instance SET state = 'upstream_failed', started = NULL WHERE id = 2")
    said = words(site.page("/pipelines/hello/gantt"))
    assert re.search(r"Critical path [^:]*: t1 1 min → t2 +→ t3 1\.0 s", said), said


def test_the_dates_of_a_grid_say_their_zone_and_none_is_cut(site: Site) -> None:
    site.write("a", hello(more="timezone: Asia/Kolkata\n"))
    site.run("hello", "success")
    page = site.page("/pipelines/hello")
    assert "dates in Asia/Kolkata" in words(page)
    assert re.search(r'<text x="0" y="15"', page)


def test_the_calendar_counts_by_the_day_of_the_pipeline_s_zone(site: Site) -> None:
    site.write("a", hello(more="timezone: Asia/Kolkata\n"))
    # 18:10 in UTC is still the 14th in India; 18:45 is the 15th.
    for minute, state in ((10, "failed"), (45, "success")):
        name = site.run("hello", state, 0, f"r{minute}")
        date = f"2027-01-14T18:{minute}:00.000000Z"
        site.database.execute("UPDATE run SET logical_date = ?, tick = ? WHERE id = ?", (date, date, name))
    page = site.page("/pipelines/hello/calendar")
    assert 'data-day="2027-01-14" tabindex="-1" aria-label="Thu 14 Jan: 1 failed"' in page
    assert 'data-day="2027-01-15" tabindex="-1" aria-label="Fri 15 Jan: 1 success"' in page
    assert "/runs/r45" in site.page("/pipelines/hello/calendar?day=2027-01-15")
    assert "/runs/r10" not in site.page("/pipelines/hello/calendar?day=2027-01-15")


def test_durations_put_what_got_slower_first(dark: Hosted) -> None:
    page = read(dark, "/pipelines/sales_etl/durations")
    names = re.findall(r'class="name"><a href="[^"]+">([^<]+)<', page)
    assert names[0] == "stage.events"
    assert "the last 8.2 × the usual" in page
    in_file = re.findall(
        r'class="name"><a href="[^"]+">([^<]+)<', read(dark, "/pipelines/sales_etl/durations?sort=file")
    )
    assert in_file[0] == "extract.orders"


def test_code_shows_the_file_its_mistakes_in_place_and_what_versions_changed(dark: Hosted) -> None:
    page = read(dark, "/pipelines/partner_feed/code")
    shown = words(re.search(r'<div class="source".*?</div>', page, re.DOTALL)[0])  # type: ignore[index]
    assert "load: {bash: ./load, needs: extrct}" in shown
    assert '<span class="v sq s-broken">extrct</span>' in page
    assert "YD203 `load` needs `extrct`, but there is no such task" in shown
    text = "".join(html.unescape(re.sub(r"<[^>]+>", "", line)) + "\n" for line in re.findall(r'<li id="L\d+".*?</i><span>(.*?)</span></li>', page))  # fmt: skip
    assert text == BROKEN
    changed = words(read(dark, "/pipelines/sales_etl/code"))
    assert "task transform.currency" in changed
    assert "latest → all" in changed
    assert "extract.orders, extract.customers, extract.products and 20 more tasks: retries" in changed


def test_ticks_say_when_the_clock_changes(site: Site) -> None:
    site.write("a", hello(more='schedule: "30 2 * * *"\ntimezone: Europe/Berlin\n'))
    page = words(site.page("/pipelines/hello/schedule?n=200"))
    assert "Sun 28 Mar 03:30 CEST" in page
    assert page.count("the clock goes forward by 1 h") == 2
    assert "on Sun 31 Oct 2027 the clock goes back by 1 h" in page


def test_a_schedule_by_hand_by_assets_and_over_says_so(site: Site) -> None:
    site.write("a", hello())
    site.write("b", hello("waits", "schedule: {assets: [orders]}\n"))
    site.write("c", hello("over", 'schedule: "@daily"\nstart: 2020-01-01\nend: 2020-02-01\n'))
    assert "It runs by hand" in site.page("/pipelines/hello/schedule")
    assert "It runs when orders was updated" in words(site.page("/pipelines/waits/schedule"))
    assert "Its schedule has ended on 2020-02-01" in site.page("/pipelines/over/schedule")


# What it escapes

PAYLOADS = [
    shape.format(code)
    for code in ("alert(1)", "fetch('//evil.example')", "document.cookie", "top.x=1", "eval(name)")
    for shape in (
        "<script>{}</script>", "<img src=x onerror={}>", "\"><svg onload={}>", "'><script>{}</script>", "<a href='javascript:{}'>x</a>",
        "</script><script>{}</script>", "<iframe srcdoc='<script>{}</script>'>", "\" autofocus onfocus={} x=\"", "<style>@import '{}'</style>",
        "<math><mi xlink:href='javascript:{}'>", "<details open ontoggle={}>", "{{{{ {} }}}}", "{{% include '{}' %}}", "--><script>{}</script>",
        "]]><script>{}</script>", "<form action='javascript:{}'><button>", "<base href='//{}'>", "\\u003cscript\\u003e{}", "&lt;script&gt;{}",
        "<body onpageshow={}>",
    )
]  # fmt: skip


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("img", "iframe", "style", "math", "details", "base", "object", "embed", "mi"):
            self.bad.append(tag)
        if tag == "script" and not (given.get("src") or "").startswith("/static/"):
            self.bad.append(f"script {given}")
        for name, value in given.items():
            if name.startswith("on") or name in ("style", "srcdoc", "formaction", "autofocus"):
                self.bad.append(f"{tag} {name}={value}")
            if name in ("href", "src", "action") and not (value or "").startswith(("/", "#")):
                self.bad.append(f"{tag} {name}={value}")


def test_a_hundred_attacks_are_text_on_every_page(site: Site) -> None:
    assert len(set(PAYLOADS)) == 100

    def quoted(text: str) -> str:
        # What is an expression to the compiler stays one: such payloads come in by the rows below.
        return json.dumps(re.sub(r"\{\{|\{%", "{", text))

    tasks = "".join(
        f"  t{at}: {{bash: 'true', description: {quoted(each)}}}\n" for at, each in enumerate(PAYLOADS, 1)
    )
    tags = ", ".join(map(quoted, PAYLOADS))
    head = f"pipeline: hello\ndescription: {quoted(' '.join(PAYLOADS))}\nowner: {quoted(PAYLOADS[0])}\ntags: [{tags}]\n"
    site.write("a", f"{head}schedule: '@hourly'\ntasks:\n{tasks}")
    site.write("a", f"{head}schedule: '@daily'\nparams: {{p: {quoted(PAYLOADS[1])}}}\ntasks:\n{tasks}")
    run = site.run("hello", "failed", params=json.dumps(dict.fromkeys(PAYLOADS, 1)))
    for number, each in enumerate(PAYLOADS, 1):
        site.task(run, number, "failed", site.log(each, f"{number}.log"), each)
        # As a task that the file never had, too.
        site.database.execute("UPDATE task_instance SET task = ? WHERE id = ? AND id % 2 = 0", (each, number))
    site.database.execute("UPDATE run SET reason = ?", (" ".join(PAYLOADS),))
    site.write(
        "b", f"pipeline: b\ntasks: {{x: {{bash: 1, needs: {quoted(PAYLOADS[2])}}}}}\n# {' '.join(PAYLOADS)}\n"
    )
    paths = ["/", "/pipelines", "/pipelines?q=script", *(tab_link("hello", tab) for tab in TABS)]
    for path in paths:
        look(site.page(path), path)


@pytest.mark.parametrize("tab", ["grid", "graph", "code"])
def test_a_hundred_attacks_in_an_address_are_text(site: Site, tab: str) -> None:
    site.write("a", hello())
    run = site.run("hello", "failed")
    site.task(run, 1, "failed", site.log("x"))
    for each in PAYLOADS:
        look(site.page(tab_link("hello", tab, task=each, run=each, fold=each)), each)


def test_a_hundred_attacks_as_what_is_sought_are_text(site: Site) -> None:
    site.write("a", hello())
    for each in PAYLOADS:
        look(site.page(links.query("/pipelines", q=each, tag=each, owner=each, state=each, sort=each)), each)


def look(page: str, where: str) -> None:
    elements = Elements()
    elements.feed(page)
    assert elements.bad == [], where


def test_a_file_that_is_gone_or_no_text_is_told_of(site: Site) -> None:
    site.write("a", hello())
    path = site.root / "pipelines" / "a.yml"
    path.unlink()
    assert "can&#39;t be read any more" in site.page(
        "/pipelines/hello/code"
    ) or "can't be read any more" in site.page("/pipelines/hello/code")
    path.write_bytes(b"pipeline: \xff\xfe\x00\x1b[31m")
    site.page("/pipelines/hello/code")


def test_a_version_that_cannot_be_read_is_no_mistake_of_ours(site: Site) -> None:
    site.write("a", hello())
    site.write("a", hello(more="description: again\n"))
    site.run("hello", "success")
    site.database.execute("UPDATE pipeline_version SET plan = '{}'")
    for tab in TABS:
        site.page(tab_link("hello", tab))
    assert "stored by another version" in site.page("/pipelines/hello/code")


def test_a_paused_pipeline_is_not_late(site: Site) -> None:
    site.write("a", hello(more='schedule: "@hourly"\n'))
    name = site.run("hello", "queued")
    site.database.execute(
        "UPDATE run SET started = NULL, version = NULL, logical_date = ? WHERE id = ?", (DAY.format(6), name)
    )
    assert "1 is late" in words(site.page())
    site.board.status = replace(site.board.status, paused=frozenset({"hello"}))
    assert "is late" not in words(site.page())


def removed(site: Site) -> str:
    """A run of a pipeline whose file is gone."""
    site.write("a", hello())
    run = site.run("hello", "success")
    site.board.status = replace(site.board.status, pipelines={})
    site.database.execute("UPDATE pipeline SET removed = ? WHERE id = 'hello'", (NOW,))
    return run


@pytest.mark.parametrize("tab", TABS)
def test_a_pipeline_whose_file_is_gone_leads_to_its_runs(site: Site, tab: str) -> None:
    run = removed(site)
    page = site.page(tab_link("hello", tab), 404)
    assert "Its file f is gone since" in words(page)
    assert 'href="/runs?pipeline=hello"' in page
    assert 'href="/pipelines/hello"' in site.page(f"/runs/{run}")
    assert "There is nothing here" in site.page("/pipelines/other", 404)


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        ("hello", 'href="/pipelines/hello_again"'), ("T2", 'href="/pipelines/hello_again?task=t2"'),
        ("run-hello_again", 'href="/runs/run-hello_again-0"'),
    ],
)  # fmt: skip
def test_a_search_finds_pipelines_tasks_and_runs(site: Site, text: str, leads: str) -> None:
    site.write("a", hello("hello_again"))
    site.run("hello_again", "success")
    assert leads in site.page(f"/search?q={text}")
    assert "Nothing is called" in site.page("/search?q=run-%25")
    assert site.client.get("/search?q=run-hello_again-0").headers["location"] == "/runs/run-hello_again-0"


def test_a_search_finds_what_was_removed(site: Site) -> None:
    removed(site)
    assert "its file is gone" in site.page("/search?q=hell")
    assert site.client.get("/search?q=hello").headers["location"] == "/pipelines/hello"


@pytest.mark.parametrize(
    ("lately", "last", "words", "warns"),
    [(0.77, 13.0, "23% faster lately", False), (1.3, 9.0, "30% slower lately", True), (0.8, 20.0, "2.0 × the usual", True)],
)  # fmt: skip
def test_what_got_faster_is_no_warning(lately: float, last: float, words: str, warns: bool) -> None:
    trend = Trend(
        "t", "/", usual=10.0, longest=30.0, last=last, lately=lately, failed=0, good="", bad="", level=1.0
    )
    assert (words in trend.change, trend.warns) == (True, warns)
