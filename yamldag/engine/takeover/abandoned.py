"""Runs of `yamldag run` whose process was killed: nobody will go on with them, so whoever looks next ends them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from yamldag.engine.loop.dispatch import Dispatch
from yamldag.engine.loop.engine import ids_of
from yamldag.engine.loop.templates import Templates
from yamldag.engine.memory.reading import Unreadable, read_only, read_plan, reading
from yamldag.engine.memory.rebuild import StoredInstance, rebuild
from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.step.step import step
from yamldag.engine.step.world import Admit, Finished, Happened, Stop, World
from yamldag.engine.takeover.lives import Onlooker, find_over, new_life
from yamldag.executors.contract import Ended
from yamldag.executors.local import journal, orphans, places
from yamldag.operators.contract import Outcome
from yamldag.plan.state import TaskState
from yamldag.store import lives, moves
from yamldag.store.database import Database
from yamldag.store.lives import Seen
from yamldag.store.writeoff import write_off

_PAUSE = 0.02
_LOOKS = 100
"""How often to look whether the runner, whose tasks are dead, has ended too."""
KINDS = ("local", "heir")
"""Of the lives whose runs end with them."""


def end_abandoned(database: Database, onlooker: Onlooker, me: int = 0) -> list[str]:
    """Their ids. What is left of their tasks is killed. `me`: the caller's life, if it has one."""
    ended: list[str] = []
    for over in find_over(database, me, onlooker, KINDS):
        try:
            ended += _end(database, onlooker, over.life)
        finally:
            if over.lock is not None:
                os.close(over.lock)
    return ended


def _end(database: Database, onlooker: Onlooker, life: Seen) -> Iterator[str]:
    if not lives.runs_of(database, life.id):
        database.write(lambda: lives.inherit(database, life, None))
        return
    heir = moves.begin_runner(database, new_life("heir", "", time.time(), onlooker.boot))
    if database.write(lambda: lives.inherit(database, life, heir, "lost")):
        executors = {life.executor, *lives.running_attempts(database, heir).values()}
        ids = ids_of(heir)
        for run in lives.runs_of(database, heir):
            if _end_run(database, onlooker.folder.parent, run, heir, ids, executors):
                yield run
        for executor in executors:
            _clear(onlooker.folder, executor, lambda: onlooker.beat(database))
    moves.end_runner(database, heir)


def _end_run(
    database: Database, folder: Path, name: str, heir: int, ids: Iterator[int], executors: Collection[str]
) -> bool:
    try:
        run, new = database.read(lambda: _read(database, folder, name, heir, ids))
    except Unreadable as unreadable:
        return _give_up(database, name, heir, executors, str(unreadable))
    templates = Templates()
    dispatch = Dispatch(templates, os.environ, ids)
    known = list(_known(run, folder, executors, dispatch))
    orphans.kill({f"{executor}.{each.attempt}" for each in _running(run) for executor in executors})
    happened: list[Happened] = [
        Admit(run, new),
        *known,
        Stop(run.id, "lost" if run.stop == "lost" else "kill"),
    ]
    told = {end.attempt for end in known}
    happened += [_killed(each) for each in _running(run) if each.attempt not in told]
    world = World(ids, templates, dispatch.prepare, errand=dispatch.errand)
    return not moves.store(database, step(world, happened, time.time()).batches).lost


def _read(database: Database, folder: Path, name: str, heir: int, ids: Iterator[int]) -> tuple[Run, bool]:
    """The run as its rows have it, and whether it has no instances yet."""
    from yamldag.store import views

    with views.reading(database.url) as db:
        row = views.one_run(db, name)
        assert row is not None
        text = views.plan(db, row["version"])
        stored = [StoredInstance._make(each) for each in views.instances(db, name)]
        deferrals = views.deferrals(db, name)
    only = read_only(row["only_tasks"])
    run = Run(
        name,
        read_plan(text, row["version"]),
        heir,
        row["type"],
        only=only,
        started=row["started"],
        stop=row["stop"],
    )
    run.folder, run.logs = (str(folder.absolute() / kind / name) for kind in ("runs", "logs"))
    run.reason = row["reason"]
    with reading("its tasks"):
        return rebuild(run, stored, ids, deferrals), not stored


def _give_up(database: Database, run: str, heir: int, executors: Collection[str], words: str) -> bool:
    """Its rows can't be read: it has failed, whatever of it had ended."""
    attempts = lives.attempts_of(database, run)
    orphans.kill({f"{executor}.{attempt}" for attempt in attempts for executor in executors})
    return database.write(lambda: write_off(database, run, heir, words, time.time()))


def _running(run: Run) -> Iterator[Instance]:
    return (each for each in run.instances if each.state is TaskState.RUNNING)


def _known(run: Run, folder: Path, executors: Collection[str], dispatch: Dispatch) -> Iterator[Finished]:
    """Those that came to their own end, though nobody was there to hear of it."""
    ends = {}
    for executor in executors:
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


def _clear(folder: Path, executor: str, meanwhile: Callable[[], None]) -> None:
    """Its runner, whose tasks are dead, ends by itself; then the files of both go."""
    gone = []
    for place in places.runners(folder, executor):
        for _ in range(_LOOKS):
            lock = places.journal_lock(place.journal)
            if lock is not None:
                os.close(lock)
                places.delete(place.socket, place.journal)
                break
            time.sleep(_PAUSE)
            meanwhile()
        gone.append(lock is not None)
    if executor and all(gone):
        places.delete(folder / f"{executor}.owner")
