"""The lives of engines: who is at work on this database, who is over, and who goes on with what they left.

A life beats with each of its writes (see `Database.live`). Setting its `ended` is what ends it for everyone: the
lock of its row puts that after each of its writes that count, and none comes after. The caller owns the
transactions.
"""

from __future__ import annotations

from typing import NamedTuple

from yamldag.store.database import Database

SCHEDULERS = ("serve", "scheduler")
"""The kinds of lives that schedule, and go on with each other's runs."""
_LEADER = "scheduler"


class Seen(NamedTuple):
    """A life that has not ended, or has and still owns runs under way."""

    id: int
    kind: str
    host: str
    boot: str | None
    pid: int
    executor: str
    silent: float
    """Seconds since it beat last, or ended, by the database's clock."""
    ended: bool
    step: int = 0
    """How often it has written: whether it is silent can be seen without any clock of others."""


class Member(NamedTuple):
    """A scheduler at work."""

    id: int
    slots: int | None
    runs: int
    """How many it moves."""


def seen(database: Database, me: int) -> list[Seen]:
    """All lives but mine, as `Seen` says."""
    columns = "runner.id, kind, host, boot, pid, executor"
    rows = database.execute(
        f"SELECT {columns}, {database.clock} - seen, 0, step FROM runner WHERE ended IS NULL AND runner.id <> ? "  # noqa: S608
        f"UNION ALL SELECT {columns}, {database.clock} - ended, 1, step FROM runner "
        "JOIN (SELECT DISTINCT owner FROM run WHERE state = 'running') busy ON busy.owner = runner.id "
        "WHERE ended IS NOT NULL",
        (me,),
    )
    return [Seen._make((*row[:-2], bool(row[-2]), row[-1])) for row in rows.fetchall()]


def inherit(database: Database, life: Seen, heir: int | None, stop: str | None = None) -> bool:
    """End a life, and let `heir` own its runs (None: it has none). False: someone else is at it.

    With `stop`, the runs are to end by that.
    """
    free = database.execute(f"SELECT id FROM runner WHERE id = ?{database.skip_locked}", (life.id,))  # noqa: S608
    if not free.fetchall():
        return False  # it is writing, or another heir is
    ended = database.execute(
        f"UPDATE runner SET ended = {database.clock} WHERE id = ? AND ended IS NULL",  # noqa: S608
        (life.id,),
    ).rowcount
    if heir is None:
        return ended == 1
    moved = database.execute(
        "UPDATE run SET owner = ?, stop = COALESCE(stop, ?) WHERE owner = ? AND state = 'running'",
        (heir, stop, life.id),
    ).rowcount
    return ended == 1 or moved > 0


def runs_of(database: Database, owner: int) -> dict[str, str]:
    """The runs under way that a life owns, each with its pipeline."""
    rows = database.execute("SELECT id, pipeline FROM run WHERE owner = ? AND state = 'running'", (owner,))
    return dict(rows.fetchall())


def running_attempts(database: Database, owner: int) -> dict[int, str]:
    """The attempts that are running, as far as is recorded, in the runs that a life owns: each with the executor
    that it was given to."""
    rows = database.execute(
        "SELECT attempt.id, runner.executor FROM run "
        "JOIN task_instance ON task_instance.run = run.id "
        "JOIN attempt ON attempt.id = task_instance.attempt "
        "JOIN runner ON runner.id = attempt.runner "
        "WHERE run.owner = ? AND run.state = 'running' AND attempt.state = 'running'",
        (owner,),
    )
    return dict(rows.fetchall())


def attempts_of(database: Database, run: str) -> list[int]:
    """The attempts of a run that are running, as far as is recorded."""
    rows = database.execute(
        "SELECT attempt.id FROM attempt JOIN task_instance ON task_instance.id = attempt.instance "
        "WHERE task_instance.run = ? AND attempt.state = 'running'",
        (run,),
    )
    return [row[0] for row in rows.fetchall()]


