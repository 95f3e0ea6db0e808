"""The loop: hears what has ended, takes a step, stores it, and only then lets anything start."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from yamldag.engine import folders
from yamldag.engine.clock import Clock
from yamldag.engine.loop.cache import Cache
from yamldag.engine.loop.dispatch import Dispatch
from yamldag.engine.loop.news import News
from yamldag.engine.loop.outbox import Outbox
from yamldag.engine.loop.past import PastWatch
from yamldag.engine.loop.pool_watch import PoolWatch
from yamldag.engine.loop.requests import asked_of
from yamldag.engine.loop.templates import Templates
from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.step.errands import Errand, Errands
from yamldag.engine.step.pools import forget
from yamldag.engine.step.step import step
from yamldag.engine.step.world import (
    Answered,
    Asked,
    Called,
    Callee,
    Callees,
    ClockSet,
    Finished,
    Freed,
    Happened,
    Renewal,
    Result,
    World,
    nobody,
)
from yamldag.executors.contract import Ended, Executor, Start
from yamldag.operators.contract import Outcome
from yamldag.plan.state import TaskState
from yamldag.store import moves
from yamldag.store.database import Database
from yamldag.store.requests import StoredRequest
from yamldag.store.tally import PATIENT, Tally

if TYPE_CHECKING:
    from yamldag.engine.loop.lookout import Lookout
from yamldag.store.pools import NOTHING, Answer

_IDS_PER_LIFE = 28
"""Bits: a quarter of a milliard ids for one life of an engine."""

_LONGEST = 86_400.0
"""Seconds: what is due in some hundred years is more than an executor can be told to wait."""

Watcher = Callable[[Instance, TaskState], None]


def unwatched(_instance: Instance, _state: TaskState) -> None:
    """Nobody wants to know."""


def _nothing() -> None:
    """To write nothing is a sign of life."""


def ids_of(runner: int) -> Iterator[int]:
    """Ids that no other life of an engine gives, without asking the database for each."""
    return itertools.count((runner << _IDS_PER_LIFE) + 1)


@dataclass(slots=True)
class Engine:
    """Moves any number of runs. Of one thread, but for `tell`."""

    database: Database
    executor: Executor
    clock: Clock
    runner: int
    """The id of this life in the database; it owns the runs that it moves."""
    environment: Mapping[str, str]
    watch: Watcher = unwatched
    """Called with every move, once it is stored."""
    slots: int | None = None
    address: str | None = None
    """Where its pages are, as `http://127.0.0.1:8080`."""
    pulse: float | None = None
    """Seconds after which it gives a sign of life if it has written nothing; None: it gives none."""
    ids: Iterator[int] = field(init=False)
    world: World = field(init=False)
    lost: set[str] = field(default_factory=set)
    """Runs that someone else has moved meanwhile: no longer ours."""
    given_up: dict[str, str] = field(default_factory=dict)
    """Runs whose rows can't be read, and why: they have failed; the caller empties it."""
    leaving: bool = False
    """The scheduler goes: nothing starts any more, and what is stopped now has failed at nothing."""
    updated: bool = False
    """Assets were updated; whoever looks at them sets it back."""
    over: list[Run] = field(default_factory=list)
    """Runs that have ended; the caller empties it."""
    renewals: list[Renewal] = field(default_factory=list)
    """Runs that are to go on by a newer plan, and of which nothing is under way any more; the caller renews them."""
    callees: Callees = nobody
    """The pipelines that tasks may call."""
    called: list[Called] = field(default_factory=list)
    """Runs that tasks have made, and that are stored; the caller empties it."""
    errands: Errands = field(default_factory=Errands)
    steps: Tally = field(default_factory=Tally)
    """How long steps took, with what they stored and started."""
    starts: Tally = field(default_factory=lambda: Tally(PATIENT))
    """How long what was started had been ready."""
    set_by: float = 0.0
    """Seconds by which the clock was set in all: what is waited for goes by `steady`."""
    fresh: bool = False
    """Other processes have written to the database; who has looked there sets it back."""
    news: News = field(init=False)
    _woken: bool = False
    _inbox: deque[Happened] = field(default_factory=deque)
    _templates: Templates = field(init=False)
    _pools: PoolWatch = field(init=False)
    _past: PastWatch = field(init=False)
    dispatch: Dispatch = field(init=False)
    outbox: Outbox = field(init=False)
    _lookout: Lookout | None = None

    def __post_init__(self) -> None:
        self.ids = ids_of(self.runner)
        self.news = News(self.database)
        self._templates = Templates(self.environment)
        self._templates.address = self.address
        self.dispatch = Dispatch(self._templates, self.environment, self.ids, self._callee)
        self.outbox = Outbox(self.database, self.dispatch, self.runner)
        self.world = World(self.ids, self._templates, self.dispatch.prepare, self.slots, self.dispatch.errand)
        self.world.cache = Cache(self.database, self._templates)
        self._pools = PoolWatch(self.database, self.world, self.runner)
        self._past = PastWatch(self.database, self.world)

    @property
    def steady(self) -> float:
        """Seconds for waits of this process: the time, as if nobody had ever set the clock."""
        return self.clock.now() - self.set_by

    def _callee(self, name: str) -> Callee | None:
        return self.callees(name)

    def tell(self, what: Happened) -> None:
        """Something has happened: from another thread, or below a signal handler."""
        self._inbox.append(what)
        self.executor.wake()

    def wake(self) -> None:
        """Let a turn that waits come to its end: from another thread, or below a signal handler."""
        self._woken = True
        self.executor.wake()

    def work(self, until: Callable[[], bool]) -> None:
        """Turn until that holds."""
        while not until():
            self.turn(None)

    def turn(self, patience: float | None) -> bool:
        """Wait for something to happen, at most so many seconds and no longer than a beat, and take one step.

        True: something has happened, or other processes have written to the database.
        """
        ends = self.executor.receive(self._wait(patience))
        happened: list[Happened] = []
        if by := self.clock.moved():
            self.set_by += by
            happened.append(ClockSet(by))
        while self._inbox:
            happened.append(self._inbox.popleft())
        running = self.world.running
        happened += [self._finished(end, running[end.attempt]) for end in ends if end.attempt in running]
        if self.errands.running:
            happened += filter(None, map(self.errands.returned, ends))
        if self.world.pools and (freed := self._pools.look(self.clock.now())):
            happened.append(freed)
        happened += self._heard()
        rang, self._woken = self._woken or self.world.rings(self.clock.now()), False
        self.take(happened)
        if not self.outbox.idle:
            self._notify(happened)
        if ends:
            self.executor.acknowledge([end.attempt for end in ends])
        if self.pulse is not None and self.database.quiet >= self.pulse:
            self.database.write(_nothing)
        return bool(happened) or rang or self.fresh

    def take(self, happened: list[Happened], start_again: Iterable[Start] = ()) -> None:
        """One step, stored and carried out. `start_again`: what was stored as started before, and never was."""
        begun = time.perf_counter()
        result = step(self.world, happened, self.clock.now())
        result.start[:0] = start_again
        answer = self._carry_out(result)
        while followed := [*self._follows(result, answer)]:
            result = step(self.world, followed, self.clock.now())
            answer = self._carry_out(result)
        self.steps.add(time.perf_counter() - begun)

    def _follows(self, result: Result, answer: Answer) -> Iterator[Happened]:
        """What is known now that the step is stored, and leads to a further one at once."""
        if result.asks:
            yield Answered(answer)
        if self.world.past and (past := self._past.after(result, self.clock.now())):
            yield past

    def leave(self) -> None:
        """Start nothing more; what runs may end."""
        self.leaving = True
        self.world.slots = 0
        self.tell(Freed(dict.fromkeys(self.world.pools, 0)))  # nobody is to wait for those who wait here

    def _finished(self, end: Ended, instance: Instance) -> Finished:
        if self.leaving and end.reason == "stopped" and not instance.node.run.stop:
            end = replace(end, reason="lost", message="it was stopped with the scheduler")
        return self.dispatch.finished(end, instance)

    def _wait(self, patience: float | None) -> float:
        if self._inbox or self._woken:
            return 0.0
        now, due = self.clock.now(), self.world.due()
        waits = [
            self.news.wait(now),
            patience,
            self._pools.patience,
            self._past.patience,
            None if due is None else min(max(0.0, due - now), _LONGEST),
            self.outbox.patience(now),
            None if self.pulse is None else max(0.0, self.pulse - self.database.quiet),
        ]
        return min(wait for wait in waits if wait is not None)

    def hear(self) -> None:
        """Hear now what other processes have written, whatever the beat."""
        self.news.soon()
        self._inbox += self._heard()

    def _heard(self) -> list[Asked]:
        """What other processes ask of runs of this engine."""
        if not self.news.look(self.clock.now()):
            return []
        self.fresh = True
        return asked_of(self.database, self.runner, self.clock.now(), self._knows)

    def _knows(self, row: StoredRequest) -> bool:
        """Whether it was heard of before, and waits for attempts to end."""
        run = self.world.runs.get(row.run)
        return run is not None and run.clear is not None and row.id in run.clear.requests

    def _carry_out(self, result: Result) -> Answer:
        """Store first; what was not stored does not happen."""
        answer = NOTHING
        if result.batches or result.asks:
            lost, answer = moves.store(self.database, result.batches, result.asks, self.runner)
            self._drop(lost)
            self.updated = self.updated or any(batch.asset_updates for batch in result.batches.values())
        self.dispatch.clean()
        start = [each for each in result.start if each.attempt in self.world.running and self._opened(each)]
        if start:
            self.executor.start(start)
            self._note_waits(start)
        if result.stop:
            self.executor.stop(result.stop)
        if result.kill:
            self.executor.stop(result.kill, kill=True)
        self.called += [each for each in result.called if each.by not in self.lost]
        if self.errands.waiting or result.errands or result.recall:
            self._run_errands(result.errands, result.recall)
        if result.notices:
            kept = (notice for notice in result.notices if notice.run.id not in self.lost)
            self.outbox.add(kept, self.clock.now())
        if result.looks:
            self._look(result)
        for run in (*result.over, *(each.run for each in result.renewals)):
            self._templates.forget(run)
        self.renewals += [each for each in result.renewals if each.run.id not in self.lost]
        self.over += result.over
        for instance, state in result.moved:
            self.watch(instance, state)
        return answer

    def _note_waits(self, start: Iterable[Start]) -> None:
        """How long those that start now have been ready."""
        now = self.clock.now()
        for each in start:
            ready = self.world.running[each.attempt].ready
            if ready is not None:
                self.starts.add(max(0.0, now - ready))

    def _opened(self, start: Start) -> bool:
        """Make the places of an attempt; where that can't be, it has failed before it began."""
        try:
            self.dispatch.open(start)
        except OSError as problem:
            now = self.clock.now()
            outcome = Outcome("failed", folders.refusal(problem), retry=True)
            self.tell(Finished(start.attempt, outcome, "unstartable", now, now))
            return False
        return True

    def _notify(self, happened: Iterable[Happened]) -> None:
        """Tell whom there is something to tell, and hear what came of it."""
        now = self.clock.now()
        self.outbox.returned(happened, now)
        if errands := self.outbox.next(now):
            self._run_errands(errands)
        self.called += self.outbox.called
        self.outbox.called.clear()

    def give_up_notices(self, why: str) -> None:
        """Nobody waits for them any more."""
        sent = list(self.outbox.sent)
        self.outbox.give_up(why, self.clock.now())
        if running := self.errands.recall(sent):
            self.executor.stop(running, kill=True)

    def _run_errands(self, errands: Iterable[Errand], recall: Iterable[int] = ()) -> None:
        self.errands.send(errands)
        if running := self.errands.recall(recall):
            self.executor.stop(running)
        starts, over = self.errands.start(self.clock.now())
        if starts:
            self.executor.start(starts)
        for returned in over:
            self.tell(returned)

    def _look(self, result: Result) -> None:
        if self._lookout is None:
            from yamldag.engine.loop.lookout import Lookout  # few need it, and it brings threads

            self._lookout = Lookout(self.database, self.tell)
        self._lookout.look(result.looks.values())

    def _drop(self, lost: set[str]) -> None:
        self.lost |= lost
        for name in lost:
            run = self.world.runs.pop(name, None)
            if run is None:
                continue
            self.world.open.discard(run)
            forget(self.world, run)
            for each in [each for each in self.world.deferred.values() if each.node.run is run]:
                self.world.forget(each)
            mine = [attempt for attempt, each in self.world.running.items() if each.node.run is run]
            for attempt in mine:
                del self.world.running[attempt]
