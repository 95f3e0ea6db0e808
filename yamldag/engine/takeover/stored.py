"""A run as its rows have it, for an engine that goes on with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from yamldag.engine import folders, times
from yamldag.engine.memory.earlier import earlier_outputs
from yamldag.engine.memory.reading import read_only, read_params, read_plan, reading
from yamldag.engine.memory.rebuild import StoredInstance, rebuild
from yamldag.engine.memory.run import Run
from yamldag.plan.state import TaskState
from yamldag.store import assets, views

if TYPE_CHECKING:
    import sqlalchemy as sa


def stored_run(
    db: sa.Connection, row: sa.RowMapping, url: str, owner: int, ids: Iterator[int], folder: Path
) -> tuple[Run, bool]:
    """The run of that row with its instances, and whether it has none yet. `folder`: the project's `.yamldag`.

    Raises Unreadable.
    """
    plan = read_plan(views.plan(db, row["version"]), row["version"])
    only = read_only(row["only_tasks"])
    run = Run(
        row["id"],
        plan,
        owner,
        row["type"],
        row["logical_date"],
        row["data_interval_start"],
        row["data_interval_end"],
        read_params(row["params"]),
        str(folder.absolute() / "runs" / row["id"]),
        str(folder.absolute() / "logs" / row["id"]),
        only,
        assets=_assets(row["assets"]),
        backfill=row["backfill"],
        started=row["started"],
        late=plan.deadline is not None and views.is_late(db, row["id"]),
        stop=row["stop"],
        reason=row["reason"],
    )
    if only is not None:
        with reading("an output that it needs"):
            run.earlier = earlier_outputs(url, plan, only)
    folders.make(run.folder)
    rows = [StoredInstance._make(each) for each in views.instances(db, run.id)]
    with reading("its tasks"):
        rebuild(run, rows, ids, views.deferrals(db, run.id))
        if any(row.task not in run.nodes and row.state != TaskState.REMOVED for row in rows):
            raise LookupError
    return run, not rows


def _assets(text: str | None) -> list[dict[str, str]]:
    with reading("the assets that started it"):
        found = assets.read(text)
        for each in found:
            times.read(each["at"])
        return found
