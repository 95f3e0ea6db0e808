"""Notifications that dead engines have left unsent: whoever takes them over sends them."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import sqlalchemy as sa

from yamldag.engine.loop.engine import Engine
from yamldag.engine.memory.notices import Notice, calls
from yamldag.engine.memory.reading import Unreadable
from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.takeover.stored import stored_run
from yamldag.plan.state import RunState
from yamldag.store import notifications, views
from yamldag.store.notifications import Ended, Waiting

_STATES = {"failure": "failed", "success": "success", "retry": "up_for_retry"}


def take_over_notices(engine: Engine, folder: Path) -> None:
    """Send what engines have left that have ended, or were ended. `folder` is the project's `.yamldag`."""
    dead = notifications.dead_owners(engine.database)
    if not dead:
        return
    known = {row.id for row in notifications.waiting(engine.database, engine.runner)}

    def take() -> None:
        for owner in dead:
            notifications.take(engine.database, engine.runner, owner)

    engine.database.write(take)
    rows = [row for row in notifications.waiting(engine.database, engine.runner) if row.id not in known]
    with views.reading(engine.database.url) as db:
        for name, rows_of in groupby(sorted(rows, key=lambda row: (row.run, row.id)), lambda row: row.run):
            group = list(rows_of)
            try:
                run = engine.world.runs.get(name) or _read(db, name, engine, folder)
            except Unreadable as unreadable:
                for row in group:
                    _forget(engine, row, f"of the run it is of, {unreadable}")
                continue
            instances = {instance.id: instance for instance in run.instances}
            made = {row: _notice(row, run, instances) for row in group}
            engine.outbox.add((each for each in made.values() if each is not None), engine.clock.now())
            for row in (row for row, notice in made.items() if notice is None):
                _forget(engine, row, "the pipeline has no such notification any more")


def _read(db: sa.Connection, name: str, engine: Engine, folder: Path) -> Run:
    row = views.one_run(db, name)
    assert row is not None
    run, _ = stored_run(db, row, engine.database.url, engine.runner, engine.ids, folder)
    run.state = RunState(row["state"])
    return run


def _forget(engine: Engine, row: Waiting, why: str) -> None:
    now = engine.clock.now()
    over = Ended(row.id, row.run, "failed", now, why)
    engine.database.write(lambda: notifications.end(engine.database, over, engine.runner))


def _notice(row: Waiting, run: Run, instances: dict[int, Instance]) -> Notice | None:
    """What is stored of it, as it was made. None: its list of calls is another one by now."""
    instance = instances.get(row.instance)
    found = calls(run.plan if instance is None else instance.node.task, row.cause)
    if row.position >= len(found) or (instance is None and row.instance):
        return None
    of = (row.id, run, instance, row.occasion, row.cause, row.position, found[row.position])
    if instance is None:
        return Notice(*of, _STATES.get(row.cause, "running"), error=run.reason)
    if row.number is None:
        return Notice(*of, _STATES[row.cause], instance.attempts, instance.reason)
    return Notice(*of, _STATES[row.cause], row.number, row.error)
