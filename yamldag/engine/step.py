"""The pure step: what has happened and what time it is, to what is stored and what is asked of the executor.

No clock, no SQL and no process is in here. A step moves the runs that it is given in memory and tells all that
it changed; if storing that fails, the runs are made again from their rows.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from yamldag.engine.changes import Changes
from yamldag.engine.errands import Errand, Returned
from yamldag.engine.readiness import Asking, Readiness
from yamldag.engine.retry import delay
from yamldag.engine.run import Instance, Run
from yamldag.executors.contract import Start
from yamldag.operators.contract import Outcome
from yamldag.plan.state import Event, TaskState
from yamldag.store.rows import Batch

_ACTIVE = (TaskState.QUEUED, TaskState.RUNNING)
_BEFORE_START = (TaskState.NONE, TaskState.SCHEDULED, TaskState.UP_FOR_RETRY)
_AT_ONCE = ("kill", "lost")
"""Teardowns are not waited for."""
REASONS = {
    "cancel": "the run was cancelled",
    "kill": "the run was cancelled",
    "lost": "the process that ran it is gone",
    "timeout": "the run took longer than its timeout",
}


@dataclass(frozen=True, slots=True)
class Admit:
    """A run begins, or goes on after it was read from the database."""

    run: Run
    new: bool = True


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt has ended."""

    attempt: int
    outcome: Outcome
    reason: str
    """As the executor says: `exit`, `timeout`, `stopped`, `unstartable`, `lost`."""
    started: float
    ended: float
    exit: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Someone wants a run to end: `cancel`, or `kill`, which does not wait for teardowns either; `lost`: the one
    who ran it can't go on."""

    run: str
    how: str


Happened: TypeAlias = "Admit | Finished | Stop | Returned"
Prepare: TypeAlias = "Callable[[Instance], Prepared]"
"""Renders the newest attempt of an instance: what to start, or how it is over already."""


@dataclass(frozen=True, slots=True)
class Prepared:
    log: str
    work: Start | Outcome


@dataclass(slots=True)
class World:
    """All that the engine holds in memory."""

    ids: Iterator[int]
    asking: Asking
    prepare: Prepare
    slots: int | None = None
    """How many attempts may run at once, over all runs."""
    runs: dict[str, Run] = field(default_factory=dict)
    running: dict[int, Instance] = field(default_factory=dict)
    """By the attempt's id."""
    timers: list[tuple[float, int, Run | Instance]] = field(default_factory=list)
    """A heap: when to look at what again."""
    open: set[Run] = field(default_factory=set)
    """Runs with something ready and room for it."""

    def due(self) -> float | None:
        """When the next timer rings."""
        return self.timers[0][0] if self.timers else None


@dataclass(slots=True)
class Result:
    """What a step came to. Store the batches, then do the rest."""

    batches: dict[str, Batch]
    start: list[Start]
    stop: list[int]
    kill: list[int]
    over: list[Run]
    moved: list[tuple[Instance, TaskState]]
    """Every move, in order, with the state that it led to."""
    errands: list[Errand] = field(default_factory=list)
    """To be sent."""
    recall: list[int] = field(default_factory=list)
    """Errands that nobody wants any more."""


def step(world: World, happened: Iterable[Happened], now: float) -> Result:
    """Take in what has happened, ring what is due, decide all that follows, and fill the room there is."""
    return _Step(world, now).take(happened)


