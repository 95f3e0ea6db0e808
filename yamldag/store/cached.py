"""Outputs that are kept for tasks with a `cache`, by the driver's own cursor."""

from __future__ import annotations

from yamldag.store.database import Database


def find(
    database: Database, key: str, since: float | None, run: str, task: str
) -> tuple[str | None, str | None] | None:
    """The output that is kept under that hash, as JSON, and the run that it is of, if that is still recorded.

    None: there is none that was made after `since`, or the task was cleared in this run, and is to run again.
    """
    row = database.execute(
        "SELECT cached.value, cached.created, task_instance.run FROM cached "
        "LEFT JOIN task_instance ON task_instance.id = cached.instance WHERE cached.hash = ?",
        (key,),
    ).fetchone()
    if row is None or (since is not None and row[1] <= since) or _was_cleared(database, run, task):
        return None
    return row[0], row[2]


def _was_cleared(database: Database, run: str, task: str) -> bool:
    row = database.execute(
        "SELECT 1 FROM event JOIN task_instance ON task_instance.id = event.instance "
        "WHERE event.run = ? AND event.event = 'clear' AND task_instance.task = ? LIMIT 1",
        (run, task),
    ).fetchone()
    return row is not None