def losses(database: Database, owner: int) -> dict[int, int]:
    """Of the running task instances in the runs that a life owns: how many attempts before the newest were lost,
    one after the other."""
    rows = database.execute(
        "SELECT task_instance.id, COUNT(*) FROM run "
        "JOIN task_instance ON task_instance.run = run.id "
        "JOIN attempt ON attempt.instance = task_instance.id "
        "WHERE run.owner = ? AND run.state = 'running' AND task_instance.state = 'running' "
        "AND attempt.reason = 'lost' AND NOT EXISTS (SELECT 1 FROM attempt later "
        "WHERE later.instance = task_instance.id AND later.number > attempt.number AND later.reason <> 'lost') "
        "GROUP BY task_instance.id",
        (owner,),
    )
    return dict(rows.fetchall())


def all_running_attempts(database: Database) -> set[int]:
    return {row[0] for row in database.execute("SELECT id FROM attempt WHERE state = 'running'").fetchall()}


def executors(database: Database) -> set[str]:
    """Those of the lives that have not ended."""
    return {row[0] for row in database.execute("SELECT executor FROM runner WHERE ended IS NULL").fetchall()}


# Several schedulers


def lead(database: Database, me: int) -> float | None:
    """Lead the schedulers, if nobody does who lives: the seconds since the last leader was seen, None if it is
    another's to lead. Again and again as long as it leads."""
    row = database.execute(
        f"SELECT leadership.runner, runner.ended, {database.clock} - runner.seen FROM leadership "  # noqa: S608
        "JOIN runner ON runner.id = leadership.runner WHERE leadership.name = ?",
        (_LEADER,),
    ).fetchone()
    if row is None:
        first = database.add("INSERT INTO leadership (name, runner) VALUES (?, ?)", (_LEADER, me))
        return 0.0 if first else None
    leader, ended, silent = row
    if leader == me:
        return 0.0
    if ended is None:
        return None
    change = "UPDATE leadership SET runner = ? WHERE name = ? AND runner = ?"
    return float(silent) if database.execute(change, (me, _LEADER, leader)).rowcount == 1 else None


def withdraw(database: Database, me: int) -> None:
    """Take no more runs, and let another one lead."""
    database.execute("UPDATE runner SET slots = 0 WHERE id = ?", (me,))
    database.execute("DELETE FROM leadership WHERE runner = ?", (me,))


def members(database: Database, lease: float) -> list[Member]:
    """The schedulers that have been seen within the lease, and take runs."""
    rows = database.execute(
        "SELECT runner.id, runner.slots, COUNT(run.id) FROM runner "  # noqa: S608
        "LEFT JOIN run ON run.owner = runner.id AND run.state = 'running' "
        f"WHERE runner.ended IS NULL AND runner.kind IN (?, ?) AND {database.clock} - runner.seen < ? "
        "AND (runner.slots IS NULL OR runner.slots > 0) GROUP BY runner.id, runner.slots ORDER BY runner.id",
        (*SCHEDULERS, lease),
    )
    return [Member(*row) for row in rows.fetchall()]


def others_than(database: Database, boot: str) -> bool:
    """Whether schedulers of other machines are recorded as alive."""
    row = database.execute(
        "SELECT 1 FROM runner WHERE ended IS NULL AND kind IN (?, ?) AND (boot IS NULL OR boot <> ?) LIMIT 1",
        (*SCHEDULERS, boot),
    ).fetchone()
    return row is not None


def runs_elsewhere(database: Database, me: int) -> dict[str, str]:
    """The runs under way that other schedulers own, each with its pipeline."""
    rows = database.execute(
        "SELECT run.id, run.pipeline FROM run JOIN runner ON runner.id = run.owner "
        "WHERE run.state = 'running' AND run.owner <> ? AND runner.kind IN (?, ?)",
        (me, *SCHEDULERS),
    )
    return dict(rows.fetchall())


def ended_at(database: Database, run: str) -> float | None:
    """When a run ended; None: it has not."""
    row = database.execute("SELECT ended FROM run WHERE id = ?", (run,)).fetchone()
    return None if row is None else row[0]
