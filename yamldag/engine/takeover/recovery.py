"""Takes over the runs of engines that have died: what still runs goes on, what ended is heard of after all."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from yamldag.engine.loop.engine import Engine
from yamldag.engine.loop.requests import asked_of
from yamldag.engine.memory.reading import Unreadable
from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.step.world import Admit, Finished, Happened
from yamldag.engine.takeover.lives import Onlooker, Over, find_over
from yamldag.engine.takeover.stored import stored_run
from yamldag.executors.contract import Start
from yamldag.executors.local.executor import PATIENCE, LocalExecutor
from yamldag.executors.local.places import owners
from yamldag.executors.local.recovery import Found
from yamldag.operators.contract import Outcome
from yamldag.plan.state import TaskState
from yamldag.store import lives, views
from yamldag.store.lives import SCHEDULERS
from yamldag.store.writeoff import write_off

SHARE = 1 / 3
"""Of a lease, for which runners may be silent: to take over, that included, lasts less than two of them."""


def recover(engine: Engine, executor: LocalExecutor, onlooker: Onlooker) -> list[str]:
    """Take over what schedulers that are over have left, and go on with it; the ids of the runs.

    Of several that look at once one wins each life: from then on nothing that it writes gets in.
    """
    won = [
        each
        for each in find_over(engine.database, engine.runner, onlooker, SCHEDULERS)
        if _inherit(engine, each)
    ]
    for each in won:
        if each.lock is not None:
            executor.adopt(each.life.executor, each.lock)
    return [run.id for run in admit(engine, executor, onlooker)] if won else []


def _inherit(engine: Engine, over: Over) -> bool:
    """Let the database decide who is the heir."""
    won = engine.database.write(lambda: lives.inherit(engine.database, over.life, engine.runner))
    if not won and over.lock is not None:
        os.close(over.lock)
    return won


def admit(engine: Engine, executor: LocalExecutor, onlooker: Onlooker) -> list[Run]:
    """Move the runs that the database says are this engine's, and that it does not move yet, in one step for
    all.

    Every journal is read before anything is decided, and what is decided is stored in one transaction.
    """
    let_go = {each.run.id for each in engine.renewals}
    mine = lives.runs_of(engine.database, engine.runner).keys() - engine.world.runs.keys() - let_go
    if not mine:
        _found(engine, executor, onlooker, {})
        executor.forget(engine.world.running.keys())
        return []
    running = lives.running_attempts(engine.database, engine.runner)
    losses = lives.losses(engine.database, engine.runner) if running else {}
    stored, spoilt = engine.database.read(lambda: _stored_runs(engine, onlooker.folder.parent, mine))
    lost = {attempt: of for attempt, of in running.items() if attempt not in engine.world.running}
    for owner in set(lost.values()):
        executor.adopt(owner)
    found = _found(engine, executor, onlooker, lost)
    found |= executor.give_up({each: lost[each] for each, fate in found.items() if fate.state == "watched"})
    for name, words in spoilt.items():
        _give_up(engine, name, words)
    happened: list[Happened] = []
    again: list[Start] = []
    asked = asked_of(engine.database, engine.runner, engine.clock.now())
    for run, new in stored:
        happened.append(Admit(run, new))
        # Before the ends: of an attempt that was stopped for a clear, the stop is why it has ended.
        happened += [each for each in asked if each.run == run.id]
        for instance in run.instances if losses else ():
            instance.losses = losses.get(instance.id, 0)
        _resume(engine, run, found, happened, again)
    engine.take(happened, again)
    executor.acknowledge([what.attempt for what in happened if isinstance(what, Finished)])
    executor.forget(engine.world.running.keys())
    return [run for run, _ in stored]


def _found(
    engine: Engine, executor: LocalExecutor, onlooker: Onlooker, lost: Mapping[int, str]
) -> dict[int, Found]:
    """What became of these attempts. Who waits for that goes on giving signs of life."""
    patience = min(PATIENCE, onlooker.lease * SHARE)
    return executor.recover(lost, patience=patience, meanwhile=lambda: onlooker.beat(engine.database))


def sweep(engine: Engine, executor: LocalExecutor) -> None:
    """Delete what executors have left that no life needs any more. For the start: it reads a lot."""
    living = lives.executors(engine.database)
    for owner in owners(executor.folder):
        if owner not in living:
            executor.adopt(owner)
    if executor.adopted:
        executor.forget(lives.all_running_attempts(engine.database))


def _stored_runs(
    engine: Engine, folder: Path, names: Collection[str]
) -> tuple[list[tuple[Run, bool]], dict[str, str]]:
    """Those that can be read, and of the others why not."""
    runs, spoilt = [], {}
    with views.reading(engine.database.url) as db:
        for row in [row for row in views.under_way(db) if row["id"] in names]:
            try:
                runs.append(stored_run(db, row, engine.database.url, engine.runner, engine.ids, folder))
            except Unreadable as unreadable:
                spoilt[row["id"]] = str(unreadable)
    return runs, spoilt


def _give_up(engine: Engine, run: str, words: str) -> None:
    """Nobody can go on with it: what runs of it is ended, and it has failed."""
    now, attempts = engine.clock.now(), lives.attempts_of(engine.database, run)
    engine.executor.stop(attempts, kill=True)
    if engine.database.write(lambda: write_off(engine.database, run, engine.runner, words, now)):
        engine.given_up[run] = words


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
    work = engine.world.prepare(instance).work
    if isinstance(work, Start):
        again.append(work)
    else:
        assert isinstance(work, Outcome)  # what waits is never stored as running
        now = engine.clock.now()
        happened.append(Finished(instance.attempt, work, "refused", now, now))
