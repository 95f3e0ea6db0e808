"""The pages say what is so, escape all that they are given, and let in nobody from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.web.browser import Browser
from yamldag.compile.project import find
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.status import Board, Status
from yamldag.store import moves, pools
from yamldag.store.database import Database, open_database
from yamldag.store.rows import NewRun
from yamldag.web.address import address_of
from yamldag.web.app import application
from yamldag.web.routes import TABLE
from yamldag.web.site import site_of

NOW = 1_800_000_000.0
DAY = "2027-01-15T{:02d}:00:00.000000Z"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@dataclass
class Site:
    root: Path
    database: Database
    catalogue: Catalogue
    board: Board
    client: Browser

    def write(self, name: str, text: str) -> None:
        (self.root / "pipelines" / f"{name}.yml").write_text(text)
        self.catalogue.refresh()
        for known in self.catalogue.pipelines.values():
            version = moves.Version(known.plan.pipeline, "f", known.version, known.text, NOW)
            moves.save_version(self.database, version)
        shown = {"pipelines": self.catalogue.pipelines, "broken": self.catalogue.broken}
        self.board.status = replace(self.board.status, **shown)

    def run(self, pipeline: str, state: str, hour: int = 0, name: str = "", **more: Any) -> str:
        version = self.catalogue.pipelines[pipeline].version
        date, name = DAY.format(hour), name or f"run-{pipeline}-{hour}"
        row = NewRun(
            name, pipeline, version, "scheduled", state, date, date, date, date, more.get("params", "{}"), None,
            NOW - 60, NOW - 60, 1,
        )  # fmt: skip
        assert moves.create_run(self.database, row)
        if state not in ("running", "queued"):
            self.database.execute("UPDATE run SET ended = ? WHERE id = ?", (NOW - 30, name))
        return name

    def task(self, run: str, number: int, state: str, log: Path | str, reason: str | None = None) -> None:
        over = NOW - 31 if state in ("failed", "success") else None
        self.database.execute(
            "INSERT INTO task_instance VALUES (?, ?, ?, -1, NULL, ?, 1, 1, ?, NULL, NULL, ?, ?, ?)",
            (number, run, f"t{number}", state, number, NOW - 50, over, reason),
        )
        self.database.execute(
            "INSERT INTO attempt VALUES (?, ?, 1, ?, 1, ?, ?, 1, 'exit', ?, ?)",
            (number, number, state, NOW - 50, over, reason, str(log)),
        )

    def log(self, text: str | bytes, name: str = "1.log") -> Path:
        path = self.root / ".yamldag" / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def page(self, path: str = "/", status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status
        return answer.text


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipelines").mkdir()
    url = f"sqlite:///{tmp_path}/.yamldag/yamldag.db"
    database = open_database(url)
    moves.begin_runner(database, moves.Life("serve", "here", 1, "x", NOW))
    board = Board(Status(NOW - 100, NOW - 1, 16))
    address = address_of("127.0.0.1", 8080)
    app = application(site_of(board, url, tmp_path / ".yamldag", address, lambda: NOW, TABLE))
    catalogue = Catalogue(find(str(tmp_path), None, {}))
    yield Site(tmp_path, database, catalogue, board, Browser(app))
    database.close()


def hello(name: str = "hello", more: str = "") -> str:
    return f"pipeline: {name}\n{more}tasks:\n  t1: {{bash: 'true'}}\n  t2: {{bash: 'true', needs: t1}}\n"


# What it says


def test_an_empty_project_says_how_to_begin(site: Site) -> None:
    page = site.page()
    assert "There is no pipeline yet" in page
    assert "yamldag init" in page


def test_a_failure_comes_first_with_its_task_and_the_line_of_its_error(site: Site) -> None:
    site.write("a", hello())
    site.write("b", hello("other"))
    run = site.run("hello", "failed")
    log = site.log("Error: a try\n\x1b[31mERROR: no such table\x1b[0m\nCONTEXT: line 3\n\n")
    site.task(run, 1, "failed", log, "exit code 1")
    page = site.page()
    assert "1 pipeline failed" in page
    assert "1 other</a> is fine" in page
    assert "hello › t1" in page
    assert "ERROR: no such table<" in page
    assert "exit code 1" in page
    assert page.index("Needs you") < page.index("Running now")
    site.log("the first\nthe last\n")
    assert ">the last<" in site.page()


def test_a_recovered_pipeline_is_no_longer_a_failure(site: Site) -> None:
    site.write("a", hello())
    site.run("hello", "failed", 1)
    site.run("hello", "success", 2)
    page = site.page()
    assert "Needs you" not in page
    assert "The one pipeline</a> is fine" in page


def test_a_broken_file_shows_its_diagnostics(site: Site) -> None:
    site.write("a", hello())
    site.write("a", hello().replace("needs: t1", "needs: t9"))
    page = site.page()
    assert "1 file is broken" in page
    assert "YD203" in page
    assert "pipelines/a.yml" in page
    assert re.search(r"4:\d+ YD203 unknown-task: `t2` needs `t9`", page)
    assert "The last good version of hello goes on running." in page


def test_a_file_whose_mistake_lies_elsewhere_can_be_opened(site: Site) -> None:
    site.write("a", "pipeline: hello\ntasks:\n  t1: {pipeline: nowhere}\n")
    assert "YD213" in site.page()
    assert 'href="/pipelines/hello/code">Open</a>' in site.page()


def test_the_next_tick_is_in_the_zone_of_the_pipeline_and_on_home_in_yours(site: Site) -> None:
    site.write("a", hello(more='schedule: "@hourly"\ntimezone: Asia/Seoul\n'))
    site.board.status = replace(site.board.status, next={"hello": NOW + 240})
    page = site.page("/pipelines/hello")
    assert "17:04 KST" in page
    assert "in 4 min" in page
    home = site.page()
    assert "08:04 UTC" in home
    assert "in 4 min" in home


def test_every_state_has_its_word_beside_its_colour(site: Site) -> None:
    site.write("a", hello())
    for hour, state in enumerate(("success", "failed", "cancelled", "running", "queued")):
        site.run("hello", state, hour)
    page = site.page("/pipelines")
    for state in ("success", "failed", "cancelled", "running", "queued"):
        assert f"1 {state}" in page


def test_a_scheduler_that_does_not_turn_is_told_of(site: Site) -> None:
    site.board.status = replace(site.board.status, turned=NOW - 60)
    assert "does not turn" in site.page()
    answer = site.client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["healthy"] is False


def test_of_many_pipelines_a_page_lists_some(site: Site) -> None:
    site.write("a", "---\n".join(hello(f"p{number:03}") for number in range(230)))
    assert "All 230 pipelines</a> are fine" in site.page()
    assert ">p049<" in site.page("/pipelines")
    assert ">p050<" not in site.page("/pipelines")
    assert ">p229<" in site.page("/pipelines?page=5")
    for odd in ("0", "-1", "x", "99999999999", "٣"):
        assert ">p229<" in site.page(f"/pipelines?page={odd}") or ">p000<" in site.page(
            f"/pipelines?page={odd}"
        )


def test_a_mistake_of_ours_is_told_without_its_insides(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.board.status = None  # type: ignore[assignment]
    page = site.page("/", 500)
    assert "bug in yamldag" in page
    assert "Traceback" not in page
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    log = Path(said.split()[-1])
    assert "AttributeError" in log.read_text()
    log.unlink()


def test_of_several_schedulers_the_page_says_which_one_it_is(site: Site) -> None:
    assert ">scheduler works<" in site.page()
    site.board.status = replace(site.board.status, schedulers=3, leads=True)
    assert "scheduler works, one of 3 and leads<" in site.page()
    site.board.status = replace(site.board.status, schedulers=3, leads=False)
    assert "scheduler works, one of 3<" in site.page()


def test_pages_beside_schedulers_count_those_and_say_what_is_to_be_done_without(site: Site) -> None:
    site.board.status = replace(site.board.status, apart=True, leads=False)
    assert ">scheduler works<" in site.page()
    site.board.status = replace(site.board.status, schedulers=3)
    assert "3 schedulers work<" in site.page()
    assert "yamldag_step_seconds" not in site.page("/metrics")
    site.board.status = replace(site.board.status, schedulers=0)
    page = site.page()
    assert "no scheduler works<" in page
    assert "<code>yamldag scheduler</code>" in page
    assert site.client.get("/health").status_code == 503
    assert site.client.get("/ready").json()["why"] == ["no scheduler is at work"]


def test_health_is_json(site: Site) -> None:
    told = site.client.get("/health").json()
    assert (told["healthy"], told["pipelines"], told["slots"]) == (True, 0, 16)


def test_the_page_of_a_pipeline_draws_it_and_lists_its_runs(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "success")
    assert f"/runs/{name}" in site.page("/pipelines/hello")
    assert "yamldag-graph" in site.page("/pipelines/hello/graph")


def test_the_page_of_a_run_opens_at_the_failure(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "failed", params=json.dumps({"who": "Ada"}))
    site.task(name, 1, "success", site.log("fine", "1.log"))
    site.task(name, 2, "failed", site.log("it broke here", "2.log"), "exit code 3")
    page = site.page(f"/runs/{name}")
    assert "it broke here" in page
    assert "exit code 3" in page
    assert "Ada" in page
    assert "fine" in site.page(f"/runs/{name}?task=t1")
    assert "it broke here" in site.page(f"/runs/{name}?task=nonsense&index=x&try=9")


def test_a_page_of_a_run_that_has_not_begun(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "queued")
    site.database.execute("UPDATE run SET started = NULL, version = NULL")
    assert "waits for room" in site.page(f"/runs/{name}")


def deferred(site: Site, run: str, number: int, spec: str) -> None:
    site.task(run, number, "deferred", "")
    site.database.execute(
        "INSERT INTO deferral (instance, attempt, spec, since) VALUES (?, ?, ?, ?)",
        (number, number, spec, NOW - 50),
    )


def test_beside_a_deferred_task_stands_what_it_waits_for(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "running")
    deferred(site, name, 1, '{"what": "file", "path": "/there"}')
    deferred(site, name, 2, '{"what": "time", "at": 1800003600}')
    page = site.page(f"/runs/{name}")
    assert "waits for the file `/there`" in page
    assert re.search(r"waits until <time [^>]*>09:00 UTC</time>", page)
    assert page.count("50 s</td>") == 2, "it has waited since then"
    assert "It wrote nothing" not in page
    assert "deferred: t1 +1" in site.page()


def test_a_deferral_that_was_spoilt_spoils_no_page(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "running")
    for number, spec in enumerate(("", "[]", '{"what": "file"}', '{"what": "?"}'), 1):
        deferred(site, name, number, spec)
    assert "deferred" in site.page(f"/runs/{name}")


def test_a_try_that_failed_before_the_last_is_not_called_the_last(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "running")
    site.task(name, 1, "failed", site.log("oh\n"), "exit code 7")
    assert "Failed on try 1 of 1." in site.page(f"/runs/{name}")
    site.database.execute("UPDATE task_instance SET state = 'up_for_retry', retry_at = 1")
    assert "Failed on try 1.</b>" in site.page(f"/runs/{name}")


def test_home_says_of_what_a_run_is_in_the_viewer_s_zone(site: Site) -> None:
    site.write("a", hello(more="timezone: Asia/Seoul\n"))
    site.run("hello", "running", 5)
    assert re.search(r'<time datetime="2027-01-15T05:00:00[^"]*" [^>]*>05:00 UTC</time>', site.page())


def test_a_called_run_and_its_caller_lead_to_each_other(site: Site) -> None:
    site.write("a", "pipeline: hello\ntasks:\n  t1: {pipeline: other}\n")
    site.write("b", hello("other"))
    caller, called = site.run("hello", "success"), site.run("other", "failed")
    site.task(caller, 1, "success", "")
    site.database.execute("UPDATE run SET caller = 1, created = ? WHERE id = ?", (NOW - 49, called))
    assert f'calls <a href="/runs/{called}">other</a>' in site.page(f"/runs/{caller}/task?task=t1")
    page = site.page(f"/runs/{called}")
    assert f'called by <a href="/runs/{caller}/task?task=t1">hello › t1</a>' in page
    assert "called by" not in site.page(f"/runs/{caller}")


def test_of_many_instances_some_are_listed_and_the_others_can_be(site: Site) -> None:
    site.write("a", "pipeline: hello\ntasks:\n  t1: {foreach: '{{ range(70) | list }}', bash: 'true'}\n")
    name = site.run("hello", "success")
    for index in range(70):
        site.database.execute(
            "INSERT INTO task_instance VALUES (?, ?, 't1', ?, ?, 'success', 1, 1, ?, NULL, NULL, 1, 2, NULL)",
            (index + 1, name, index, f'"item-{index}"', index + 1),
        )
    page = site.page(f"/runs/{name}/task?task=t1&index=3")
    assert (page.count("item-"), "item-69<" in page) == (61, False), "and one is the item itself"
    assert "And 10 more</a>" in page
    [more] = re.findall(r'href="(\?[^"]*all=1)#siblings"', page)
    every = site.page(f"/runs/{name}/task{more.replace('&amp;', '&')}")
    assert "item-69<" in every
    assert "more</a>" not in every


def test_a_long_output_is_folded(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "success")
    for number, size in ((1, 3), (2, 3000)):
        site.task(name, number, "success", "")
        value = json.dumps(list(range(size)))
        site.database.execute("INSERT INTO output (instance, value) VALUES (?, ?)", (number, value))
    assert "<details>" not in site.page(f"/runs/{name}/task?task=t1")
    assert re.search(r"<details><summary>[0-9,]+ lines</summary>", site.page(f"/runs/{name}/task?task=t2"))


def test_a_pool_says_who_holds_it_and_who_waits(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "running")
    site.database.write(lambda: pools.declare(site.database, {"gpu": 1}))
    for number in (1, 2):
        site.task(name, number, "running", "")
        site.database.execute(
            "INSERT INTO pool_claim (instance, run, pool, slots, precedence, ready, granted) VALUES (?, ?, 'gpu', 1, 0, ?, ?)",
            (number, name, number, 2 - number),
        )
    page = site.page("/pools")
    assert f'held by <a href="/runs/{name}/task?task=t1">hello › t1</a></div>' in page
    assert f'in line: <a href="/runs/{name}/task?task=t2">hello › t2</a></div>' in page


def test_a_pool_names_instances_by_their_items(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "running")
    site.database.write(lambda: pools.declare(site.database, {"gpu": 1}))
    for number, item in enumerate(['"orders"', '{"name": "north", "rows": 2}', "[1, 2]", '" "']):
        site.task(name, number + 1, "running", "")
        site.database.execute(
            "UPDATE task_instance SET task = 't1', map_index = ?, item = ? WHERE id = ?",
            (number, item, number + 1),
        )
        site.database.execute(
            "INSERT INTO pool_claim (instance, run, pool, slots, precedence, ready, granted) VALUES (?, ?, 'gpu', 1, 0, 1, 1)",
            (number + 1, name),
        )
    page = site.page("/pools")
    for index, named in enumerate(("orders", "north", "2", "3")):
        assert f'<a href="/runs/{name}/task?task=t1&amp;index={index}">hello › t1[{named}]</a>' in page


def test_of_a_long_log_the_end_is_shown(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "failed")
    lines = b"".join(b"line %d\n" % number for number in range(200_000))
    site.task(name, 1, "failed", site.log(lines))
    page = site.page(f"/runs/{name}")
    assert "line 199999" in page
    assert len(page) < 120_000
    assert "yamldag logs" in page


def test_a_log_of_any_bytes_is_text(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "failed")
    site.task(name, 1, "failed", site.log(bytes(range(256)) + b"\rover\x1b]0;title\x07\xe2\x80\xaeend"))
    page = site.page(f"/runs/{name}")
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202e]", page)


# Who may ask


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"])
def test_this_machine_is_served(site: Site, host: str) -> None:
    assert site.client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8080", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8081", "localhost.:8080",
        "localhost:8080.evil.example", "evil.example#localhost:8080", "user@127.0.0.1:8080", "0.0.0.0:8080",
        "127.0.0.1:8080,evil.example", "[::1]", "127.1:8080", "2130706433:8080", "", " 127.0.0.1:8080x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/health", "/static/ui.css", "/runs/x", "/nowhere"])
def test_no_other_name_is_served_anywhere(site: Site, host: str, path: str) -> None:
    answer = site.client.get(path, headers={"host": host})
    assert answer.status_code == 400
    assert "yamldag" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "GETX"])
@pytest.mark.parametrize("path", ["/", "/health", "/runs/x", "/pipelines/hello", "/static/ui.css"])
def test_what_is_for_looking_at_takes_nothing_else(site: Site, method: str, path: str) -> None:
    assert site.client.request(method, path).status_code == 403
    own = {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}
    answer = site.client.request(method, path, own)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path", ["/", "/health", "/static/ui.css", "/static/live.js", "/nowhere", "/runs/.."]
)
def test_every_answer_has_the_headers(site: Site, path: str) -> None:
    for answer in (site.client.get(path), site.client.get(path, headers={"host": "evil.example"})):
        assert answer.headers["content-security-policy"].startswith("default-src 'self'; ")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
        assert "set-cookie" not in answer.headers


PATHS = [
    "..", ".", "%2e%2e", "..%2f..%2fetc%2fpasswd", "..%5c..", "%00", "a%00b", "x" * 300, "%ff", "a b", "é",
    "%3Cscript%3E", "';--", "a;x", "a%0d%0aX: y", "/etc/passwd", "~", "*", "%25", "{{7*7}}", "\\", "hello/../x",
]  # fmt: skip


@pytest.mark.parametrize("bad", PATHS)
@pytest.mark.parametrize("before", ["/runs/", "/pipelines/", "/static/"])
def test_names_that_could_not_be_are_not_found(site: Site, before: str, bad: str) -> None:
    site.write("a", hello())
    answer = site.client.get(f"{before}{bad}")
    assert answer.status_code in (200, 404)
    assert "root:" not in answer.text
    if answer.status_code == 200:  # the client itself has resolved the dots
        assert answer.request.url.path in ("/", before.rstrip("/"))


# What it escapes


def test_names_descriptions_logs_and_values_are_text(site: Site) -> None:
    quoted = json.dumps(EVIL)
    site.write("a", hello(more=f"description: {quoted}\nowner: {quoted}\nparams: {{p: {quoted}}}\n"))
    site.write("b", f"pipeline: {quoted}\ntasks: {{}}\n")
    name = site.run("hello", "failed", params=json.dumps({EVIL: EVIL}))
    site.task(name, 1, "failed", site.log(EVIL), EVIL)
    site.database.execute("UPDATE run SET reason = ?", (EVIL,))
    site.database.execute("UPDATE task_instance SET item = ?", (json.dumps({"name": EVIL}),))
    for path in ("/", "/pipelines/hello", f"/runs/{name}", f"/runs/{name}?task={EVIL}&try={EVIL}"):
        page = site.page(path)
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page


def test_no_page_needs_what_the_policy_forbids(site: Site) -> None:
    site.write("a", hello())
    name = site.run("hello", "failed")
    site.task(name, 1, "failed", site.log("x"))
    for path in ("/", "/pipelines/hello", f"/runs/{name}", "/nowhere"):
        page = site.client.get(path).text
        assert " style=" not in page
        assert "<style" not in page
        assert not re.search(r"<script(?! src=\"/static/)", page)
        assert not re.search(r" on[a-z]+=", page)
        assert not re.search(r"(src|href)=\"(?!/|#)", page)


@pytest.mark.parametrize("outside", ["secret.txt", "../secret.txt", ".yamldag/logs/../secret.txt"])
def test_a_log_outside_its_folder_is_never_read(site: Site, outside: str) -> None:
    site.write("a", hello())
    for place in (site.root, site.root.parent, site.root / ".yamldag"):
        (place / "secret.txt").write_text("canary")
    name = site.run("hello", "failed")
    site.task(name, 1, "failed", site.root / outside)
    assert "canary" not in site.page(f"/runs/{name}")
    assert "canary" not in site.page()


def test_a_log_that_is_a_link_or_no_file_is_not_read(site: Site) -> None:
    site.write("a", hello())
    (site.root / "secret.txt").write_text("canary")
    link = site.log("x").with_name("link.log")
    link.symlink_to(site.root / "secret.txt")
    name = site.run("hello", "failed")
    site.task(name, 1, "failed", link)
    site.task(name, 2, "failed", link.parent)
    for task in ("t1", "t2"):
        assert "canary" not in site.page(f"/runs/{name}?task={task}")
