"""One run, here and now: without a server, recorded like any other."""

from __future__ import annotations

import gc
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from yamldag.engine import times
from yamldag.engine.clock import MachineClock
from yamldag.engine.loop.engine import Engine, Watcher, unwatched
from yamldag.engine.loop.sealing import Declared, nothing
from yamldag.engine.memory.building import build
from yamldag.engine.memory.earlier import earlier_outputs
from yamldag.engine.memory.records import Dates, new_id
from yamldag.engine.memory.run import UNMAPPED, Instance, Run
from yamldag.engine.step.pools import waiting
from yamldag.engine.step.world import Admit, Callee, Stop, World
from yamldag.engine.takeover.abandoned import end_abandoned
from yamldag.engine.takeover.lives import BEATS, Onlooker, new_life
from yamldag.executors.local.executor import LocalExecutor
from yamldag.plan.pipeline import Json, Plan, text_hash, to_text
from yamldag.plan.schedule import read
from yamldag.store import moves, stored
from yamldag.store.database import CannotOpen, Database, Fenced, Patience, open_database
from yamldag.store.pools import declare
from yamldag.store.rows import NewRun

if TYPE_CHECKING:
    from yamldag.operators.plugins.chosen import Chosen

LIMIT = 60.0
"""Seconds for which a database that is away is waited for."""
LOOK = 2.0
"""Seconds between two looks at those who hold what the run waits for."""


class TakenOver(Exception):  # noqa: N818
    """Another process has moved the run while it was under way."""


class Order(Struct, frozen=True):
    """What is to be run. `params` are complete and checked."""

    plan: Plan
    params: Mapping[str, Json]
    logical_date: datetime | None = None
    """None: now."""
    only: frozenset[str] | None = None
    pools: Mapping[str, int] = field(default_factory=dict)
    """Those that the project declares, with their slots."""
    callees: tuple[Plan, ...] = ()
    """The pipelines that its tasks call, those that they call in turn among them."""
    declared: Declared = nothing
    """Asked only where a task may see a secret."""
    executor: Chosen | None = None
    """The plug-in that carries its tasks out, if one does."""


class RunResult(Struct, frozen=True):
    """How it ended. The tasks are in plan order, one per instance, as `yamldag run --json` has them."""

    run_id: str
    state: str
    reason: str | None
    tasks: list[dict[str, Json]]


def run_here(
    order: Order,
    *,
    database: str,
    folder: Path,
    watch: Watcher = unwatched,
    began: Callable[[Run], None] | None = None,
    patience: Patience | None = None,
    held_back: Callable[[Instance], None] | None = None,
) -> RunResult:
    """Run to the end. `database` is a URL, `folder` the project's `.yamldag`. `held_back` hears once of a task that
    waits for what is not this run's to give: slots of a pool, or the end of the run before.

    Ctrl-C cancels, a second one kills, and no longer waits for a database that is away.
    Raises CannotOpen, TakenOver, Away.
    """
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        # Before the database: the runner is a fork of this process.
        executor = LocalExecutor(folder / "executor")
    except OSError as problem:
        words = (problem.strerror or "unknown reason").lower()
        raise CannotOpen(f"the folder `{folder}` can't be used: {words}") from problem
    try:
        opened = open_database(database)
        try:
            onlooker = Onlooker.at(folder, os.environ)
            end_abandoned(opened, onlooker)
            waits = patience or Patience(LIMIT)
            return _Here(opened, executor, folder, watch, onlooker, waits, held_back).run(order, began)
        finally:
            opened.close()
    finally:
        executor.close()


