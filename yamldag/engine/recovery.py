"""Runs that an earlier scheduler has left under way: read back from their rows, and gone on with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol

from yamldag.engine.local_run import earlier_outputs
from yamldag.engine.loop import Engine
from yamldag.engine.rebuild import StoredInstance, rebuild
from yamldag.engine.run import Run
from yamldag.engine.step import Admit
from yamldag.executors.contract import Executor
from yamldag.executors.local import Found
from yamldag.plan.pipeline import from_json
from yamldag.plan.state import TaskState
from yamldag.store import schedules, views
from yamldag.store.schedules import OpenRun

_ACTIVE = (TaskState.QUEUED, TaskState.RUNNING)


class Recovering(Executor, Protocol):
    """An executor that finds what an earlier one has left."""

    def recover(self, running: Mapping[int, str]) -> dict[int, Found]: ...

    def forget(self, running: Collection[int]) -> None: ...


def recover(engine: Engine, executor: Recovering, folder: Path, say: Callable[[str], None]) -> None:
    """Take over every run that has no scheduler any more. `folder`: where runs and logs are."""
    database = engine.database
    rows = {row.id: row for row in schedules.open_runs(database)}
    admitted = {name: _rebuilt(engine, row, folder) for name, row in rows.items()}
    given = {one: owner for name in rows for one, owner in schedules.executors(database, name).items()}
    found = executor.recover(given)
    fates = {name: _fates(what.run, found) for name, what in admitted.items()}
    ours = []
    with database.transaction():
        for name, fate in fates.items():
            if any(each.state == "watched" for each in fate.values()):
                continue
            if schedules.take_over(database, name, rows[name].owner, engine.runner):
                ours.append(name)
    mine = {attempt: each for name in ours for attempt, each in fates[name].items()}
    ends = [each.ended for each in mine.values() if each.ended is not None]
    unstarted = [attempt for attempt, each in mine.items() if each.state == "unstarted"]
    engine.resume([admitted[name] for name in ours], ends, unstarted)
    executor.forget([attempt for attempt in given if attempt not in mine] + list(engine.world.running))
    for name in ours:
        say(_words(name, fates[name]))


def _fates(run: Run, found: Mapping[int, Found]) -> dict[int, Found]:
    """What became of the attempts that are under way."""
    active = [each.attempt for each in run.instances if each.state in _ACTIVE and each.attempt]
    return {attempt: found[attempt] for attempt in active if attempt in found}


def _rebuilt(engine: Engine, row: OpenRun, folder: Path) -> Admit:
    run = Run(
        row.id,
        from_json(json.loads(row.plan)),
        engine.runner,
        row.type,
        row.logical_date,
        row.data_interval_start,
        row.data_interval_end,
        params=json.loads(row.params),
        only=frozenset(json.loads(row.only)) if row.only else None,
        started=row.started,
        reason=row.reason,
        stop=row.stop,
    )
    run.folder, run.logs = places(folder, row.id)
    if run.only is not None:
        run.earlier = earlier_outputs(engine.database.url, run.plan, run.only)
    with views.reading(engine.database.url) as db:
        rows = [StoredInstance._make(each) for each in views.instances(db, row.id)]
    os.makedirs(run.folder, 0o700, exist_ok=True)
    return Admit(rebuild(run, rows, engine.ids), new=not rows)


def places(folder: Path, run: str) -> tuple[str, str]:
    """The scratch folder and the folder of logs of a run, absolute."""
    top = folder.absolute()
    return str(top / "runs" / run), str(top / "logs" / run)


def _words(run: str, found: Mapping[int, Found]) -> str:
    lost = sum(each.state == "lost" for each in found.values())
    return f"run {run} goes on" + (f"; {lost} of its attempts lost" if lost else "")
