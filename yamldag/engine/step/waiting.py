"""What is waited for when the clock is set: a delay lasts as long as it was to, a moment comes when it is shown."""

from __future__ import annotations

import heapq

from yamldag.engine.memory.deferral import TIME, Deferral
from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.step.changes import Changes
from yamldag.engine.step.retry import delay
from yamldag.engine.step.world import Deadline, Timer, World
from yamldag.plan.state import TaskState


def put_off(world: World, changes: Changes, by: float) -> None:
    """The clock was set by so many seconds: everything that is a delay is due so much later by it."""
    world.timers = [(at + _by(what, at, by), number, what) for at, number, what in world.timers]
    heapq.heapify(world.timers)
    for instance in world.deferred.values():
        assert instance.deferral is not None
        _shift(instance.deferral, by)
    for run in world.runs.values():
        for instance in run.instances:
            if instance.state is TaskState.UP_FOR_RETRY:
                assert instance.retry_at is not None
                changes.touch(instance)
                instance.retry_at += by


def hasten(instance: Instance, changes: Changes) -> None:
    """What was stored before the clock was set back, by someone who is dead, is not to last until that time."""
    now = changes.now
    if (deferral := instance.deferral) is not None and deferral.since > now:
        _shift(deferral, now - deferral.since)
    if instance.retry_at is not None and instance.state is TaskState.UP_FOR_RETRY:
        run = instance.node.run
        latest = now + delay(instance.node.task, instance.tries, f"{run.id}/{instance.label}")
        if instance.retry_at > latest:
            changes.touch(instance)
            instance.retry_at = latest


def begun(run: Run, now: float) -> float:
    """When a run was started, which is never yet to come."""
    return min(run.started, now)


def _by(what: Timer, at: float, by: float) -> float:
    if isinstance(what, Deadline):
        return 0.0
    fixed = isinstance(what, Instance) and what.deferral is not None and _is_moment(what.deferral)
    return 0.0 if fixed and at == what.deferral.at else by  # type: ignore[union-attr]


def _is_moment(deferral: Deferral) -> bool:
    return deferral.what == TIME and bool(deferral.fixed)


def _shift(deferral: Deferral, by: float) -> None:
    deferral.since += by
    if deferral.until is not None:
        deferral.until += by
    if _is_moment(deferral):
        return
    if deferral.next is not None:
        deferral.next += by
    if deferral.at is not None:
        deferral.at += by
