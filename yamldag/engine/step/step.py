"""The pure step: what has happened and what time it is, to what is stored and what is asked of the executor.

No clock, no SQL and no process is in here. A step moves the runs that it is given in memory and tells all that
it changed; if storing that fails, the runs are made again from their rows.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from yamldag.engine.memory.deferral import Awaited
from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.step.attempts import Attempts
from yamldag.engine.step.bench import Bench
from yamldag.engine.step.clearing import Clearing
from yamldag.engine.step.deadline import moment_of
from yamldag.engine.step.deferred import answered
from yamldag.engine.step.errands import Returned
from yamldag.engine.step.pools import forget
from yamldag.engine.step.readiness import waits_for_parents
from yamldag.engine.step.stopping import ACTIVE, Stopping
from yamldag.engine.step.waiting import begun, hasten, put_off
from yamldag.engine.step.world import (
    Admit,
    Answered,
    Asked,
    ClockSet,
    Deadline,
    Finished,
    Freed,
    Happened,
    Looked,
    Past,
    Reply,
    Result,
    Stop,
    World,
)
from yamldag.operators.contract import Outcome
from yamldag.plan.state import Event, RunState, TaskState


def step(world: World, happened: Iterable[Happened], now: float) -> Result:
    """Take in what has happened, ring what is due, decide all that follows, and fill the room there is."""
    return _Step(world, now).take(happened)


class _Step:
    def __init__(self, world: World, now: float) -> None:
        bench = Bench.of(world, now)
        self.world, self.changes, self.result = bench.world, bench.changes, bench.result
        self.room, self.readiness, self.deferred = bench.room, bench.readiness, bench.deferred
        self.now = now
        self.stopping = Stopping(bench)
        self.clearing = Clearing(bench, self.stopping)
        self.attempts = Attempts(bench, self.clearing)
        self.admitted: list[Run] = []

    def take(self, happened: Iterable[Happened]) -> Result:
        for what in happened:
            if isinstance(what, Finished):
                self.attempts.finish(what)
            elif isinstance(what, Admit):
                self._admit(what)
            elif isinstance(what, Stop | Asked):
                if run := self.world.runs.get(what.run):
                    self._obey(run, what)
            elif isinstance(what, ClockSet):
                put_off(self.world, self.changes, what.by)
            elif isinstance(what, Answered | Freed | Past):
                self._hear(what)
            else:
                self._tell_waiting(what)
        self._ring()
        self.readiness.settle()
        while instance := self.room.next():
            self.attempts.start(instance)
            self.readiness.settle()
        for run in dict.fromkeys([*self.admitted, *self.changes.runs, *self.clearing.due]):
            self._close(run)
        if self.world.awaited or self.world.called:
            self._tell_who_waits_for_runs()
        self.result.batches, self.result.notices = self.changes.batches(), self.changes.notices
        return self.result

    def _admit(self, what: Admit) -> None:
        run = what.run
        self.world.runs[run.id] = run
        self.admitted.append(run)
        if run.plan.timeout is not None:
            self.world.alarm(begun(run, self.now) + run.plan.timeout, run)
        if run.plan.deadline is not None and not run.late:
            self.world.alarm(moment_of(run.plan, run.logical_date), Deadline(run.id))
        for instance in run.instances:
            if what.new:
                self.changes.add(instance)
                if waits_for_parents(instance.node):
                    continue
            self._resume(instance)
        for instance in run.unsaved:
            self.changes.add(instance)
        if run.stop:
            self.stopping.stop_all(run, run.stop)

    def _obey(self, run: Run, what: Stop | Asked) -> None:
        if isinstance(what, Stop):
            self.stopping.stop(run, what.how)
        elif what.wish is not None:
            self.clearing.ask(run, what, what.wish)
        elif what.reply is not None:
            self._take_answer(run, what.request, what.reply)
        else:
            self.stopping.stop(run, what.kind)
            self.changes.answer(run, what.request, run.reason or "")

    def _take_answer(self, run: Run, request: int, reply: Reply) -> None:
        instance = self.world.deferred.get(reply.attempt)
        outcome = answered(reply)
        self.changes.answer(run, request, outcome.reason if instance else "it waited no longer")
        if instance:
            self.deferred.leave(instance)
            self.attempts.finish_deferred(instance, outcome)

    def _hear(self, what: Answered | Freed | Past) -> None:
        if isinstance(what, Answered):
            self._answered(what)
        elif isinstance(what, Freed):
            self.room.pools.free(what.slots)
        else:
            self._learn(what)

    def _answered(self, what: Answered) -> None:
        for instance, refusal in self.room.answered(what):
            self.attempts.start(instance, refusal)

    def _learn(self, what: Past) -> None:
        for node, refusal in what.answers.items():
            if node in self.world.past:
                self.readiness.past_answered(node, refusal)

    def _resume(self, instance: Instance) -> None:
        """Put an instance where its state says that it is."""
        state, pooled = instance.state, instance.node.task.pool is not None
        hasten(instance, self.changes)
        if state is TaskState.NONE:
            self.readiness.consider(instance)
        elif state is TaskState.SCHEDULED:
            if pooled:
                self.changes.disclaim(instance)
            self.room.ready(instance)
        elif state is TaskState.UP_FOR_RETRY:
            assert instance.retry_at is not None
            self.world.alarm(instance.retry_at, instance)
        elif state in ACTIVE:
            instance.claimed = instance.granted = pooled
            self.room.take(instance)
        elif state is TaskState.DEFERRED:
            self.deferred.begin(instance)

    def _ring(self) -> None:
        timers = self.world.timers
        while timers and timers[0][0] <= self.now:
            at, _, what = heapq.heappop(timers)
            if isinstance(what, Run):
                if self.world.runs.get(what.id) is what and not what.stop:  # it may have begun again since
                    self.stopping.stop(what, "timeout")
            elif isinstance(what, Deadline):
                if (run := self.world.runs.get(what.run)) and not run.late:
                    self.changes.late(run)
            elif what.attempt in self.world.deferred:
                if outcome := self.deferred.ring(what, at):
                    self.stopping.leave(what)
                    self.attempts.finish_deferred(what, outcome)
            elif what.state is TaskState.UP_FOR_RETRY and what.retry_at == at:
                self.changes.move(what, Event.WAKE)
                self.room.ready(what)

    def _tell_waiting(self, what: Looked | Returned) -> None:
        instance: Instance | None
        outcome: Outcome | None
        if isinstance(what, Looked):
            instance, outcome = self.world.deferred.get(what.attempt), what.outcome
        else:
            instance, outcome = self.deferred.returned(what)
        if instance and outcome:
            self.deferred.leave(instance)
            self.attempts.finish_deferred(instance, outcome)

    def _tell_who_waits_for_runs(self) -> None:
        for run in self.result.over:
            self.deferred.over(run.id)
            if run.state is RunState.SUCCESS:
                self.deferred.moved(Awaited(run.plan.pipeline, run.logical_date, None))
        for instance, state in self.changes.moved:
            if state is TaskState.SUCCESS:
                run = instance.node.run
                self.deferred.moved(Awaited(run.plan.pipeline, run.logical_date, instance.node.task.id))

    def _close(self, run: Run) -> None:
        if run.id not in self.world.runs:
            return
        if run.clear and run.clear.is_renewal_due:
            self.clearing.let_go(run)
            self._forget(run)
        elif not run.unfinished:
            self._end(run)

    def _end(self, run: Run) -> None:
        run.ended = self.now
        if run.stop:
            event = Event.FAIL if run.stop in ("timeout", "lost") else Event.CANCEL
        else:
            event = Event.FAIL if run.bad else Event.SUCCEED
        self.changes.run(run, event, run.reason)
        self._forget(run)
        self.result.over.append(run)

    def _forget(self, run: Run) -> None:
        del self.world.runs[run.id]
        self.world.open.discard(run)
        if self.world.pools:
            forget(self.world, run)
