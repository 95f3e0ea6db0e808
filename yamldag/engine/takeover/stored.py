"""A run as its rows have it, for an engine that goes on with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from yamldag.engine import folders
from yamldag.engine.memory.earlier import earlier_outputs
from yamldag.engine.memory.rebuild import StoredInstance, rebuild
from yamldag.engine.memory.run import Run
from yamldag.plan.pipeline import from_text
from yamldag.store import assets, views

if TYPE_CHECKING:
    import sqlalchemy as sa


def stored_run(
    db: sa.Connection, row: sa.RowMapping, url: str, owner: int, ids: Iterator[int], folder: Path
) -> tuple[Run, bool]:
    """The run of that row with its instances, and whether it has none yet. `folder`: the project's `.yamldag`."""
    text = views.plan(db, row["version"])
    assert text is not None
    plan = from_text(text)
    only = None if row["only_tasks"] is None else frozenset(json.loads(row["only_tasks"]))
    run = Run(
        row["id"],
        plan,
        owner,
        row["type"],
        row["logical_date"],
        row["data_interval_start"],
        row["data_interval_end"],
        json.loads(row["params"]),
        str(folder.absolute() / "runs" / row["id"]),
        str(folder.absolute() / "logs" / row["id"]),
        only,
        assets=assets.read(row["assets"]),
        backfill=row["backfill"],
        started=row["started"],
        late=plan.deadline is not None and views.is_late(db, row["id"]),
        stop=row["stop"],
        reason=row["reason"],
    )
    if only is not None:
        run.earlier = earlier_outputs(url, plan, only)
    folders.make(run.folder)
    rows = [StoredInstance._make(each) for each in views.instances(db, run.id)]
    return rebuild(run, rows, ids, views.deferrals(db, run.id)), not rows
