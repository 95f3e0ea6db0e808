"""Reads for the pages: what several runs are about, each in one query."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa

from yamldag.plan.state import FINAL, RUN_FINAL, Event
from yamldag.store.approvals import asked
from yamldag.store.tables import attempt, event, pipeline, run, runner, task_instance

Rows = list[sa.RowMapping]

_OPEN = ("running", "queued")
_SHOWN = [
    run.c[name]
    for name in ("id", "pipeline", "version", "type", "state", "logical_date", "created", "started", "ended")
]
"""Of a run in a list: without params, which may be long."""
Shown: TypeAlias = "sa.RowMapping | Mapping[str, Any]"
"""Those of a run, and more."""


def newest_runs(
    db: sa.Connection, per: int = 10, of: Collection[str] | None = None
) -> dict[str, list[Shown]]:
    """Of each pipeline, or of these, its newest runs by logical date, the newest first."""
    found: dict[str, list[Shown]] = {}
    for values in plain(db, _newest(per, of)):
        rows = found.setdefault(values[_PIPELINE], [])
        if len(rows) < per:
            rows.append(dict(zip(_NAMES, values, strict=True)))
    return found


class Lately(NamedTuple):
    """Of a pipeline."""

    newest: Shown
    """Its newest run."""
    ends: list[tuple[str, float | None, float | None]]
    """Of its newest runs, the newest first: state, started, ended."""


def lately(db: sa.Connection, per: int, of: Collection[str]) -> dict[str, Lately]:
    """Of each of these pipelines that has runs; so many of them, where lists show many pipelines."""
    found: dict[str, Lately] = {}
    for values in plain(db, _newest(per, of)):
        one = found.get(values[_PIPELINE])
        if one is None:
            one = found[values[_PIPELINE]] = Lately(dict(zip(_NAMES, values, strict=True)), [])
        if len(one.ends) < per:
            one.ends.append((values[_STATE], values[_STARTED], values[_ENDED]))
    return found


_NAMES = [column.name for column in _SHOWN]
_PIPELINE, _STATE, _STARTED, _ENDED = map(_NAMES.index, ("pipeline", "state", "started", "ended"))


def _newest(per: int, of: Collection[str] | None) -> sa.Select[Any]:
    inner = run.alias()
    border = (
        sa.select(inner.c.logical_date)
        .where(inner.c.pipeline == pipeline.c.id)
        .order_by(inner.c.logical_date.desc())
        .limit(1)
        .offset(per - 1)
        .correlate(pipeline)
        .scalar_subquery()
    )
    newest = sa.and_(run.c.pipeline == pipeline.c.id, run.c.logical_date >= sa.func.coalesce(border, ""))
    query = (
        sa.select(*_SHOWN)
        .select_from(pipeline.join(run, newest))
        .order_by(run.c.logical_date.desc(), run.c.created.desc())
    )
    return query if of is None else query.where(pipeline.c.id.in_(sorted(of)))


def _of_last_over(column: str) -> sa.ScalarSelect[str]:
    """That column of a pipeline's newest run that is over, by logical date."""
    inner = run.alias()
    return (
        sa.select(inner.c[column])
        .where(inner.c.pipeline == pipeline.c.id, inner.c.state.in_(sorted(RUN_FINAL)))
        .order_by(inner.c.logical_date.desc(), inner.c.created.desc())
        .limit(1)
        .correlate(pipeline)
        .scalar_subquery()
    )


def last_over(db: sa.Connection) -> dict[str, sa.RowMapping]:
    """Of each pipeline the newest run that is over, by logical date."""
    query = sa.select(*_SHOWN).select_from(pipeline.join(run, run.c.id == _of_last_over("id")))
    return {row["pipeline"]: row for row in db.execute(query).mappings()}


def last_states(db: sa.Connection) -> dict[str, str]:
    """Of each pipeline how its newest run that is over, by logical date, has ended."""
    state = _of_last_over("state")
    return {name: state for name, state in plain(db, sa.select(pipeline.c.id, state)) if state is not None}


