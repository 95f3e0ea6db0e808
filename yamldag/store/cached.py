"""Outputs that are kept for tasks with a `cache`, by the driver's own cursor."""

from __future__ import annotations

from yamldag.store.database import Database


def find(database: Database, key: str, since: float | None) -> tuple[str | None, str | None] | None:
    """The output that is kept under that hash, as JSON, and the run that it is of, if that is still recorded.

    None: there is none that was made after `since`.
    """
    row = database.execute(
        "SELECT cached.value, cached.created, task_instance.run FROM cached "
        "LEFT JOIN task_instance ON task_instance.id = cached.instance WHERE cached.hash = ?",
        (key,),
    ).fetchone()
    if row is None or (since is not None and row[1] <= since):
        return None
    return row[0], row[2]
