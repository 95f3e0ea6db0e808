"""How much a page costs: at most ten queries, at most 200 KB over the wire, whatever it shows."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.web.browser import Browser
from tests.web.conftest import Hosted, add_token, add_user, hosted_by
from tests.web.seeds import seed
from yamldag.engine.memory.deferral import APPROVAL, TIME, Deferral, to_text
from yamldag.store import pools
from yamldag.store.database import Database, open_database
from yamldag.web.address import address_of
from yamldag.web.route import Kind, Route
from yamldag.web.routes import TABLE

QUERIES, BYTES = 10, 200_000
RUN = "p000-00039"
"""The one that goes on: 400 tasks."""
PAGES = (
    "/", "/pipelines", "/pipelines?sort=next", "/pipelines/p000", f"/pipelines/p000?run={RUN}&task=t1&runs=100",
    f"/pipelines/p000/graph?run={RUN}&task=t1", f"/pipelines/p000/gantt?run={RUN}&task=t1", "/pipelines/p000/calendar",
    "/pipelines/p000/durations", "/pipelines/p000/code", "/pipelines/p000/schedule", "/runs?sort=longest",
    f"/bulk?do=cancel&run={RUN}", f"/runs/{RUN}/task?task=t1", f"/runs/{RUN}/log?task=t399", f"/runs/{RUN}/log/file?task=t399",
    "/pipelines/p000/pause", "/pipelines/p001/unpause", f"/runs/{RUN}/cancel", "/runs/p000-00006/retry", "/pools/set",
    "/pools/spare/delete", "/people/mira/disable", "/people/gone/enable", "/tokens/ci/revoke", "/search?q=p0", "/login",
    f"/runs/{RUN}", f"/runs/{RUN}?all=1", f"/runs/{RUN}?task=t399&find=line", f"/runs/{RUN}/task?task=t399",
    f"/runs/{RUN}/task?task=t0", "/runs/waits", "/runs/waits/task?task=t0", "/runs/asks/task?task=t2", "/runs", "/runs?pipeline=p000&state=success",
    f"/runs/{RUN}/clear", f"/runs/{RUN}/mark?task=t0&state=failed", "/pipelines/p000/trigger",
    "/pipelines/p000/backfill?from=2026-01-01&to=2026-02-01", "/audit", "/backfills", "/backfills/past/cancel", "/pools", "/assets", "/about", "/connections",
    "/people", "/playground", "/approvals", "/runs/asks/approve?task=t2",
)  # fmt: skip


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    root = Path(tmp_path_factory.mktemp("large"))
    (root / "yamldag.yml").write_text("pools: {crm: 2}\n")
    seeded = seed(root, pipelines=2, runs=40, tasks=400, keys="pool: crm, depends_on_past: true")
    log = seeded.folder / "logs" / "seed.log"
    log.write_text(
        "".join(f"line {number} of a log that says ERROR and goes on\n" for number in range(100_000))
    )
    database = open_database(seeded.url)
    database.execute(
        "INSERT INTO run (id, pipeline, type, state, logical_date, data_interval_start, data_interval_end, params, created) "
        "SELECT 'waits', pipeline, 'manual', 'queued', logical_date, logical_date, logical_date, '{}', 2 FROM run LIMIT 1"
    )
    database.execute(
        "INSERT INTO backfill (id, pipeline, first, last, reprocess, max_active, params, created) "
        "SELECT 'past', pipeline, logical_date, logical_date, 'none', 1, '{}', 2 FROM run LIMIT 1"
    )
    database.execute("UPDATE run SET backfill = 'past' WHERE id <> ?", (RUN,))
    database.execute(
        "UPDATE task_instance SET state = 'none', attempts = 0 WHERE run = ? AND task = 't0'", (RUN,)
    )
    database.execute(
        "UPDATE task_instance SET state = 'scheduled', attempts = 0 WHERE run = ? AND task = 't1'", (RUN,)
    )
    spec = to_text(Deferral(APPROVAL, 1.0, message="Load?", form={"properties": {"why": {"type": "string"}}}))
    database.execute(
        "INSERT INTO run (id, pipeline, version, type, state, logical_date, data_interval_start, data_interval_end, params, "
        "created, started, owner) SELECT 'asks', pipeline, version, 'manual', 'running', logical_date, logical_date, "
        "logical_date, '{}', 2, 2, owner FROM run WHERE id = ?",
        (RUN,),
    )
    database.execute(
        "INSERT INTO task_instance (id, run, task, map_index, state, attempts, tries, attempt) "
        "VALUES (900000, 'asks', 't2', -1, 'deferred', 1, 1, 900001)"
    )
    database.execute(
        "INSERT INTO attempt (id, instance, number, state, runner) SELECT 900001, 900000, 1, 'deferred', owner FROM run "
        "WHERE id = 'asks'"
    )
    database.execute(
        "INSERT INTO deferral (instance, attempt, spec, since) VALUES (900000, 900001, ?, 1)", (spec,)
    )
    waits = to_text(Deferral(TIME, 1.0, at=9e9, fixed=True))
    database.execute(
        "UPDATE task_instance SET state = 'deferred' WHERE run = ? AND task = 't3' AND attempts = 1", (RUN,)
    )
    database.execute(
        "INSERT INTO deferral (instance, attempt, spec, since) SELECT id, attempt, ?, 1 FROM task_instance "
        "WHERE run = ? AND state = 'deferred'",
        (waits, RUN),
    )
    database.write(lambda: pools.declare(database, {"crm": 2}))
    database.write(lambda: pools.put(database, "spare", 3, "command"))
    database.execute(
        "INSERT INTO pool_claim (instance, run, pool, slots, precedence, ready, granted) "
        "SELECT id, run, 'crm', 1, 0, 5, CASE WHEN run = ? THEN 0 ELSE 1 END FROM task_instance WHERE task = 't1'",
        (RUN,),
    )
    database.execute(
        "INSERT INTO request (run, kind, detail, created) SELECT id, 'clear', '{\"units\": [], \"version\": \"' || version || '\"}', 3 "
        "FROM run WHERE id = ?",
        (RUN,),
    )
    for name, disabled in (("mira", None), ("gone", 4.0)):
        add_user(seeded, name, "viewer")
        database.execute("UPDATE account SET disabled = ? WHERE name = ?", (disabled, name))
    add_token(seeded, "ci", "operator")
    for number in range(500):
        database.execute(
            "INSERT INTO audit (at, who, via, address, action, object, detail, outcome) "
            "VALUES (?, 'mira', 'session', '', 'run.clear', ?, '{}', 'queued')",
            (number, RUN),
        )
    database.close()
    made = hosted_by(seeded, address_of("127.0.0.1", 8080))
    yield made
    made.site.hub.close()


@pytest.fixture(scope="module")
def admin(large: Hosted) -> Browser:
    browser = large.token("root", "admin")
    # That a token was used is noted now and then, whichever page it is used for.
    assert browser.get("/about").status_code == 200
    return browser


OF_ALL_TASKS = (f"/runs/{RUN}?all=1", "/pipelines/p000")
"""They draw each of the 400 tasks."""
NOT_OURS = ("oidc", "oidc_back")
"""They lead to who knows the account, and back."""


@pytest.mark.parametrize(
    "route", [each for each in TABLE.routes if each.kind is Kind.PAGE and each.method == "GET"]
)
def test_every_page_is_among_those_that_are_weighed(route: Route) -> None:
    pattern = re.sub(r"\\{[a-z]+\\}", "[^/]+", re.escape(route.path))
    weighed = [path for path in PAGES if re.fullmatch(pattern, path.partition("?")[0])]
    assert weighed or route.name in NOT_OURS


@pytest.fixture
def asked(large: Hosted, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements of a request: those of reads, and those by the driver's own cursor."""
    found: list[str] = []

    def note(statement: str) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN")):
            found.append(statement)

    def read(_: object, __: object, statement: str, *___: object) -> None:
        note(statement)

    execute = Database.execute

    def counted(self: Database, statement: str, *more: Any) -> Any:
        note(statement)
        return execute(self, statement, *more)

    monkeypatch.setattr(Database, "execute", counted)
    sa.event.listen(large.site.engine, "before_cursor_execute", read)
    yield found
    sa.event.remove(large.site.engine, "before_cursor_execute", read)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_and_asks_little(admin: Browser, asked: list[str], path: str) -> None:
    answer = admin.get(path)
    assert answer.status_code == (303 if path == "/login" else 200)
    assert 0 < len(asked) <= QUERIES, "\n".join(asked)
    if path.partition("?")[0].endswith("/file"):
        return  # as long as the log is
    assert len(gzip.compress(answer.content)) < BYTES
    if not any(path.startswith(each) for each in OF_ALL_TASKS):
        assert len(answer.content) < BYTES
