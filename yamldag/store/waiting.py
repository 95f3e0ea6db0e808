"""What deferred attempts ask of other runs, by the driver's own cursor."""

from __future__ import annotations

from yamldag.plan.state import RUN_FINAL
from yamldag.store.database import Database


def has_succeeded(database: Database, pipeline: str, date: str, task: str | None) -> bool:
    """Whether a run of that pipeline and logical date is a success, or that task of it, all its instances."""
    if task is None:
        found = database.execute(
            "SELECT 1 FROM run WHERE pipeline = ? AND logical_date = ? AND state = 'success' LIMIT 1",
            (pipeline, date),
        ).fetchone()
        return found is not None
    rows = database.execute(
        "SELECT run.id, task_instance.state FROM run JOIN task_instance ON task_instance.run = run.id "
        "WHERE run.pipeline = ? AND run.logical_date = ? AND task_instance.task = ?",
        (pipeline, date, task),
    ).fetchall()
    states: dict[str, set[str]] = {}
    for run, state in rows:
        states.setdefault(run, set()).add(state)
    return any("success" in each and each <= {"success", "skipped", "removed"} for each in states.values())


def ended(database: Database, run: str) -> tuple[str, str | None] | None:
    """The state and the reason of a run that is over; None while it is not."""
    row = database.execute("SELECT state, reason FROM run WHERE id = ?", (run,)).fetchone()
    assert row is not None
    return (row[0], row[1]) if row[0] in RUN_FINAL else None


def outputs(database: Database, run: str) -> list[tuple[str, int, str, str | None]]:
    """(task, map index, state, output as JSON) of every instance, in the order of the items."""
    rows = database.execute(
        "SELECT task_instance.task, task_instance.map_index, task_instance.state, output.value "
        "FROM task_instance LEFT JOIN output ON output.instance = task_instance.id "
        "WHERE task_instance.run = ? ORDER BY task_instance.task, task_instance.map_index",
        (run,),
    ).fetchall()
    return [(row[0], row[1], row[2], row[3]) for row in rows]