class _Step:
    def __init__(self, world: World, now: float) -> None:
        self.world = world
        self.now = now
        self.changes = Changes(now)
        self.readiness = Readiness(self.changes, world.asking, world.ids, self._ready)
        self.admitted: list[Run] = []
        self.result = Result({}, [], [], [], [], self.changes.moved)

    def take(self, happened: Iterable[Happened]) -> Result:
        for what in happened:
            if isinstance(what, Finished):
                self._finished(what)
            elif isinstance(what, Admit):
                self._admit(what)
            elif isinstance(what, Stop) and (run := self.world.runs.get(what.run)):
                self._stop(run, what.how)
        self._ring()
        self.readiness.settle()
        self._fill()
        for run in dict.fromkeys([*self.admitted, *self.changes.runs]):
            self._close(run)
        self.result.batches = self.changes.batches()
        return self.result

    # What happens

    def _admit(self, what: Admit) -> None:
        run = what.run
        self.world.runs[run.id] = run
        self.admitted.append(run)
        if run.plan.timeout is not None:
            self._alarm(run.started + run.plan.timeout, run)
        for instance in run.instances:
            if what.new:
                self.changes.add(instance)
                if instance.node.tally.judged or instance.node.tally.others:
                    continue
            self._resume(instance)
        if run.stop:
            self._stop_all(run, run.stop)

    def _resume(self, instance: Instance) -> None:
        """Put an instance where its state says that it is."""
        run, state = instance.node.run, instance.state
        if state is TaskState.NONE:
            self.readiness.consider(instance)
        elif state is TaskState.SCHEDULED:
            self._ready(instance)
        elif state is TaskState.UP_FOR_RETRY:
            assert instance.retry_at is not None
            self._alarm(instance.retry_at, instance)
        elif state in _ACTIVE:
            assert instance.attempt is not None
            self.world.running[instance.attempt] = instance
            run.active += 1

    def _finished(self, what: Finished) -> None:
        instance = self.world.running.pop(what.attempt, None)
        if instance is None:
            return  # told twice, or of a run that is no longer ours
        stopped = self._has_stopped(instance, what.attempt)
        instance.started, instance.ended = what.started, what.ended
        self._release(instance)
        if what.outcome.state == "success" and not (stopped and what.reason == "stopped"):
            self._succeed(instance, what)
        elif stopped:
            assert instance.node.run.stop is not None
            self._end(instance, what, Event.CANCEL, REASONS[instance.node.run.stop])
        elif what.outcome.state == "skipped":
            self._end(instance, what, Event.SKIP, what.outcome.reason)
        elif what.reason == "lost" and instance.node.task.on_lost == "retry":
            self._lose(instance, what)
        elif what.outcome.retry and instance.tries <= instance.node.task.retries:
            self._retry(instance, what)
        else:
            self._end(instance, what, Event.FAIL, what.outcome.reason)

    def _has_stopped(self, instance: Instance, attempt: int) -> bool:
        """Whether it was asked to. Teardowns begin once the last that was has ended."""
        run = instance.node.run
        if attempt not in run.stopping:
            return False
        run.stopping.discard(attempt)
        if not run.stopping:
            for each in run.instances:
                if each.node.task.teardown_of:
                    self.readiness.consider(each)
        return True

    def _succeed(self, instance: Instance, what: Finished) -> None:
        instance.output = what.outcome.output
        if instance.output is not None:
            self.changes.output(instance)
        self._end(instance, what, Event.SUCCEED, what.outcome.reason)

    def _end(self, instance: Instance, what: Finished, event: Event, reason: str) -> None:
        instance.reason = reason or None
        self.changes.end(instance, event, what.exit, what.reason, reason)
        self.changes.move(instance, event, reason or None)
        self.readiness.ended(instance)

    def _lose(self, instance: Instance, what: Finished) -> None:
        """The worker went away: again, and at no cost of a retry."""
        instance.tries -= 1
        self.changes.end(instance, Event.LOSE, what.exit, what.reason, what.outcome.reason)
        self.changes.move(instance, Event.LOSE, what.outcome.reason)
        self._ready(instance)

    def _retry(self, instance: Instance, what: Finished) -> None:
        run = instance.node.run
        wait = delay(instance.node.task, instance.tries, f"{run.id}/{instance.label}")
        instance.retry_at = self.now + wait
        instance.reason = what.outcome.reason
        self.changes.end(instance, Event.FAIL, what.exit, what.reason, what.outcome.reason)
        self.changes.move(instance, Event.RETRY, what.outcome.reason)
        self._alarm(instance.retry_at, instance)
        if instance.node.fan and instance.node.expanded:
            for freed in instance.node.fan.pause(instance):
                self._ready(freed)

    def _stop(self, run: Run, how: str) -> None:
        """Stop what runs and skip what has not begun, but for the teardowns of setups that are done."""
        if run.stop and how not in _AT_ONCE:
            return
        run.stop = "timeout" if run.stop == "timeout" else how
        run.reason = REASONS[run.stop]
        self.changes.run(run, None)
        self._stop_all(run, how)

    def _stop_all(self, run: Run, how: str) -> None:
        for instance in list(run.instances):
            if how in _AT_ONCE or not _cleans_up(instance):
                self._stop_one(instance, how)

    def _stop_one(self, instance: Instance, how: str) -> None:
        if instance.state in _ACTIVE:
            assert instance.attempt is not None
            instance.node.run.stopping.add(instance.attempt)
            (self.result.kill if how == "kill" else self.result.stop).append(instance.attempt)
        elif instance.state in _BEFORE_START:
            self.readiness.finish(instance, Event.CANCEL, REASONS[how])

    # Time

    def _alarm(self, at: float, what: Run | Instance) -> None:
        heapq.heappush(self.world.timers, (at, next(self.world.ids), what))

    def _ring(self) -> None:
        timers = self.world.timers
        while timers and timers[0][0] <= self.now:
            at, _, what = heapq.heappop(timers)
            if isinstance(what, Run):
                if what.id in self.world.runs and not what.stop:
                    self._stop(what, "timeout")
            elif what.state is TaskState.UP_FOR_RETRY and what.retry_at == at:
                self.changes.move(what, Event.WAKE)
                self._ready(what)

    # Room

    def _ready(self, instance: Instance) -> None:
        """It may start as soon as there is room: in its chain, in its run, at the executor."""
        run, node = instance.node.run, instance.node
        if instance.ready is None:
            instance.ready = self.now
        if node.fan and not node.fan.admits(instance):
            return
        heapq.heappush(
            run.ready, (-node.task.priority, instance.ready, node.position, instance.index, instance)
        )
        if run.active < run.plan.max_active_tasks:
            self.world.open.add(run)

    def _fill(self) -> None:
        world = self.world
        while world.open and (world.slots is None or len(world.running) < world.slots):
            run = _first(world.open)
            instance = heapq.heappop(run.ready)[-1]
            if not run.ready:
                world.open.discard(run)
            if instance.state is TaskState.SCHEDULED:  # it may have been cancelled in the heap
                self._start(instance)
                self.readiness.settle()

    def _start(self, instance: Instance) -> None:
        run, world = instance.node.run, self.world
        self.changes.touch(instance)
        instance.attempts += 1
        instance.tries += 1
        instance.attempt = next(world.ids)
        instance.started, instance.ended, instance.retry_at, instance.reason = self.now, None, None, None
        self.changes.move(instance, Event.QUEUE)
        self.changes.move(instance, Event.START)
        world.running[instance.attempt] = instance
        run.active += 1
        if run.active >= run.plan.max_active_tasks:
            world.open.discard(run)
        prepared = world.prepare(instance)
        self.changes.begin(instance, prepared.log)
        if isinstance(prepared.work, Start):
            self.result.start.append(prepared.work)
        else:
            self._finished(Finished(instance.attempt, prepared.work, "refused", self.now, self.now))

    def _release(self, instance: Instance) -> None:
        """It no longer takes room."""
        run = instance.node.run
        run.active -= 1
        instance.ready = None
        if run.ready and run.active < run.plan.max_active_tasks:
            self.world.open.add(run)

    # The end of a run

    def _close(self, run: Run) -> None:
        if run.unfinished or run.id not in self.world.runs:
            return
        run.ended = self.now
        if run.stop:
            event = Event.FAIL if run.stop in ("timeout", "lost") else Event.CANCEL
        else:
            event = Event.FAIL if run.bad else Event.SUCCEED
        self.changes.run(run, event, run.reason)
        del self.world.runs[run.id]
        self.world.open.discard(run)
        self.result.over.append(run)


def _first(runs: set[Run]) -> Run:
    """The run whose next task goes first of all."""
    if len(runs) == 1:
        return next(iter(runs))
    return min(runs, key=lambda run: (run.ready[0][:2], run.logical_date, run.id))


def _cleans_up(instance: Instance) -> bool:
    """Whether it is the teardown of a setup that is done."""
    node = instance.node
    return bool(node.task.teardown_of) and any(
        each.state is TaskState.SUCCESS for setup in node.setups for each in setup.instances
    )
