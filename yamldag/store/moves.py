"""All writes. The caller owns the transaction, but for `store`: its transaction is one step of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from yamldag.store import statements as sql
from yamldag.store.database import Database, Taken
from yamldag.store.pools import NOTHING, Answer, Ask, grant
from yamldag.store.rows import Batch, NewRun, Uncalled


class Lost(Exception):  # noqa: N818
    """A conditional write found its row otherwise than expected: someone else has moved it."""


class Stored(NamedTuple):
    """What has come of storing a step."""

    lost: set[str]
    """Runs that someone else has moved meanwhile: they are left as they are."""
    answer: Answer = NOTHING


def store(
    database: Database, batches: Mapping[str, Batch], asks: Sequence[Ask] = (), runner: int = 0
) -> Stored:
    """Write the step of each run, and answer who asks for slots of pools, all in one transaction. `runner` is the
    life that asks."""

    def write_all() -> Answer:
        for batch in batches.values():
            _write(database, batch)
        return grant(database, asks, runner) if asks else NOTHING

    try:
        return Stored(set(), database.write(write_all))
    except Lost:
        lost = _store_one_by_one(database, batches)
    return Stored(lost, database.write(partial(grant, database, asks, runner)) if asks else NOTHING)


def _store_one_by_one(database: Database, batches: Mapping[str, Batch]) -> set[str]:
    lost = set()
    for run, batch in batches.items():
        try:
            database.write(partial(_write, database, batch))
        except Lost:
            lost.add(run)
    return lost


def _write(database: Database, batch: Batch) -> None:
    for row in batch.forgotten:
        database.execute(sql.FORGET, row)
    work: tuple[tuple[str, Sequence[Sequence[Any]]], ...] = (
        (sql.MOVE_RUN, batch.run),
        (sql.ANSWER, batch.answers),
        (sql.UNMAP, batch.unmapped),
        (sql.EXPAND, batch.expansions),
        (sql.NEW_INSTANCE, batch.new_instances),
        (sql.NEW_ATTEMPT, batch.new_attempts),
        (sql.END_ATTEMPT, batch.attempt_ends),
        (sql.END_DEFERRAL, batch.deferral_ends),
        (sql.NEW_DEFERRAL, batch.deferrals),
        (sql.MOVE_INSTANCE, batch.instances),
        (sql.NEW_RUN, batch.called),
        (sql.OUTPUT, batch.outputs),
        (sql.EVENT, batch.events),
        (sql.UNCLAIM, batch.unclaims),
        (sql.NOTIFICATION, batch.notifications),
    )
    for statement, rows in work:
        if rows and _many(database, statement, rows) != len(rows):
            raise Lost
    if batch.asset_updates:
        _one_at_a_time(database)
        database.many(sql.ASSET_UPDATE, batch.asset_updates)
    for each in batch.uncalled:
        _end_called(database, each)
    if batch.disclaims:
        database.many(sql.UNCLAIM, batch.disclaims)
    if batch.claims:
        _many(database, sql.NEW_CLAIM, batch.claims)
    for kept in sorted(batch.kept):
        database.put("cached", kept._asdict(), ("hash",))


def _one_at_a_time(database: Database) -> None:
    """Hold whoever else updates assets until the commit: ids are then seen in their order, and who reads on from
    the newest one that it has seen misses none."""
    database.execute(sql.ONE_BY_ONE + database.for_update).fetchall()


def _end_called(database: Database, what: Uncalled) -> None:
    """At once if it has not begun; else whoever moves it is asked to."""
    run, now = what
    words = "the run was cancelled"
    ended = database.execute(
        "UPDATE run SET state = 'cancelled', stop = 'cancel', ended = ?, reason = ? "
        "WHERE id = ? AND state = 'queued'",
        (now, words, run),
    )
    if ended.rowcount:
        database.execute(sql.EVENT, (run, None, None, "cancel", "cancelled", now, words))
        return
    database.execute(
        "INSERT INTO request (run, kind, detail, created) "
        "SELECT id, 'cancel', '{}', ? FROM run WHERE id = ? AND state = 'running'",
        (now, run),
    )


def _many(database: Database, statement: str, rows: Sequence[Sequence[Any]]) -> int:
    """Someone else may have made the row; any other constraint would be a mistake of ours."""
    try:
        return database.many(statement, rows)
    except Taken as taken:
        raise Lost from taken


class Life(NamedTuple):
    """What is recorded of an engine's life."""

    kind: str
    host: str
    pid: int
    executor: str
    started: float
    boot: str | None = None
    """Of the machine and its process ids: equal ones see each other."""
    slots: int | None = None
    """How many attempts it runs at once; None: no bound."""


def begin_runner(database: Database, life: Life) -> int:
    """Record a life of an engine. Its id is new, ever."""

    columns = f"{', '.join(Life._fields)}, seen"
    statement = f"INSERT INTO runner ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, {database.clock})"  # noqa: S608
    return database.write(lambda: database.insert(statement, life))


def end_runner(database: Database, runner: int) -> None:
    """A life ends by itself. What it still owns is for whoever takes it over."""
    ended = f"UPDATE runner SET ended = {database.clock} WHERE id = ? AND ended IS NULL"  # noqa: S608
    database.write(lambda: database.execute(ended, (runner,)))


class Version(NamedTuple):
    """A plan to keep, as JSON text."""

    pipeline: str
    file: str
    hash: str
    plan: str
    seen: float


def save_version(database: Database, version: Version) -> None:
    """Keep a plan, and let it be its pipeline's newest version."""
    name, file, mark, plan, seen = version
    if not database.add(
        "INSERT INTO pipeline (id, file, version, first_seen, changed) VALUES (?, ?, ?, ?, ?)",
        (name, file, mark, seen, seen),
    ):
        database.execute(
            "UPDATE pipeline SET file = ?, version = ?, changed = ? "
            "WHERE id = ? AND (version <> ? OR file <> ?)",
            (file, mark, seen, name, mark, file),
        )
    database.add(
        "INSERT INTO pipeline_version (hash, pipeline, plan, created) VALUES (?, ?, ?, ?)",
        (mark, name, plan, seen),
    )


def add_pipeline(database: Database, version: Version) -> None:
    """Record a pipeline that is not recorded yet, with this plan."""
    name, file, mark, plan, seen = version
    if database.add(
        "INSERT INTO pipeline (id, file, version, first_seen, changed) VALUES (?, ?, ?, ?, ?)",
        (name, file, mark, seen, seen),
    ):
        database.add(
            "INSERT INTO pipeline_version (hash, pipeline, plan, created) VALUES (?, ?, ?, ?)",
            (mark, name, plan, seen),
        )


def create_run(database: Database, row: NewRun) -> bool:
    """Record a run. False if its id, or its tick, is taken."""
    return database.add(sql.NEW_RUN, row)


def start_run(database: Database, run: str, version: str, owner: int, now: float) -> bool:
    """Fix a queued run's plan and let an engine own it. False if it is no longer queued."""
    cursor = database.execute(
        "UPDATE run SET state = 'running', version = ?, owner = ?, started = ? WHERE id = ? AND state = 'queued'",
        (version, owner, now, run),
    )
    return cursor.rowcount == 1


def runs_by_hand(database: Database, host: str) -> bool:
    """Whether a running run is one that `yamldag run` began on this machine."""
    row = database.execute(
        "SELECT 1 FROM run JOIN runner ON runner.id = run.owner "
        "WHERE run.state = 'running' AND runner.kind IN ('local', 'heir') AND runner.host = ? LIMIT 1",
        (host,),
    ).fetchone()
    return row is not None
