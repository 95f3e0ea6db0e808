"""Each action asks once, tells what it will do, does it as its command does, and is in the audit log."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.web.conftest import Hosted, hosted_by
from tests.web.seeds import NOW, seed
from yamldag.compile.project import find
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.store import moves
from yamldag.store.database import open_database
from yamldag.web.address import address_of

SHAPED = """pipeline: shaped
params:
  region: {type: string, enum: [north, south]}
  rows: {type: integer, minimum: 1, maximum: 100, default: 10, description: "Rows a <b>batch</b>."}
  full: {type: boolean, default: false}
  parts: {type: array, items: {type: string, enum: [a, b, c]}, default: [a]}
  since: {type: string, format: date, default: "2026-01-01"}
  more: {type: object, default: {x: 1}}
tasks:
  t: {bash: "true"}
"""


@pytest.fixture
def shaped(tmp_path: Path) -> Iterator[Hosted]:
    """With a pipeline whose params have shapes."""
    seeded = seed(tmp_path)
    (tmp_path / "pipelines" / "shaped.yml").write_text(SHAPED)
    catalogue = Catalogue(find(str(tmp_path), None, {}))
    seeded.board.status = replace(seeded.board.status, pipelines=catalogue.pipelines)
    made = hosted_by(seeded, address_of("127.0.0.1", 8080))
    yield made
    made.site.hub.close()


def rows(hosted: Hosted, query: str) -> list[tuple[object, ...]]:
    database = open_database(hosted.seeded.url)
    try:
        return [tuple(row) for row in database.execute(query)]
    finally:
        database.close()


def write(hosted: Hosted, statement: str, *values: object) -> None:
    database = open_database(hosted.seeded.url)
    try:
        database.execute(statement, values)
    finally:
        database.close()


def deeds(hosted: Hosted) -> list[tuple[object, ...]]:
    return rows(hosted, "SELECT who, action, object, outcome FROM audit ORDER BY id")


GOOD = {
    "p.region": "north",
    "p.rows": "20",
    "p.parts": "",
    "p.full": "",
    "p.since": "2026-02-03",
    "p.more": '{"x": 2}',
}


def test_a_trigger_s_form_has_a_field_for_each_param(shaped: Hosted) -> None:
    page = shaped.anyone.get("/pipelines/shaped/trigger").text
    assert 'type="radio" name="p.region" value="north"' in page
    assert "Rows a &lt;b&gt;batch&lt;/b&gt;." in page
    assert 'type="checkbox" name="p.parts" value="a" checked' in page
    assert 'name="p.since" value="2026-01-01" type="date"' in page
    assert "yamldag trigger shaped" in page
    assert page.count("required") >= 1


def test_what_is_filled_in_becomes_a_run(shaped: Hosted) -> None:
    answer = shaped.anyone.post("/pipelines/shaped/trigger", GOOD | {"date": "2026-03-01"})
    assert answer.status_code == 303
    [(name, params, date, state)] = rows(
        shaped, "SELECT id, params, logical_date, state FROM run WHERE pipeline = 'shaped'"
    )
    assert answer.headers["location"].startswith(f"/runs/{name}?")
    assert (state, str(date)[:10]) == ("queued", "2026-03-01")
    assert json.loads(str(params)) == {
        "region": "north", "rows": 20, "full": False, "parts": [], "since": "2026-02-03", "more": {"x": 2},
    }  # fmt: skip
    assert deeds(shaped) == [("local", "run.trigger", "shaped", name)]
    again = shaped.anyone.get(f"/pipelines/shaped/trigger?like={name}").text
    assert 'value="20"' in again
    assert "--param rows=20" in again


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"p.rows": "200"}, "must be at most 100, found `200`"),
        ({"p.rows": "many"}, "must be an integer, found `many`"),
        ({"p.region": ""}, "is required, and no value was given"),
        ({"p.region": "<east>"}, "must be one of &#34;north&#34;, &#34;south&#34;, found `&#34;&lt;east&gt;&#34;`"),
        ({"p.parts": "z"}, "must be one of"),
        ({"p.since": "yesterday"}, "must be a valid date"),
        ({"p.more": "[1]"}, "must be a mapping"),
        ({"p.more": "{"}, "must be a mapping, found `{`"),
        ({"date": "soon"}, "wants a date or a time"),
        ({"date": "0001-01-01"}, "must lie between 0002-01-01 and 9998-12-30"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_beside_its_field_and_nothing_runs(
    shaped: Hosted, given: dict[str, str], words: str
) -> None:
    answer = shaped.anyone.post("/pipelines/shaped/trigger", GOOD | given)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{given.get("p.rows", "20")}"' in answer.text, "what was typed is still there"
    assert rows(shaped, "SELECT id FROM run WHERE pipeline = 'shaped'") == []
    assert deeds(shaped) == []


def failed_run(hosted: Hosted) -> str:
    return str(rows(hosted, "SELECT id FROM run WHERE state = 'failed' ORDER BY id")[0][0])


def test_a_retry_shows_what_runs_and_what_stays(hosted: Hosted) -> None:
    run = failed_run(hosted)
    page = hosted.anyone.get(f"/runs/{run}/retry").text
    assert "1 task runs again, 2 stay as they are." in page
    assert f"yamldag clear {run} --failed" in page
    assert rows(hosted, f"SELECT state FROM run WHERE id = '{run}'") == [("failed",)]
    answer = hosted.anyone.post(f"/runs/{run}/retry", {"asked": "1", "failed": "on"})
    assert answer.headers["location"] == f"/runs/{run}?did=cleared"
    assert rows(hosted, f"SELECT state FROM run WHERE id = '{run}'") == [("queued",)]
    states = rows(hosted, f"SELECT task, state FROM task_instance WHERE run = '{run}' ORDER BY id")
    assert states == [("t0", "success"), ("t1", "success"), ("t2", "none")]
    assert deeds(hosted) == [("local", "run.clear", run, "queued")]


def test_a_task_is_cleared_with_all_below_it_or_alone(hosted: Hosted) -> None:
    below = hosted.anyone.get("/runs/p001-00000/clear?task=t1").text
    assert "2 tasks run again, 1 stays as it is." in below
    assert "Clear t1 in run p001-00000?" in below
    alone = hosted.anyone.get("/runs/p001-00000/clear?task=t1&only=on").text
    assert "1 task runs again, 2 stay as they are." in alone
    assert "yamldag clear p001-00000 t1 --only" in alone
    hosted.anyone.post("/runs/p001-00000/clear", {"asked": "1", "task": "t1", "only": "on"})
    assert rows(hosted, "SELECT task FROM task_instance WHERE run = 'p001-00000' AND state = 'none'") == [
        ("t1",)
    ]


def test_of_a_run_under_way_its_scheduler_is_asked(hosted: Hosted) -> None:
    answer = hosted.anyone.post("/runs/p000-00004/clear", {"asked": "1", "task": "t0"})
    assert answer.headers["location"] == "/runs/p000-00004?did=asked"
    assert rows(hosted, "SELECT run, kind, done FROM request") == [("p000-00004", "clear", None)]


def test_a_run_under_way_goes_on_by_the_newest_version_once_what_runs_of_it_has_ended(hosted: Hosted) -> None:
    run, pipeline = "p000-00004", "pipeline: p000\ntasks:\n  t0: {noop: }\n  t2: {noop: }\n  t3: {noop: }\n"
    hosted.seeded.edit("p000", pipeline)
    hosted.now[0] += 60
    page = hosted.anyone.get(f"/runs/{run}/clear?task=t0&latest=on").text
    assert "2 tasks run again, 1 stays as it is." in page, "t2 is cut short by it"
    assert "Removed: t1. New: t3." in page
    assert "What runs of the run is stopped first; then it waits for room again" in page
    assert f"yamldag clear {run} t0 --latest" in page
    answer = hosted.anyone.post(f"/runs/{run}/clear", {"asked": "1", "task": "t0", "latest": "on"})
    assert answer.headers["location"] == f"/runs/{run}?did=asked"
    assert rows(hosted, "SELECT run, kind, done FROM request") == [(run, "clear", None)]
    words = "It goes on by version 2 of its pipeline as soon as what runs of it has ended."
    assert words in hosted.anyone.get(f"/runs/{run}").text
    assert words not in hosted.anyone.get("/runs/p001-00000").text


def test_what_failed_is_marked_success(hosted: Hosted) -> None:
    run = failed_run(hosted)
    page = hosted.anyone.get(f"/runs/{run}/mark?task=t2&state=success").text
    assert f"yamldag mark {run} t2 success" in page
    answer = hosted.anyone.post(f"/runs/{run}/mark", {"task": "t2", "state": "success"})
    assert answer.headers["location"] == f"/runs/{run}?did=marked"
    assert rows(hosted, f"SELECT state, reason FROM task_instance WHERE run = '{run}' AND task = 't2'") == [
        ("success", "it was marked success")
    ]
    assert deeds(hosted) == [("local", "run.mark", run, "queued")]
    [(detail,)] = rows(hosted, "SELECT detail FROM audit")
    assert json.loads(str(detail)) == {"task": "t2", "state": "success"}


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/runs/p001-00000/mark", {"task": "t2", "state": "skipped"}),
        ("/runs/p001-00000/mark", {"task": "nothing", "state": "failed"}),
        ("/runs/p001-00000/mark", {"state": "failed"}),
        ("/runs/p001-00000/clear", {"task": "nothing"}),
    ],
)
def test_what_can_t_be_done_is_refused_in_words(hosted: Hosted, path: str, given: dict[str, str]) -> None:
    answer = hosted.anyone.post(path, given)
    assert answer.status_code == 409
    assert "Traceback" not in answer.text
    assert deeds(hosted) == []
    assert (
        hosted.anyone.get(
            path + "?" + "&".join(f"{name}={value}" for name, value in given.items())
        ).status_code
        == 409
    )


def test_a_backfill_shows_its_runs_before_it_makes_them(hosted: Hosted) -> None:
    path = "/pipelines/p001/backfill"
    assert hosted.anyone.get(path).status_code == 200
    page = hosted.anyone.get(path + "?from=2026-01-01T00:00&to=2026-01-01T05:00&max_active=2").text
    assert "Start 6 runs" in page
    assert "yamldag backfill p001 --from 2026-01-01T00:00 --to 2026-01-01T05:00 --max-active 2" in page
    assert rows(hosted, "SELECT count(*) FROM backfill") == [(0,)]
    form = {"from": "2026-01-01T00:00", "to": "2026-01-01T05:00", "max_active": "2", "reprocess": "none"}
    answer = hosted.anyone.post(path, form)
    assert answer.headers["location"] == "/backfills?did=backfilled"
    assert rows(hosted, "SELECT count(*), min(state) FROM run WHERE type = 'backfill'") == [(6, "queued")]
    assert rows(hosted, "SELECT max_active FROM backfill") == [(2,)]
    [(who, action, target, _)] = deeds(hosted)
    assert (who, action, target) == ("local", "backfill.create", "p001")


def test_backfills_are_listed_with_their_runs_and_cancelled(hosted: Hosted) -> None:
    assert "yamldag backfill PIPELINE --from" in hosted.anyone.get("/backfills").text
    form = {"from": "2026-01-01T00:00", "to": "2026-01-01T05:00", "reprocess": "none"}
    hosted.anyone.post("/pipelines/p001/backfill", form)
    hosted.anyone.post("/pipelines/p002/backfill", form)
    [(name,)] = rows(hosted, "SELECT id FROM backfill WHERE pipeline = 'p001'")
    write(
        hosted,
        "UPDATE run SET state = 'success', ended = 1 WHERE id = (SELECT min(id) FROM run WHERE backfill = ?)",
        name,
    )
    page = hosted.anyone.get("/backfills?pipeline=p001").text
    assert f"/runs?backfill={name}&amp;state=queued" in page
    assert "5 queued" in page
    assert "1 success" in page
    assert "p002" not in page
    assert hosted.anyone.get(f"/runs?backfill={name}").text.count('name="run"') == 6
    assert (
        "5 runs of it wait or run, and are cancelled" in hosted.anyone.get(f"/backfills/{name}/cancel").text
    )
    assert hosted.anyone.post(f"/backfills/{name}/cancel").headers["location"] == "/backfills?did=cancelled"
    assert rows(hosted, f"SELECT state, count(*) FROM run WHERE backfill = '{name}' GROUP BY state ORDER BY state") == [
        ("cancelled", 5), ("success", 1)
    ]  # fmt: skip
    assert f'href="/backfills/{name}/cancel"' not in hosted.anyone.get("/backfills?pipeline=p001").text
    assert f"/runs?backfill={name}" in hosted.anyone.get("/audit?action=backfill.cancel").text
    for path in ("/backfills/none/cancel", "/backfills?after=x~y"):
        assert hosted.anyone.get(path).status_code == (404 if "cancel" in path else 200)
    assert hosted.anyone.post("/backfills/none/cancel").status_code == 404


def test_more_backfills_than_a_page_holds(hosted: Hosted) -> None:
    date = "2026-01-01T00:00:00.000000Z"
    for number in range(60):
        write(
            hosted,
            "INSERT INTO backfill (id, pipeline, first, last, reprocess, max_active, params, created) "
            "VALUES (?, 'p001', ?, ?, 'none', 1, '{}', ?)",
            f"backfill-{number:02}", date, date, number // 2,
        )  # fmt: skip
    page = hosted.anyone.get("/backfills").text
    [more] = re.findall(r'href="(/backfills\?after=[^"]*)"', page)
    following = hosted.anyone.get(html.unescape(more)).text
    listed = [re.findall("<code>(backfill-[0-9]+)</code>", each) for each in (page, following)]
    assert [*listed[0], *listed[1]] == [f"backfill-{number:02}" for number in reversed(range(60))]
    assert len(listed[0]) == 50


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"from": "2026-01-02", "to": "2026-01-01"}, "must not lie after"),
        ({"from": "soon", "to": "2026-01-01"}, "wants a date or a time"),
        ({"from": "2026-01-01", "to": "2026-01-02", "max_active": "0"}, "a number from 1 on is wanted"),
        ({"from": "2026-01-01", "to": "2026-01-02", "reprocess": "<all>"}, "`none`, `failed` or `completed`"),
        ({"from": "1970-01-01", "to": "2099-01-02"}, "take it in parts"),
    ],
)
def test_a_range_with_a_mistake_is_told(hosted: Hosted, given: dict[str, str], words: str) -> None:
    answer = hosted.anyone.post("/pipelines/p001/backfill", given)
    assert answer.status_code == 422
    assert words in answer.text
    assert rows(hosted, "SELECT count(*) FROM backfill") == [(0,)]


@pytest.mark.parametrize("now", [NOW])
def test_a_viewer_acts_on_nothing(hosted: Hosted, now: float) -> None:
    viewer = hosted.token("looker", "viewer")
    for path in (
        "/runs/p001-00000/clear",
        "/runs/p001-00000/mark",
        "/pipelines/p001/trigger",
        "/pipelines/p001/backfill",
    ):
        assert viewer.post(path, {"task": "t0", "state": "failed"}).status_code == 403
        assert viewer.get(path).status_code == 403
    page = viewer.get("/runs/p001-00000").text
    assert "/clear" not in page
    assert "/mark" not in page
    assert deeds(hosted) == []


# Lists


def test_runs_are_filtered_and_paged(hosted: Hosted) -> None:
    page = hosted.anyone.get("/runs?pipeline=p001&state=success").text
    assert "/runs/p001-00000" in page
    assert "/runs/p000-00000" not in page
    assert "No run" in hosted.anyone.get("/runs?pipeline=nothing").text
    assert "wants a date" in hosted.anyone.get("/runs?from=soon").text
    database = open_database(hosted.seeded.url)
    database.execute(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 119) "
        "INSERT INTO run (id, pipeline, type, state, logical_date, data_interval_start, data_interval_end, params, created) "
        "SELECT 'many-' || i, 'p002', 'manual', 'queued', '2026-01-01', '2026-01-01', '2026-01-01', '{}', 5.5 FROM n"
    )
    database.close()
    seen = listed(hosted, "/runs?type=manual")
    assert len(seen) == len(set(seen)) == 120


def listed(hosted: Hosted, path: str) -> list[str]:
    """The ids of all pages, in order."""
    seen: list[str] = []
    while path:
        page = hosted.anyone.get(path).text
        seen += [part.partition('"')[0] for part in page.split('name="run" value="')[1:]]
        path = (
            page.split('" rel="next"')[0].rpartition('href="')[2].replace("&amp;", "&")
            if 'rel="next"' in page
            else ""
        )
    return seen


@pytest.mark.parametrize(
    ("order", "by"),
    [
        ("newest", "created DESC, id DESC"),
        ("oldest", "created, id"),
        ("date", "logical_date DESC, id DESC"),
        ("longest", "coalesce(ended - started, -1.0) DESC, id DESC"),
    ],
)
def test_runs_are_sorted_over_all_pages(hosted: Hosted, order: str, by: str) -> None:
    database = open_database(hosted.seeded.url)
    database.execute(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 119) "
        "INSERT INTO run (id, pipeline, type, state, logical_date, data_interval_start, data_interval_end, params, "
        "version, created, started, ended) SELECT 'many-' || i, 'p002', 'manual', CASE i % 5 WHEN 0 THEN 'queued' ELSE 'failed' END, "
        "'2026-01-0' || (1 + i % 7) || 'T00:00:00.000000Z', '2026-01-01', '2026-01-01', '{}', "
        "(SELECT version FROM pipeline WHERE id = 'p002'), 5.5 + i % 9, "
        "CASE i % 5 WHEN 0 THEN NULL ELSE 20 END, CASE i % 5 WHEN 0 THEN NULL ELSE 20.0 + (i % 11) / 3.0 END FROM n"
    )
    database.close()
    wanted = [
        str(name) for (name,) in rows(hosted, f"SELECT id FROM run WHERE type = 'manual' ORDER BY {by}")
    ]
    assert listed(hosted, f"/runs?type=manual&sort={order}") == wanted


def test_an_order_that_there_is_not_is_the_usual_one(hosted: Hosted) -> None:
    page = hosted.anyone.get("/runs?sort=nothing").text
    assert '<option value="newest" selected>' in page
    assert page.index("/runs/p000-00004") < page.index("/runs/p001-00000")


@pytest.mark.parametrize(
    "after", ["x", "1~", "~p", "1e9~p001-00000", "1~'; DROP TABLE run", "9" * 400 + "~x"]
)
def test_a_place_that_could_not_be_is_the_beginning(hosted: Hosted, after: str) -> None:
    assert "/runs/p000-00004" in hosted.anyone.request("GET", "/runs", params={"after": after}).text


def test_several_runs_are_retried_by_one_question(hosted: Hosted) -> None:
    failed = [str(name) for (name,) in rows(hosted, "SELECT id FROM run WHERE state = 'failed' ORDER BY id")]
    picked = "&".join(f"run={name}" for name in [*failed, "p001-00000", "nothing"])
    page = hosted.anyone.get(f"/bulk?do=retry&{picked}").text
    assert f"Retry {len(failed)} runs?" in page
    assert f"yamldag retry {failed[0]}" in page
    answer = hosted.anyone.request(
        "POST", "/bulk", {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"},
        data={"do": "retry", "run": failed},
    )  # fmt: skip
    assert answer.headers["location"] == "/runs?did=done"
    assert rows(hosted, "SELECT count(*) FROM run WHERE state = 'queued'") == [(len(failed),)]
    assert deeds(hosted) == [("local", "run.clear", name, "queued") for name in failed]


def test_what_is_cancelled_at_once_is_what_runs_or_waits(hosted: Hosted) -> None:
    page = hosted.anyone.get("/bulk?do=cancel&run=p000-00004&run=p001-00000").text
    assert "Cancel 1 run?" in page
    assert "1 of what was picked is left as it" in page.replace("they are", "it is")
    hosted.anyone.post("/bulk", {"do": "cancel", "run": "p000-00004"})
    assert rows(hosted, "SELECT run, kind FROM request") == [("p000-00004", "cancel")]
    assert hosted.anyone.get("/bulk?do=cancel&run=p001-00000").status_code == 409
    assert hosted.anyone.get("/bulk?do=delete&run=p001-00000").status_code == 400


def test_the_audit_log_says_who_did_what(hosted: Hosted) -> None:
    hosted.user("mira", "operator")
    hosted.user("root", "admin")
    mira = hosted.login("mira")
    mira.post("/pipelines/p000/pause")
    mira.post("/runs/p000-00004/cancel", {"kill": "on"})
    assert mira.get("/audit").status_code == 403
    admin = hosted.login("root")
    page = admin.get("/audit").text
    for words in ("mira", "pipeline.pause", "run.cancel", "p000-00004", "kill", "paused", "asked"):
        assert words in page
    assert "run.cancel</td>" not in admin.get("/audit?action=pipeline.").text
    assert "Nothing was done" in admin.get("/audit?who=nobody").text
    assert "pipeline.pause</td>" not in admin.get("/audit?of=p000-00004").text


def test_a_run_that_can_t_be_read_is_told_of_in_words(hosted: Hosted) -> None:
    database = open_database(hosted.seeded.url)
    database.execute("UPDATE pipeline_version SET plan = '[1]'")
    database.close()
    for path in (
        "/runs/p001-00000/task?task=t0",
        "/runs/p001-00000/clear",
        "/runs/p001-00000/mark?task=t0&state=failed",
    ):
        answer = hosted.anyone.get(path)
        assert "can&#39;t be read" in answer.text
        assert "bug in yamldag" not in answer.text
    assert hosted.anyone.get("/runs/p001-00000").status_code == 200


# What it escapes

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
TASKS = f"""pipeline: evil
schedule: {{assets: [{json.dumps(EVIL)}]}}
description: {json.dumps(EVIL)}
params:
  p: {{type: string, default: {json.dumps(EVIL)}, description: {json.dumps(EVIL)}}}
  q: {{type: string, enum: [{json.dumps(EVIL)}, b], default: b}}
