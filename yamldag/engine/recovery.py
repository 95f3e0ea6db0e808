"""Takes over the runs of engines that have died: what still runs goes on, what ended is heard of after all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from yamldag.engine.local_run import earlier_outputs
from yamldag.engine.loop import Engine
from yamldag.engine.rebuild import StoredInstance, rebuild
from yamldag.engine.run import Instance, Run
from yamldag.engine.world import Admit, Finished, Happened
from yamldag.executors.contract import Start
from yamldag.executors.local import Found, LocalExecutor
from yamldag.executors.local.places import owner_lock, owners
from yamldag.operators.contract import Outcome
from yamldag.plan.pipeline import from_json
from yamldag.plan.state import TaskState
from yamldag.store import assets, moves, views


def recover(engine: Engine, executor: LocalExecutor, folder: Path) -> list[str]:
    """Go on with every run whose engine is dead, in one step for all; their ids. `folder`: the `.yamldag`.

    Every journal is read before anything is decided, and what is decided is stored in one transaction.
    """
    living = _living(executor)
    with views.reading(engine.database.url) as db:
        orphaned = [row for row in views.under_way(db) if row["executor"] not in living]
        running = views.running_attempts(db)
        stored = {row["id"]: _stored(db, row, engine, folder) for row in orphaned}
    found = executor.recover(running)
    happened: list[Happened] = []
    again: list[Start] = []
    taken = []
    for row in orphaned:
        run, new = stored[row["id"]]
        take = partial(moves.take_run, engine.database, run.id, engine.runner, row["owner"])
        if engine.database.write(take):
            taken.append(run.id)
            happened.append(Admit(run, new))
            _resume(engine, run, found, happened, again)
    engine.take(happened, again)
    executor.acknowledge([what.attempt for what in happened if isinstance(what, Finished)])
    executor.forget(engine.world.running.keys() | _watched(found))
    return taken


def _living(executor: LocalExecutor) -> set[str]:
    """The ids of the executors whose engines are at work, this one's too. Asked before any lock is taken over."""
    living = {executor.id}
    for owner in owners(executor.folder):
        lock = None if owner == executor.id else owner_lock(executor.folder, owner)
        if lock is None:
            living.add(owner)
        else:
            os.close(lock)
    return living


def _watched(found: Mapping[int, Found]) -> set[int]:
    return {attempt for attempt, what in found.items() if what.state == "watched"}


def _stored(db: sa.Connection, row: sa.RowMapping, engine: Engine, folder: Path) -> tuple[Run, bool]:
    """A run as its rows have it, and whether it has no instances yet."""
    text = views.plan(db, row["version"])
    assert text is not None
    plan = from_json(json.loads(text))
    only = None if row["only_tasks"] is None else frozenset(json.loads(row["only_tasks"]))
    run = Run(
        row["id"],
        plan,
        engine.runner,
        row["type"],
        row["logical_date"],
        row["data_interval_start"],
        row["data_interval_end"],
        json.loads(row["params"]),
        str(folder.absolute() / "runs" / row["id"]),
        str(folder.absolute() / "logs" / row["id"]),
        only,
        assets=assets.read(row["assets"]),
        started=row["started"],
        stop=row["stop"],
        reason=row["reason"],
    )
    if only is not None:
        run.earlier = earlier_outputs(engine.database.url, plan, only)
    rows = [StoredInstance._make(each) for each in views.instances(db, run.id)]
    return rebuild(run, rows, engine.ids, views.deferrals(db, run.id)), not rows


def _resume(
    engine: Engine, run: Run, found: Mapping[int, Found], happened: list[Happened], again: list[Start]
) -> None:
    for instance in run.instances:
        if instance.state is not TaskState.RUNNING:
            continue
        assert instance.attempt is not None
        fate = found[instance.attempt]
        if fate.ended is not None:
            happened.append(engine.dispatch.finished(fate.ended, instance))
        elif fate.state == "unstarted":
            _start_again(engine, instance, happened, again)


def _start_again(engine: Engine, instance: Instance, happened: list[Happened], again: list[Start]) -> None:
    """It was stored as started, and the engine died before it told anyone: the same attempt is started."""
    assert instance.attempt is not None
    work = engine.dispatch.prepare(instance).work
    if isinstance(work, Start):
        again.append(work)
    else:
        assert isinstance(work, Outcome)  # what waits is never stored as running
        now = engine.clock.now()
        happened.append(Finished(instance.attempt, work, "refused", now, now))
