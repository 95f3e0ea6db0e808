"""What commands and pages do to runs: at once where no engine moves the run, else by asking the one that does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from yamldag.engine import times
from yamldag.engine.asking.naming import units
from yamldag.engine.asking.rows import Row, index_of
from yamldag.engine.loop.requests import detail_of, wish_of
from yamldag.engine.memory.params import resolve
from yamldag.engine.memory.reading import Unreadable, read_only, read_params, read_plan
from yamldag.engine.memory.reasons import REASONS, marked
from yamldag.engine.memory.rebuild import StoredInstance
from yamldag.engine.memory.run import UNMAPPED, narrowed
from yamldag.engine.refused import Refused
from yamldag.engine.step.choice import Choice, Fact, Wish, choose
from yamldag.plan.pipeline import Plan, Task
from yamldag.plan.state import TaskState
from yamldag.store import clears, moves, requests, schedules, views
from yamldag.store.clears import ClearedRow, Requeued
from yamldag.store.database import Database
from yamldag.store.moves import Lost, Version

_TIMES = 5
"""How often a clear is tried whose run is moved in the same moment."""


def cancel(database: Database, run: str, now: float, *, kill: bool = False) -> str:
    """`cancelled` at once, `asked` of the engine that moves it, or `over`: there was nothing to cancel."""

    def work() -> str:
        if clears.cancel_queued(database, run, REASONS["cancel"], now):
            requests.withdraw(database, run, REASONS["cancel"], now)
            return "cancelled"
        state = clears.state_of(database, run)
        if state == "running":
            requests.ask(database, run, "kill" if kill else "cancel", "{}", now)
            return "asked"
        return "over"

    return database.write(work)


def set_paused(database: Database, version: Version, catchup: str, now: float, *, paused: bool) -> bool:
    """Pause a pipeline, or let it go on: all ticks that it has missed are made up for with `catchup: all` alone.
    False: it was so already."""
    skip_to = None if catchup == "all" else times.stored_at(now)

    def work() -> bool:
        moves.add_pipeline(database, version)
        if paused:
            return schedules.pause(database, version.pipeline)
        return schedules.unpause(database, version.pipeline, skip_to, now)

    return database.write(work)


class Found(Struct, frozen=True):
    """A run as its rows had it when it was looked at."""

    id: str
    pipeline: str
    state: str
    version: str | None
    params: str
    backfill: str | None
    only: frozenset[str] | None
    plan: Plan | None
    """The one that it has; None: it has none yet."""
    rows: Sequence[StoredInstance]

    @property
    def is_running(self) -> bool:
        return self.state == "running"


def look(database: Database, run: str) -> Found:
    """The run of that id, which must be there. Raises Unreadable."""
    with views.reading(database.url) as db:
        row = views.one_run(db, run)
        assert row is not None
        text = views.plan(db, row["version"]) if row["version"] else None
        rows = [StoredInstance._make(each) for each in views.instances(db, run)]
    only = read_only(row["only_tasks"])
    plan = read_plan(text, row["version"]) if text else None
    return Found(
        run,
        row["pipeline"],
        row["state"],
        row["version"],
        row["params"],
        row["backfill"],
        only,
        plan,
        rows,
    )


class Newer(Struct, frozen=True):
    """A plan that a run is to have instead of its own, and its hash."""

    plan: Plan
    version: str


class Clearance(Struct, frozen=True):
    """What a clear of a run comes to."""

    run: Found
    choice: Choice
    rows: Sequence[StoredInstance]
    """Those that are cleared."""
    removed: Sequence[StoredInstance]
    """Those that the newer plan is without."""
    newer: Newer | None = None
    wish: Wish = Wish()

    @property
    def is_empty(self) -> bool:
        """Nothing would be done. A run that was cancelled before it began begins after all."""
        never_begun = self.run.plan is None and self.run.state != "queued" and self.wish.mark is None
        return not (self.rows or self.removed or self.newer or never_begun)


def plan_clear(run: Found, wish: Wish, newer: Newer | None = None) -> Clearance:
    """What would be cleared; nothing is written."""
    plan = newer.plan if newer else run.plan
    if plan is None:  # it never began
        return Clearance(run, Choice(), (), (), wish=wish)
    tasks = {task.id: task for task in narrowed(plan, run.only)}
    here = [row for row in run.rows if row.task in tasks and row.state != TaskState.REMOVED]
    choice = choose(list(tasks.values()), map(_fact, here), wish)
    if newer and run.plan:
        choice = _with_remapped(choice, run.plan, tasks)
    rows = [row for row in here if choice.has(row.task, _index(row))]
    gone = [row for row in run.rows if row.task not in tasks and row.state != TaskState.REMOVED]
    return Clearance(run, choice, rows, gone, newer, wish)


def wish_for(run: Found, newer: Newer | None, asked: Mapping[str, Any]) -> Wish:
    """What is meant by `tasks`, `upstream`, `only`, `failed` and `mark`. Raises Refused."""
    mark = asked.get("mark")
    if mark is not None and (
        not asked.get("tasks") or any(map(asked.get, ("upstream", "only", "failed", "latest")))
    ):
        raise Refused("a mark wants tasks, and nothing beside them")
    if asked.get("only") and asked.get("upstream"):
        raise Refused("`--only` wants no other task, so `--upstream` can't stand beside it")
    plan = newer.plan if newer else run.plan
    return Wish(
        units(run.id, plan, run.rows, asked.get("tasks", ())),
        above=bool(asked.get("upstream")),
        below=not asked.get("only"),
        failed=bool(asked.get("failed")),
        mark=mark,
    )


def cleared_rows(planned: Clearance) -> list[Row]:
    """What is cleared as JSON, in the order of the plan, with the state that each was found in; of a mark also with
    that which it gets (`none`: it is decided anew)."""
    plan = planned.newer.plan if planned.newer else planned.run.plan
    order = {task.id: place for place, task in enumerate(plan.tasks)} if plan else {}
    there = sorted(planned.rows, key=lambda row: (order[row.task], row.map_index))
    rows: list[Row] = [
        {"id": row.task, "map_index": index_of(row.map_index), "state": row.state} for row in there
    ]
    if mark := planned.wish.mark:
        for told, row in zip(rows, there, strict=True):
            told["becomes"] = mark if planned.wish.marks(row.task, _index(row)) else TaskState.NONE.value
    return rows


def _with_remapped(choice: Choice, old: Plan, tasks: dict[str, Task]) -> Choice:
    """Tasks that the newer plan maps otherwise have no instances to keep."""
    was = {task.id: task.mapped_by for task in old.tasks}
    other = {name for name, task in tasks.items() if name in was and was[name] != task.mapped_by}
    again = {task.mapped_by for task in tasks.values() if task.id in other and task.mapped_by}
    members = {name for name, task in tasks.items() if task.mapped_by in again}
    return replace(choice, whole=choice.whole | other | members, again=choice.again | again)


def _fact(row: StoredInstance) -> Fact:
    return Fact(row.task, _index(row), TaskState(row.state), row.reason, row.started is not None)


def _index(row: StoredInstance) -> int | None:
    return None if row.map_index == UNMAPPED or row.item is None else row.map_index


def clear(
    database: Database,
    run: str,
    wish: Wish,
    now: float,
    newer: Newer | None = None,
    backfill: str | None = None,
) -> str:
    """Clear what is wished, or mark it. `queued` if that was done at once, `asked` if its engine was asked to,
    `nothing` if there is nothing to do.

    `newer`: a plan to go on by. `backfill`: it is to be part of that one. Raises BadParams, Lost.
    """
    for _ in range(_TIMES):
        planned = plan_clear(look(database, run), wish, newer)
        if planned.is_empty:
            return "nothing"
        try:
            return (
                _ask(database, run, wish, now)
                if planned.run.is_running
                else _apply(database, planned, now, backfill)
            )
        except Lost:
            continue
    raise Lost


def _ask(database: Database, run: str, wish: Wish, now: float) -> str:
    def work() -> str:
        if clears.state_of(database, run) != "running":
            raise Lost
        requests.ask(database, run, "clear" if wish.mark is None else "mark", detail_of(wish), now)
        return "asked"

    return database.write(work)


def _apply(database: Database, planned: Clearance, now: float, backfill: str | None) -> str:
    run = planned.run
    version, params = run.version, run.params
    if planned.newer:
        version = planned.newer.version
        known = {param.name for param in planned.newer.plan.params}
        kept = {name: value for name, value in read_params(params).items() if name in known}
        params = json.dumps(resolve(planned.newer.plan, kept), ensure_ascii=False)
    requeued = Requeued(run.id, run.state, version, params, backfill or run.backfill)
    rows = list(_cleared_rows(planned))

    def work() -> str:
        clears.requeue(database, requeued, now)
        requests.withdraw(database, run.id, "the run was cleared", now)
        clears.clear_instances(database, run.id, rows, now)
        return "queued"

    return database.write(work)


def _cleared_rows(planned: Clearance) -> list[ClearedRow]:
    plan = planned.newer.plan if planned.newer else planned.run.plan
    if plan is None:
        return []
    mapped_by = {task.id: task.mapped_by for task in plan.tasks}
    again = {name for name, fan in mapped_by.items() if fan in planned.choice.again}
    rows = []
    for row in planned.rows:
        mapped = mapped_by[row.task] is not None
        unmap = row.task in again or (not mapped and row.item is not None)
        removed = not mapped and row.map_index > 0
        mark = planned.wish.mark if planned.wish.marks(row.task, _index(row)) else None
        words = marked(mark) if mark else ""
        rows.append(ClearedRow(row.id, row.state, row.attempts, row.attempt, unmap, removed, mark, words))
    rows += [ClearedRow(row.id, row.state, row.attempts, row.attempt, False, True) for row in planned.removed]
    return rows


def settle(database: Database, now: float) -> list[str]:
    """Deal with what was asked of runs that have ended meanwhile; words on what was done."""
    told = []
    for row in requests.left_over(database):
        words = "the run was over"
        try:
            wanted = row.kind in ("clear", "mark")
            if wanted and clear(database, row.run, wish_of(row), now) == "queued":
                words = "cleared" if row.kind == "clear" else "marked"
                told.append(f"tasks of run {row.run} were {words}")
        except Unreadable as unreadable:
            words = str(unreadable)
        database.write(partial(requests.answer, database, row.id, words, now))
    return told