def plain(db: sa.Connection, query: sa.Select[Any]) -> Sequence[tuple[Any, ...]]:
    """The rows as the driver gives them: for many of them, of kinds that every driver knows."""
    cursor = db.execute(query).cursor
    assert cursor is not None
    return cursor.fetchall()


class Open(NamedTuple):
    """The runs of a pipeline that run and wait."""

    running: int = 0
    queued: int = 0
    oldest: str | None = None
    """The logical date of the first one that the schedule made and that waits."""


def open_counts(db: sa.Connection) -> dict[str, Open]:
    """Of each pipeline that has such runs."""
    of_ticks = sa.func.min(sa.case((run.c.type == "scheduled", run.c.logical_date)))
    query = (
        sa.select(run.c.pipeline, run.c.state, sa.func.count(), of_ticks)
        .where(run.c.state.in_(_OPEN))
        .group_by(run.c.pipeline, run.c.state)
    )
    found: dict[str, Open] = {}
    for name, state, number, oldest in db.execute(query):
        old = found.get(name, Open())
        is_queued = state == "queued"
        found[name] = (
            old._replace(queued=number, oldest=oldest) if is_queued else old._replace(running=number)
        )
    return found


def failing(db: sa.Connection) -> set[tuple[str, str]]:
    """(pipeline, task) of what has failed in runs that go on."""
    query = (
        sa.select(run.c.pipeline, task_instance.c.task)
        .join(task_instance, task_instance.c.run == run.c.id)
        .where(run.c.state == "running", task_instance.c.state == "failed")
        .distinct()
    )
    return {(name, task) for name, task in db.execute(query)}


class Harm(NamedTuple):
    """Of a run what failed first, how much is stopped by what failed, and what failed."""

    first: sa.RowMapping
    """Of `task_instance`, with the log of its newest attempt."""
    stopped: tuple[str, ...]
    """Tasks that are `upstream_failed`."""


def harms(db: sa.Connection, runs: Collection[str]) -> dict[str, Harm]:
    """Of each failed run in which a task has failed: what it was, and what it stops."""
    query = (
        sa.select(task_instance, attempt.c.log)
        .outerjoin(attempt, attempt.c.id == task_instance.c.attempt)
        .where(task_instance.c.run.in_(list(runs)), task_instance.c.state.in_(("failed", "upstream_failed")))
        .order_by(task_instance.c.ended, task_instance.c.id)
    )
    firsts: dict[str, sa.RowMapping] = {}
    stopped: dict[str, dict[str, None]] = {}
    for row in db.execute(query).mappings():
        if row["state"] == "failed":
            firsts.setdefault(row["run"], row)
        else:
            stopped.setdefault(row["run"], {})[row["task"]] = None
    return {name: Harm(first, tuple(stopped.get(name, ()))) for name, first in firsts.items()}


class Going(NamedTuple):
    """Of a run under way."""

    done: int
    total: int
    at: str | None
    """The id of a task that runs."""
    running: int
    """Instances that run."""
    failed: int
    held: tuple[str, str, int] | None = None
    """Of one of which nothing runs: a state in which tasks wait, the id of one that does, and how many do."""


_HELD = ("up_for_retry", "scheduled", "queued", "deferred")
"""States in which a task waits, what one would look at first before the others."""


def going(db: sa.Connection, runs: Collection[str]) -> dict[str, Going]:
    """Of each run how far it is, and what it is at."""
    found: dict[str, Going] = {}
    query = (
        sa.select(
            task_instance.c.run, task_instance.c.state, sa.func.count(), sa.func.min(task_instance.c.task)
        )
        .where(task_instance.c.run.in_(list(runs)))
        .group_by(task_instance.c.run, task_instance.c.state)
    )
    for name, state, number, task in db.execute(query):
        old = found.get(name, Going(0, 0, None, 0, 0))
        found[name] = Going(
            old.done + (number if state in FINAL else 0),
            old.total + number,
            task if state == "running" else old.at,
            number if state == "running" else old.running,
            number if state == "failed" else old.failed,
            _first_held(old.held, (state, task, number)),
        )
    return found


