"""What all tabs of a pipeline's page share: its head, and the way from one to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from yamldag.engine.schedule.known import Known
from yamldag.plan import schedule
from yamldag.store import overview, views
from yamldag.store.overview import Shown
from yamldag.web.ask import Ask
from yamldag.web.pages import records
from yamldag.web.pages.links import TABS, tab_link


@dataclass(frozen=True, slots=True)
class Tab:
    name: str
    link: str
    key: int


def known_of(ask: Ask) -> Known | None:
    """The pipeline that is asked for."""
    return ask.site.board.status.pipelines.get(ask.path["pipeline"])


def missing(ask: Ask) -> Response:
    """There is no such pipeline, or none any more: then its runs are still there."""
    with ask.site.reading() as db:
        found = views.removed(db, ask.path["pipeline"])
    if not found:
        return ask.missing()
    [(name, file, since)] = found
    return ask.page("pipeline/removed.html", 404, pipeline=name, file=file, since=since)


def newest(db: sa.Connection, known: Known) -> Sequence[Shown]:
    """Its newest runs, the newest first."""
    return overview.newest_runs(db, records.BARS, [known.plan.pipeline]).get(known.plan.pipeline, [])


def tab_page(ask: Ask, known: Known, tab: str, runs: Sequence[Shown], /, **values: Any) -> Response:
    """The page with that tab open. `runs` are the newest ones of the pipeline, the newest first."""
    name, condition = known.plan.pipeline, known.schedule.assets
    kept = {key: ask.query(key) for key in ("run", "task")}
    return ask.page(
        f"pipeline/{tab}.html",
        pipeline=known,
        line=records.pipeline_line(known, runs, ask.site.board.status, ask.now),
        newest=records.run_line(runs[0], known, ask.now) if runs else None,
        waits_for=schedule.in_words(condition).replace("`", "") if condition is not None else "",
        produces=sorted({asset for task in known.plan.tasks for asset in task.produces}),
        acts=[act for act in ("backfill", "trigger") if ask.site.table.methods(f"/pipelines/x/{act}")],
        tab=tab,
        tabs=[
            Tab(each, tab_link(name, each, **(kept if each in TABS[:3] else {})), at)
            for at, each in enumerate(TABS, 1)
        ],
        **values,
    )