class _Here(Struct):
    database: Database
    executor: LocalExecutor
    folder: Path
    watch: Watcher
    onlooker: Onlooker
    patience: Patience
    held_back: Callable[[Instance], None] | None = None
    clock: MachineClock = field(default_factory=MachineClock)

    def run(self, order: Order, began: Callable[[Run], None] | None) -> RunResult:
        now = self.clock.now()
        life = new_life("local", self.executor.id, now, self.onlooker.boot)
        runner = moves.begin_runner(self.database, life)
        self.database.live(runner)
        self.database.wait_by(self.patience)
        engine = Engine(self.database, self.executor, self.clock, runner, os.environ, self.watch)
        callees = {plan.pipeline: Callee(plan, text_hash(to_text(plan))) for plan in order.callees}
        engine.callees = callees.get
        engine.dispatch.declared = order.declared
        engine.dispatch.stored = lambda: stored.tokens(self.database)
        engine.dispatch.at_home = True
        if order.executor is not None:
            from yamldag.engine.loop.carrying import carry  # few need it

            carry(engine.world, order.executor)
        engine.pulse = self.onlooker.lease / BEATS
        run = build(self._record(order, engine.runner, now), engine.ids)
        gc.freeze()
        if began is not None:
            began(run)
        if order.callees:
            engine.watch = lambda instance, state: (
                self.watch(instance, state) if instance.node.run is run else None
            )
        under_way = {run.id}

        def is_over() -> bool:
            under_way.update(self._admit_called(engine))
            under_way.difference_update(each.id for each in engine.over)
            return run.id in engine.lost or not under_way - engine.lost

        with _interrupts(engine, run) as asked:
            self.patience.over = lambda: len(asked) > 1
            engine.tell(Admit(run))
            try:
                self._work(engine, is_over)
                _notify(engine, asked)
                while engine.called:  # notifications have made runs
                    self._work(engine, is_over)
                    _notify(engine, asked)
            except Fenced:
                self.executor.stop(engine.world.running, kill=True)
                raise TakenOver(run.id) from None
            except BaseException:
                self.executor.stop(engine.world.running, kill=True)  # nobody would hear of their ends
                raise
        if run.id in engine.lost:
            raise TakenOver(run.id)
        moves.end_runner(self.database, runner)
        return result_of(run)

    def _work(self, engine: Engine, until: Callable[[], bool]) -> None:
        """Turn until that holds. While it waits for a pool, or for the run before, see whether who holds it is dead."""
        looked = self.clock.now()
        while not until():
            if engine.world.running:
                self.database.make_room()
            engine.turn(None)
            now = self.clock.now()
            waits = engine.world.past or waiting(engine.world)
            if waits and not looked <= now < looked + LOOK:
                looked = now
                end_abandoned(self.database, self.onlooker, engine.runner)
                held = None if engine.world.running else _held_back(engine.world)
                if held is not None and self.held_back is not None:
                    self.held_back(held)
                    self.held_back = None

    def _record(self, order: Order, runner: int, now: float) -> Run:
        plan = order.plan
        moment = order.logical_date or datetime.fromtimestamp(now, UTC)
        start, end = read(plan.schedule, plan.timezone, plan.start, plan.end).interval_of(moment)
        version = _version(plan, now)
        callees = [_version(each, now) for each in order.callees]
        dates = Dates(*map(times.stored, (moment, start, end)))

        def record() -> NewRun:
            for each in (version, *callees):
                moves.save_version(self.database, each)
            declare(self.database, order.pools)
            return self._create(order, version, dates, runner)

        row = self.database.write(record)
        run = Run(row.id, plan, runner, "manual", *dates, params=order.params, started=now, only=order.only)
        self._place(run)
        if order.only is not None:
            run.earlier = earlier_outputs(self.database.url, plan, order.only)
        return run

    def _admit_called(self, engine: Engine) -> list[str]:
        """Begin the runs that tasks have made; their ids. They mind no `max_active_runs`, as none does here."""
        made, engine.called = engine.called, []
        for each in made:
            row = each.row
            dates = (row.logical_date, row.data_interval_start, row.data_interval_end)
            called = Run(row.id, each.plan, engine.runner, row.type, *dates, started=row.started or 0.0)
            called.params = json.loads(row.params)
            self._place(called)
            engine.tell(Admit(build(called, engine.ids)))
        return [each.row.id for each in made]

    def _place(self, run: Run) -> None:
        run.folder, run.logs = (str(self.folder.absolute() / kind / run.id) for kind in ("runs", "logs"))

    def _create(self, order: Order, version: moves.Version, dates: Dates, runner: int) -> NewRun:
        params = json.dumps(order.params, ensure_ascii=False)
        only = None if order.only is None else json.dumps(sorted(order.only))
        now = version.seen
        while True:
            name = new_id("manual", datetime.fromtimestamp(now, UTC))
            row = NewRun(
                name,
                order.plan.pipeline,
                version.hash,
                "manual",
                "running",
                *dates,
                tick=None,
                params=params,
                only_tasks=only,
                created=now,
                started=now,
                owner=runner,
            )
            if moves.create_run(self.database, row):
                return row


def _held_back(world: World) -> Instance | None:
    """The first that waits for a pool, or for the run before."""
    asking = {each.instance for each in waiting(world)}
    instances = (each for run in world.runs.values() for each in run.instances)
    return next((each for each in instances if each.id in asking or each.node in world.past), None)


def _version(plan: Plan, now: float) -> moves.Version:
    text = to_text(plan)
    return moves.Version(plan.pipeline, plan.file, text_hash(text), text, now)


def _notify(engine: Engine, asked: Sized) -> None:
    """Wait until all is told that is to be told; who interrupts that does not wait."""
    before = len(asked)
    engine.outbox.hurry()
    engine.work(lambda: engine.outbox.idle or len(asked) > before)
    if not engine.outbox.idle:
        engine.give_up_notices("it was interrupted")


@contextmanager
def _interrupts(engine: Engine, run: Run) -> Iterator[list[int]]:
    """Ctrl-C, TERM or a terminal that goes away asks the run to end; a second time does not wait. Those that came."""
    asked: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for name in {run.id, *engine.world.runs}:
            engine.tell(Stop(name, "kill" if asked else "cancel"))
        asked.append(number)

    # What was ignored when we began (below nohup, in the background) stays so.
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def result_of(run: Run) -> RunResult:
    return RunResult(run.id, run.state.value, run.reason, [task_row(each) for each in run.instances])


def task_row(instance: Instance) -> dict[str, Any]:
    """An instance as the command line's JSON has it."""
    return {
        "id": instance.node.task.id,
        "state": instance.state.value,
        "attempts": instance.attempts,
        "map_index": None if instance.index == UNMAPPED else instance.index,
        "started_at": times.shown(instance.started),
        "ended_at": times.shown(instance.ended),
    }
