"""Runs of `yamldag run` whose process was killed: nobody will go on with them, so whoever looks next ends them."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from yamldag.engine.dispatch import Dispatch
from yamldag.engine.loop import ids_of
from yamldag.engine.rebuild import StoredInstance, rebuild
from yamldag.engine.run import Instance, Run
from yamldag.engine.step import step
from yamldag.engine.templates import Templates
from yamldag.engine.world import Admit, Finished, Happened, Stop, World
from yamldag.executors.contract import Ended
from yamldag.executors.local import journal, orphans, places
from yamldag.operators.contract import Outcome
from yamldag.plan.pipeline import from_json
from yamldag.plan.state import TaskState
from yamldag.store import moves
from yamldag.store.database import Database

_PAUSE = 0.02
_LOOKS = 100
"""How often to look whether the runner, whose tasks are dead, has ended too."""


def end_abandoned(database: Database, folder: Path) -> list[str]:
    """Their ids. What is left of their tasks is killed; `folder` is the project's `.yamldag`."""
    host = socket.gethostname()
    ended = []
    for run, owner, executor in moves.runs_by_hand(database, host):
        (folder / "executor").mkdir(0o700, parents=True, exist_ok=True)
        lock = places.owner_lock(folder / "executor", executor)
        if lock is None:
            continue  # it lives
        try:
            life = moves.Life("heir", host, os.getpid(), "", time.time())
            if _end(database, folder, run, (owner, executor, moves.begin_runner(database, life))):
                ended.append(run)
        finally:
            os.close(lock)
    return ended


def _end(database: Database, folder: Path, name: str, lives: tuple[int, str, int]) -> bool:
    owner, executor, heir = lives
    if not database.write(lambda: moves.take_run(database, name, heir, owner)):
        return False
    ids = ids_of(heir)
    run, new = database.read(lambda: _read(database, folder, name, heir, ids))
    templates = Templates()
    dispatch = Dispatch(templates, os.environ, ids)
    known = list(_known(run, folder, executor, dispatch))
    _kill(run, folder, executor)
    happened: list[Happened] = [Admit(run, new), *known, Stop(run.id, "kill" if run.stop else "lost")]
    told = {end.attempt for end in known}
    happened += [_killed(each) for each in _running(run) if each.attempt not in told]
    world = World(ids, templates, dispatch.prepare, errand=dispatch.errand)
    lost = moves.store(database, step(world, happened, time.time()).batches)
    moves.end_runner(database, heir, time.time())
    return not lost


def _read(database: Database, folder: Path, name: str, heir: int, ids: Iterator[int]) -> tuple[Run, bool]:
    """The run as its rows have it, and whether it has no instances yet."""
    from yamldag.store import views

    with views.reading(database.url) as db:
        row = views.one_run(db, name)
        assert row is not None
        text = views.plan(db, row["version"])
        stored = [StoredInstance._make(each) for each in views.instances(db, name)]
        deferrals = views.deferrals(db, name)
    assert text is not None
    only = None if row["only_tasks"] is None else frozenset(json.loads(row["only_tasks"]))
    run = Run(
        name,
        from_json(json.loads(text)),
        heir,
        row["type"],
        only=only,
        started=row["started"],
        stop=row["stop"],
    )
    run.folder, run.logs = (str(folder.absolute() / kind / name) for kind in ("runs", "logs"))
    run.reason = row["reason"]
    return rebuild(run, stored, ids, deferrals), not stored


def _running(run: Run) -> Iterator[Instance]:
    return (each for each in run.instances if each.state is TaskState.RUNNING)


def _known(run: Run, folder: Path, executor: str, dispatch: Dispatch) -> Iterator[Finished]:
    """Those that came to their own end, though nobody was there to hear of it."""
    ends = {}
    for place in places.runners(folder / "executor", executor):
        ends.update(journal.read(place.journal).ends)
    for instance in _running(run):
        if instance.attempt in ends:
            yield dispatch.finished(Ended(*ends[instance.attempt]), instance)


def _killed(instance: Instance) -> Finished:
    assert instance.attempt is not None
    now = time.time()
    started = instance.started or now
    return Finished(instance.attempt, Outcome("failed"), "stopped", started, now, -signal.SIGKILL)


def _kill(run: Run, folder: Path, executor: str) -> None:
    """Its processes, after them its runner, which ends by itself; then the files of both."""
    orphans.kill({f"{executor}.{each.attempt}" for each in _running(run)})
    gone = []
    for place in places.runners(folder / "executor", executor):
        for _ in range(_LOOKS):
            lock = places.journal_lock(place.journal)
            if lock is not None:
                os.close(lock)
                places.delete(place.socket, place.journal)
                break
            time.sleep(_PAUSE)
        gone.append(lock is not None)
    if all(gone):
        places.delete(folder / "executor" / f"{executor}.owner")
