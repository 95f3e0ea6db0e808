"""How much a page costs: at most ten queries, at most 200 KB over the wire, whatever it shows."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.web.conftest import Hosted, hosted_by
from tests.web.seeds import seed
from yamldag.store.database import open_database
from yamldag.web.address import address_of

QUERIES, BYTES = 10, 200_000
RUN = "p000-00039"
"""The one that goes on: 400 tasks."""
PAGES = (
    f"/runs/{RUN}", f"/runs/{RUN}?all=1", f"/runs/{RUN}?task=t399&find=line", f"/runs/{RUN}/task?task=t399",
    f"/runs/{RUN}/task?task=t0", "/runs/waits", "/runs/waits/task?task=t0", "/runs", "/runs?pipeline=p000&state=success",
    f"/runs/{RUN}/clear", f"/runs/{RUN}/mark?task=t0&state=failed", "/pipelines/p000/trigger",
    "/pipelines/p000/backfill?from=2026-01-01&to=2026-02-01", "/audit", "/pools", "/assets", "/about", "/connections",
    "/people", "/playground",
)  # fmt: skip


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    seeded = seed(Path(tmp_path_factory.mktemp("large")), pipelines=2, runs=40, tasks=400)
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
        "UPDATE task_instance SET state = 'none', attempts = 0 WHERE run = ? AND task = 't0'", (RUN,)
    )
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


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_and_asks_little(large: Hosted, path: str) -> None:
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN")):
            asked.append(statement)

    sa.event.listen(large.site.engine, "before_cursor_execute", note)
    try:
        answer = large.anyone.get(path)
    finally:
        sa.event.remove(large.site.engine, "before_cursor_execute", note)
    assert answer.status_code == 200
    assert 0 < len(asked) <= QUERIES, "\n".join(asked)
    assert len(gzip.compress(answer.content)) < BYTES
    if "all=1" not in path:
        assert len(answer.content) < BYTES
