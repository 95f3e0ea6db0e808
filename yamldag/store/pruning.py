"""Deletes what is known of runs that ended long ago, in portions between which others get on.

Versions of pipelines stay: their numbers count them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yamldag.store.database import Database

PORTION = 20
"""Runs that are deleted in one transaction."""
_ENDED = "state IN ('success', 'failed', 'cancelled')"
_OF_INSTANCES = ("output", "attempt", "deferral", "pool_claim")
_OF_RUNS = ("event", "asset_update", "notification", "request", "task_instance")
# Runs that others still need: updates that nobody has used up, and the answer to a task that waits for its call.
_UNUSED = (
    "SELECT 1 FROM asset_update JOIN asset_use ON asset_use.asset = asset_update.asset "
    "AND asset_use.last < asset_update.id WHERE asset_update.run = run.id"
)
_AWAITED = (
    "SELECT 1 FROM task_instance JOIN run calling ON calling.id = task_instance.run "
    "WHERE task_instance.id = run.caller AND calling.state IN ('queued', 'running')"
)


def prunable(database: Database, before: float, keep: int) -> list[str]:
    """The ids of the runs that ended before that moment, the oldest first. Of each pipeline and type the `keep`
    newest stay, and so do those that somebody still needs."""
    rows = database.execute(
        "SELECT id FROM ("  # noqa: S608  (our own text)
        "SELECT id, ended, row_number() OVER (PARTITION BY pipeline, type ORDER BY logical_date DESC, created DESC) "
        f"AS place FROM run WHERE {_ENDED} AND NOT EXISTS ({_UNUSED}) AND NOT EXISTS ({_AWAITED})"
        ") known WHERE ended < ? AND place > ? ORDER BY ended, id",
        (before, keep),
    )
    return [str(row[0]) for row in rows]


def prune(database: Database, runs: Sequence[str]) -> Iterator[list[str]]:
    """Delete all that is known of these runs; after each transaction the ids of those that are gone. A run that
    has begun again meanwhile stays."""
    for first in range(0, len(runs), PORTION):
        portion = list(runs[first : first + PORTION])
        yield database.write(lambda portion=portion: _delete(database, portion))  # type: ignore[misc]


def _delete(database: Database, runs: Sequence[str]) -> list[str]:
    rows = database.execute(
        f"SELECT id FROM run WHERE id IN ({_marks(runs)}) AND {_ENDED}{database.for_update}",  # noqa: S608
        runs,
    )
    held = {row[0] for row in rows}
    gone = [run for run in runs if run in held]
    if not gone:
        return []
    marks = _marks(gone)
    for table in _OF_INSTANCES:
        database.execute(
            f"DELETE FROM {table} WHERE instance IN (SELECT id FROM task_instance WHERE run IN ({marks}))",  # noqa: S608
            gone,
        )
    for table in _OF_RUNS:
        database.execute(f"DELETE FROM {table} WHERE run IN ({marks})", gone)  # noqa: S608
    database.execute(f"DELETE FROM run WHERE id IN ({marks})", gone)  # noqa: S608
    return gone


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" for _ in values)
