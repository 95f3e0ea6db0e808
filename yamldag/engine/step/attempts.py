"""How attempts begin and end, and what becomes of their task then: done, tried again, or failed."""

from __future__ import annotations

from yamldag.engine.memory.deferral import Deferral
from yamldag.engine.memory.reasons import REASONS
from yamldag.engine.memory.run import Instance
from yamldag.engine.step.bench import Bench
from yamldag.engine.step.clearing import Clearing
from yamldag.engine.step.retry import delay
from yamldag.engine.step.reusing import Reusing
from yamldag.engine.step.world import Finished, Prepared
from yamldag.executors.contract import Start
from yamldag.operators.contract import Outcome
from yamldag.plan.state import Event

LOSSES = 5
"""Attempts of a task that are lost one after the other before it is not tried again."""


class Attempts:
    """The attempts of one step."""

    def __init__(self, bench: Bench, clearing: Clearing) -> None:
        self._world, self._changes, self._result = bench.world, bench.changes, bench.result
        self._readiness, self._room, self._deferred = bench.readiness, bench.room, bench.deferred
        self._clearing, self._stopping = clearing, clearing.stopping

    def start(self, instance: Instance, refusal: str | None = None) -> None:
        """Begin its next one: there is room. With a refusal, it fails by that at once."""
        now = self._changes.now
        self._changes.touch(instance)
        instance.attempts += 1
        instance.tries = max(instance.tries, 0) + 1
        instance.attempt = next(self._world.ids)
        instance.started, instance.ended, instance.retry_at, instance.reason = now, None, None, None
        self._changes.move(instance, Event.QUEUE)
        self._changes.move(instance, Event.START)
        self._room.take(instance)
        prepared = Prepared("", Outcome("failed", refusal)) if refusal else self._world.prepare(instance)
        if isinstance(prepared.work, Deferral):
            self._defer(instance, prepared.work)
        self._changes.begin(instance, prepared.log)
        if prepared.call:
            self._changes.call(instance, prepared.call.row)
            self._result.called.append(prepared.call)
        if isinstance(prepared.work, Start):
            self._result.start.append(prepared.work)
        elif isinstance(prepared.work, Outcome):
            self.finish(Finished(instance.attempt, prepared.work, "refused", now, now))

    def _defer(self, instance: Instance, deferral: Deferral) -> None:
        """It waits, and gives back the room that it has taken; it goes on holding its place in its chain."""
        assert instance.attempt is not None
        del self._world.running[instance.attempt]
        self._room.release(instance)
        instance.deferral = deferral
        self._changes.move(instance, Event.DEFER)
        self._changes.defer(instance)
        self._deferred.begin(instance)

    def finish_deferred(self, instance: Instance, outcome: Outcome) -> None:
        """What it waited for has come, or its time is over; it has left those that wait."""
        assert instance.attempt is not None
        assert instance.started is not None
        instance.ended = self._changes.now
        what = Finished(instance.attempt, outcome, "waited", instance.started, instance.ended)
        self._become(instance, what, stopped=False)

    def finish(self, what: Finished) -> None:
        """One has ended."""
        instance = self._world.running.pop(what.attempt, None)
        if instance is None:
            return  # told twice, or of a run that is no longer ours
        stopped = self._stopping.has_stopped(instance, what.attempt)
        instance.started, instance.ended = what.started, what.ended
        self._room.release(instance)
        if not (instance.node.run.clear and self._clearing.takes(instance, what)):
            self._become(instance, what, stopped)

    def _become(self, instance: Instance, what: Finished, stopped: bool) -> None:
        instance.losses = instance.losses if what.reason == "lost" else 0
        if what.outcome.state == "success" and not (stopped and what.reason == "stopped"):
            self._succeed(instance, what)
        elif stopped:
            assert instance.node.run.stop is not None
            self._end(instance, what, Event.CANCEL, REASONS[instance.node.run.stop])
        elif what.outcome.state == "skipped":
            self._end(instance, what, Event.SKIP, what.outcome.reason)
        elif what.reason == "lost" and instance.node.task.on_lost == "retry":
            self._lose(instance, what) if instance.losses + 1 < LOSSES else self._give_up(instance, what)
        elif what.outcome.retry and instance.tries <= instance.node.task.retries:
            self._retry(instance, what)
        else:
            self._end(instance, what, Event.FAIL, what.outcome.reason)

    def _succeed(self, instance: Instance, what: Finished) -> None:
        instance.output = what.outcome.output
        if instance.output is not None:
            self._changes.output(instance)
        if instance.node.task.cache is not None:
            Reusing(self._world, self._changes).keep(instance)
        self._end(instance, what, Event.SUCCEED, what.outcome.reason)

    def _end(self, instance: Instance, what: Finished, event: Event, reason: str) -> None:
        instance.reason = reason or None
        self._changes.end(instance, event, what.exit, what.reason, reason)
        self._changes.move(instance, event, reason or None)
        self._readiness.ended(instance)

    def _lose(self, instance: Instance, what: Finished) -> None:
        """The worker went away: again, and at no cost of a retry."""
        instance.tries -= 1
        instance.losses += 1
        self._changes.end(instance, Event.LOSE, what.exit, what.reason, what.outcome.reason)
        self._changes.move(instance, Event.LOSE, what.outcome.reason)
        self._room.ready(instance)

    def _give_up(self, instance: Instance, what: Finished) -> None:
        """It may well be the task itself that ends whoever runs it."""
        words = f"lost {LOSSES} times in a row, so it is not tried again: {what.outcome.reason}"
        self._end(instance, what, Event.FAIL, words)

    def _retry(self, instance: Instance, what: Finished) -> None:
        run = instance.node.run
        wait = delay(instance.node.task, instance.tries, f"{run.id}/{instance.label}")
        instance.retry_at = self._changes.now + wait
        instance.reason = what.outcome.reason
        self._changes.end(instance, Event.FAIL, what.exit, what.reason, what.outcome.reason)
        self._changes.move(instance, Event.RETRY, what.outcome.reason)
        self._world.alarm(instance.retry_at, instance)
        self._room.leave_chain(instance)
