"""What a clear of a run comes to, by its rows: nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from yamldag.engine.asking.naming import check_names, units
from yamldag.engine.asking.rows import Row, index_of
from yamldag.engine.memory.newer import Newer
from yamldag.engine.memory.reading import read_only, read_plan
from yamldag.engine.memory.reasons import marked
from yamldag.engine.memory.rebuild import StoredInstance
from yamldag.engine.memory.run import UNMAPPED
from yamldag.engine.refused import NOT_NOW, Refused
from yamldag.engine.step.choice import Choice, Fact, Wish, choose
from yamldag.plan.narrowing import narrowed
from yamldag.plan.pipeline import Plan, Task
from yamldag.plan.state import FINAL, TaskState
from yamldag.store import circumstances, versions, views
from yamldag.store.clears import ClearedRow
from yamldag.store.database import Database
from yamldag.store.lives import SCHEDULERS


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
    newest: Plan | None = None
    """Of a run that has no plan yet, the one that was recorded last of its pipeline: by it tasks are named."""
    by_hand: bool = False
    """A `yamldag run` moves it, and ends with it."""

    @property
    def is_running(self) -> bool:
        return self.state == "running"


def look(database: Database, run: str) -> Found:
    """The run of that id, which must be there. Raises Unreadable."""
    with views.reading(database.url) as db:
        row = views.one_run(db, run)
        assert row is not None
        text = views.plan(db, row["version"]) if row["version"] else None
        newest = None if row["version"] else _newest(db, row["pipeline"])
        rows = [StoredInstance._make(each) for each in views.instances(db, run)]
        owner = circumstances.life(db, row["owner"]) if row["state"] == "running" else None
    return Found(
        run,
        row["pipeline"],
        row["state"],
        row["version"],
        row["params"],
        row["backfill"],
        read_only(row["only_tasks"]),
        read_plan(text, row["version"]) if text else None,
        rows,
        newest,
        owner is not None and owner["kind"] not in SCHEDULERS,
    )


def _newest(db: sa.Connection, pipeline: str) -> Plan | None:
    version = next((each.hash for each in versions.of(db, pipeline) if each.current), None)
    return read_plan(views.plan(db, version), version) if version else None


class Clearance(Struct, frozen=True):
    """What a clear of a run comes to."""

    run: Found
    choice: Choice
    rows: Sequence[StoredInstance]
    """Those that are cleared; where a run under way goes on by a newer plan also those that this cuts short."""
    removed: Sequence[StoredInstance]
    """Those that the newer plan is without."""
    newer: Newer | None = None
    wish: Wish = Wish()

    @property
    def is_empty(self) -> bool:
        """Nothing would be done. A run that was cancelled before it began begins after all."""
        never_begun = self.run.plan is None and self.run.state != "queued" and self.wish.mark is None
        return not (self.rows or self.removed or self.newer or never_begun)

    @property
    def plan(self) -> Plan | None:
        """The one that the run has then."""
        return self.newer.plan if self.newer else self.run.plan

    @property
    def lost(self) -> list[str]:
        """The tasks that it has no longer then."""
        return list(dict.fromkeys(row.task for row in self.removed))

    @property
    def new(self) -> list[str]:
        """The tasks that it did not have before."""
        if self.newer is None or self.run.plan is None:
            return []
        before = {task.id for task in self.run.plan.tasks}
        return [task.id for task in narrowed(self.newer.plan, self.run.only) if task.id not in before]


def plan_clear(run: Found, wish: Wish, newer: Newer | None = None) -> Clearance:
    """What would be cleared; nothing is written. A run that moves and has that plan already goes on."""
    if newer and run.is_running and newer.version == run.version:
        newer = None
    plan = newer.plan if newer else run.plan
    if plan is None:  # it never began
        return Clearance(run, Choice(), (), (), wish=wish)
    tasks = {task.id: task for task in narrowed(plan, run.only)}
    here = [row for row in run.rows if row.task in tasks and row.state != TaskState.REMOVED]
    choice = choose(list(tasks.values()), map(_fact, here), wish)
    if newer and run.plan:
        choice = _with_remapped(choice, run.plan, tasks)
    stops = newer is not None and run.is_running
    rows = [row for row in here if choice.has(row.task, _index(row)) or (stops and row.state in _UNDER_WAY)]
    gone = [row for row in run.rows if row.task not in tasks and row.state != TaskState.REMOVED]
    return Clearance(run, choice, rows, gone, newer, wish)


_UNDER_WAY = frozenset(TaskState) - FINAL - {TaskState.NONE}
"""What a stop cuts short."""


def wish_for(run: Found, newer: Newer | None, asked: Mapping[str, Any]) -> Wish:
    """What is meant by `tasks`, `upstream`, `only`, `failed` and `mark`. Raises Refused."""
    mark = asked.get("mark")
    if mark is not None and (
        not asked.get("tasks") or any(map(asked.get, ("upstream", "only", "failed", "latest")))
    ):
        raise Refused("a mark wants tasks, and nothing beside them")
    if asked.get("only") and asked.get("upstream"):
        raise Refused("`--only` wants no other task, so `--upstream` can't stand beside it")
    if newer and run.by_hand:
        raise Refused(
            f"run {run.id} is moved by a `yamldag run`, which keeps its plan: wait for its end, or cancel it",
            NOT_NOW,
        )
    plan = newer.plan if newer else run.plan
    if plan is None and run.newest is not None:
        check_names(run.newest, asked.get("tasks", ()))
    return Wish(
        units(run.id, plan, run.rows, asked.get("tasks", ())),
        above=bool(asked.get("upstream")),
        below=not asked.get("only"),
        failed=bool(asked.get("failed")),
        mark=mark,
    )


def told(planned: Clearance) -> Row:
    """What is cleared as JSON: `tasks` in the order of the plan, each with the state that it was found in, of a mark
    also with that which it gets (`none`: it is decided anew), and what the newer plan has not, or has more."""
    order = {task.id: place for place, task in enumerate(planned.plan.tasks)} if planned.plan else {}
    there = sorted(planned.rows, key=lambda row: (order[row.task], row.map_index))
    rows: list[Row] = [
        {"id": row.task, "map_index": index_of(row.map_index), "state": row.state} for row in there
    ]
    if mark := planned.wish.mark:
        for said, row in zip(rows, there, strict=True):
            said["becomes"] = mark if planned.wish.marks(row.task, _index(row)) else TaskState.NONE.value
    return {"tasks": rows, "tasks_removed": planned.lost, "tasks_added": planned.new}


def cleared_rows(planned: Clearance) -> Iterator[ClearedRow]:
    """What is to be written of each instance."""
    if planned.plan is None:
        return
    mapped_by = {task.id: task.mapped_by for task in planned.plan.tasks}
    again = {name for name, fan in mapped_by.items() if fan in planned.choice.again}
    for row in planned.rows:
        mapped = mapped_by[row.task] is not None
        unmap = row.task in again or (not mapped and row.item is not None)
        removed = not mapped and row.map_index > 0
        mark = planned.wish.mark if planned.wish.marks(row.task, _index(row)) else None
        words = marked(mark) if mark else ""
        yield ClearedRow(row.id, row.state, row.attempts, row.attempt, unmap, removed, mark, words)
    for row in planned.removed:
        yield ClearedRow(row.id, row.state, row.attempts, row.attempt, False, True)


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