tasks:
  t: {{bash: {json.dumps("echo " + EVIL)}, description: {json.dumps(EVIL)}, env: {{A: {json.dumps(EVIL)}}}, produces: [{json.dumps(EVIL)}]}}
"""


def test_names_values_reasons_outputs_and_deeds_are_text(tmp_path: Path) -> None:
    seeded = seed(tmp_path)
    (tmp_path / "pipelines" / "evil.yml").write_text(TASKS)
    catalogue = Catalogue(find(str(tmp_path), None, {}))
    known = catalogue.pipelines["evil"]
    seeded.board.status = replace(seeded.board.status, pipelines=catalogue.pipelines, pools={EVIL: 1})
    log = seeded.folder / "logs" / "evil.log"
    log.write_text(f"ERROR {EVIL}\n")
    database = open_database(seeded.url)
    moves.save_version(database, moves.Version("evil", "f", known.version, known.text, NOW))
    for statement, values in (
        ("UPDATE run SET pipeline = 'evil', version = ?, params = ?, reason = ? WHERE id = 'p001-00003'",
         (known.version, json.dumps({"p": EVIL, EVIL: EVIL}), EVIL)),
        ("UPDATE task_instance SET task = 't', map_index = -1, reason = ? WHERE run = 'p001-00003' AND task = 't2'", (EVIL,)),
        ("UPDATE attempt SET log = ?, message = ? WHERE state = 'failed'", (str(log), EVIL)),
        ("INSERT INTO output SELECT id, ? FROM task_instance WHERE run = 'p001-00003' AND task = 't'", (json.dumps(EVIL),)),
        ("UPDATE event SET detail = ?", (EVIL,)),
        ("INSERT INTO audit (at, who, via, address, action, object, detail, outcome) VALUES (1, ?, 'x', ?, ?, ?, ?, ?)",
         (EVIL, EVIL, EVIL[:50], EVIL, json.dumps({EVIL: EVIL}), EVIL)),
        ("INSERT INTO pool (name, slots, source) VALUES (?, 1, 'command')", (EVIL,)),
        ("INSERT INTO api_token (name, hash, role, created, creator) VALUES (?, 'x', 'viewer', 1, ?)", (EVIL, EVIL)),
    ):  # fmt: skip
        database.execute(statement, values)
    database.close()
    made = hosted_by(seeded, address_of("127.0.0.1", 8080))
    shown = 0
    for path in (
        "/runs/p001-00003", "/runs/p001-00003/task?task=t", "/runs/p001-00003/log?task=t", "/runs/p001-00003/clear?task=t",
        "/runs/p001-00003/mark?task=t&state=success", f"/runs/p001-00003?find={EVIL}", f"/runs/p001-00003/clear?task={EVIL}",
        f"/runs/p001-00003/mark?task={EVIL}&state={EVIL}", "/pipelines/evil/trigger", f"/pipelines/evil/trigger?p.p={EVIL}&date={EVIL}",
        f"/pipelines/evil/backfill?from={EVIL}&to={EVIL}", f"/runs?pipeline={EVIL}&from={EVIL}", "/audit", f"/audit?who={EVIL}",
        "/pools", f"/pools/set?name={EVIL}", f"/backfills?pipeline={EVIL}&after={EVIL}", "/assets", "/people", "/about", f"/bulk?do={EVIL}&run={EVIL}",
    ):  # fmt: skip
        page = made.anyone.get(path).text
        assert "<script>alert" not in page, path
        assert "<img" not in page, path
        assert " style=" not in page, path
        shown += "&lt;script&gt;" in page or "&lt;img" in page
    assert shown >= 14, "the payload was there to be seen"
    made.site.hub.close()
