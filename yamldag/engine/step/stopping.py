"""How a run is stopped: what runs of it is ended, what has not begun is skipped, and teardowns clean up."""

from __future__ import annotations

from yamldag.engine.memory.reasons import REASONS
from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.step.bench import Bench
from yamldag.plan.state import Event, TaskState

ACTIVE = (TaskState.QUEUED, TaskState.RUNNING)
_BEFORE_START = (TaskState.NONE, TaskState.SCHEDULED, TaskState.UP_FOR_RETRY)
_AT_ONCE = ("kill", "lost")
"""Teardowns are not waited for."""


class Stopping:
    """The stops of one step."""

    def __init__(self, bench: Bench) -> None:
        self._world, self._changes, self._result = bench.world, bench.changes, bench.result
        self._readiness, self._deferred = bench.readiness, bench.deferred

    def stop(self, run: Run, how: str) -> None:
        """Stop what runs and skip what has not begun, but for the teardowns of setups that are done."""
        if run.stop and how not in _AT_ONCE:
            return
        run.stop = "timeout" if run.stop == "timeout" else how
        run.reason = REASONS[run.stop]
        self._changes.run(run, None)
        if run.clear:
            for request in run.clear.requests:
                self._changes.answer(run, request, run.reason)
            run.clear = None
        self.stop_all(run, how)

    def stop_all(self, run: Run, how: str) -> None:
        """All of a run that is known to be stopping."""
        for instance in list(run.instances):
            if how in _AT_ONCE or not cleans_up(instance):
                self._stop_one(instance, how)

    def _stop_one(self, instance: Instance, how: str) -> None:
        if instance.state in ACTIVE:
            assert instance.attempt is not None
            instance.node.run.stopping.add(instance.attempt)
            (self._result.kill if how == "kill" else self._result.stop).append(instance.attempt)
        elif instance.state is TaskState.DEFERRED:
            self._end_waiting(instance, how)
        elif instance.state in _BEFORE_START:
            self._readiness.finish(instance, Event.CANCEL, REASONS[how])

    def _end_waiting(self, instance: Instance, how: str) -> None:
        """At once: there is nothing that would have to end first."""
        self.leave(instance, how)
        instance.ended, instance.reason = self._changes.now, REASONS[how]
        self._changes.end(instance, Event.CANCEL, None, "stopped", REASONS[how])
        self._changes.move(instance, Event.CANCEL, REASONS[how])
        self._readiness.ended(instance)

    def leave(self, instance: Instance, how: str = "cancel") -> None:
        """It waits no longer. A run that it has called, and waits for, ends with it."""
        called = self._deferred.leave(instance)
        if called in self._world.runs:
            self.stop(self._world.runs[called], how if how in _AT_ONCE else "cancel")
        elif called is not None:
            self._changes.uncall(instance, called)

    def has_stopped(self, instance: Instance, attempt: int) -> bool:
        """Whether an attempt that has ended was asked to. Teardowns begin once the last that was has ended."""
        run = instance.node.run
        if attempt not in run.stopping:
            return False
        run.stopping.discard(attempt)
        if not run.stopping:
            for each in run.instances:
                if each.node.task.teardown_of:
                    self._readiness.consider(each)
        return True


def cleans_up(instance: Instance) -> bool:
    """Whether it is the teardown of a setup that is done, or may still be: what is asked to stop can come first."""
    node = instance.node
    return bool(node.task.teardown_of) and any(
        each.state is TaskState.SUCCESS or each.state in ACTIVE
        for setup in node.setups
        for each in setup.instances
    )