def _first_held(old: tuple[str, str, int] | None, new: tuple[str, str, int]) -> tuple[str, str, int] | None:
    rank = _HELD.index
    return new if new[0] in _HELD and (old is None or rank(new[0]) < rank(old[0])) else old


def past_deadline(db: sa.Connection, runs: Collection[str]) -> set[str]:
    """Those of these runs of which it is recorded that their deadline has passed."""
    query = sa.select(event.c.run).where(event.c.run.in_(list(runs)), event.c.event == Event.DEADLINE.value)
    return {row.run for row in db.execute(query)}


def by_hour(db: sa.Connection, since: str) -> dict[str, dict[str, int]]:
    """How many runs of each state there are of each hour (`2026-11-20T03`, in UTC) of logical dates since then."""
    hour = sa.func.substr(run.c.logical_date, sa.literal_column("1"), sa.literal_column("13")).label("hour")
    query = (
        sa.select(hour, run.c.state, sa.func.count())
        .where(run.c.state.in_(sorted((*RUN_FINAL, *_OPEN))), run.c.logical_date >= since)
        .group_by(hour, run.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for at, state, number in db.execute(query):
        found.setdefault(at, {})[state] = int(number)
    return found


def open_runs(db: sa.Connection, limit: int = 50) -> Rows:
    """Those that run or wait, the oldest first, and with them who moves them, and how many of their tasks ask a
    person (`asks`)."""
    query = (
        sa.select(run, runner.c.kind, runner.c.ended.label("owner_ended"), asked().label("asks"))
        .outerjoin(runner, runner.c.id == run.c.owner)
        .where(run.c.state.in_(("running", "queued")))
        .order_by(run.c.state.desc(), run.c.logical_date, run.c.id)
        .limit(limit)
    )
    return list(db.execute(query).mappings())


def runs_after(
    db: sa.Connection,
    place: tuple[float, str] | None,
    limit: int,
    *,
    pipeline: str | None = None,
    state: str | None = None,
    type: str | None = None,  # noqa: A002
    since: float | None = None,
) -> Rows:
    """The newest first, those after the run of that moment and id."""
    query = sa.select(run).order_by(run.c.created.desc(), run.c.id.desc()).limit(limit)
    if place is not None:
        created, name = place
        query = query.where(
            sa.or_(run.c.created < created, sa.and_(run.c.created == created, run.c.id < name))
        )
    for column, value in ((run.c.pipeline, pipeline), (run.c.state, state), (run.c.type, type)):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(run.c.created >= since)
    return list(db.execute(query).mappings())


def progress(db: sa.Connection, runs: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Of each run, how many of its instances have ended, and how many there are."""
    done = sa.func.sum(sa.case((task_instance.c.state.in_(sorted(FINAL)), 1), else_=0))
    query = (
        sa.select(task_instance.c.run, done, sa.func.count())
        .where(task_instance.c.run.in_(list(runs)))
        .group_by(task_instance.c.run)
    )
    return {name: (int(ended), int(total)) for name, ended, total in db.execute(query)}


def attempts_of(db: sa.Connection, run_id: str, task: str, index: int) -> Rows:
    """The attempts of one instance, the first one first."""
    query = (
        sa.select(attempt)
        .join(task_instance, task_instance.c.id == attempt.c.instance)
        .where(
            task_instance.c.run == run_id, task_instance.c.task == task, task_instance.c.map_index == index
        )
        .order_by(attempt.c.number)
    )
    return list(db.execute(query).mappings())


def task_states(db: sa.Connection, run_id: str, limit: int = 2000) -> list[sa.Row[Any]]:
    """(task, map index, item, state, attempts, started, ended, reason, retry at, id) of each instance, by id."""
    columns = [task_instance.c[name] for name in ("task", "map_index", "item", "state", "attempts")]
    columns += [task_instance.c[name] for name in ("started", "ended", "reason", "retry_at", "id")]
    query = sa.select(*columns).where(task_instance.c.run == run_id).order_by(task_instance.c.id).limit(limit)
    return list(db.execute(query))
