"""Attempts that wait without a worker: when to look, what a look came to, and that nobody looks any more."""

from __future__ import annotations

import math

from yamldag.engine.memory.deferral import APPROVAL, CALL, ERRAND, RUN, TIME, Awaited, Deferral
from yamldag.engine.memory.run import Instance
from yamldag.engine.step.errands import Returned
from yamldag.engine.step.world import Look, Reply, Result, World
from yamldag.operators.contract import Outcome
from yamldag.syntax import duration

_GRAIN = 1.0
"""Seconds: looks that are due within the same one are done together."""
_CALLS = 5.0
"""Seconds between two looks at a run that was called: its end is heard of at once, unless another engine moves it."""


class Deferred:
    """The waiting attempts of one step. What ends one is returned, for its caller to carry out."""

    def __init__(self, world: World, result: Result, now: float) -> None:
        self._world = world
        self._result = result
        self._now = now

    def begin(self, instance: Instance) -> None:
        """It waits from now on, or goes on waiting after a restart."""
        deferral, attempt = instance.deferral, instance.attempt
        assert deferral is not None
        assert attempt is not None
        self._world.deferred[attempt] = instance
        if deferral.what == RUN:
            self._world.awaited.setdefault(deferral.key, set()).add(attempt)
        elif deferral.what == CALL:
            assert deferral.run is not None
            self._world.called[deferral.run] = attempt
        if deferral.until is not None:
            self._world.alarm(deferral.until, instance)
        if deferral.what == APPROVAL:
            return  # whoever answers says so
        deferral.next = deferral.at if deferral.what == TIME else self._now
        assert deferral.next is not None
        self._world.alarm(deferral.next, instance)

    def ring(self, instance: Instance, at: float) -> Outcome | None:
        """A timer of it rings: look, or end it."""
        deferral = instance.deferral
        assert deferral is not None
        if deferral.what == TIME and at == deferral.next:
            return Outcome("success")
        if at == deferral.until:
            if deferral.what != APPROVAL:
                return late(deferral)
            self._look(instance, deferral)  # somebody may have answered in the same moment
        if at != deferral.next:
            return None
        if deferral.what == ERRAND:
            return self._send(instance, deferral)
        self._later(instance, deferral)
        self._look(instance, deferral)
        return None

    def moved(self, key: Awaited) -> None:
        """A run, or a task of one, has become a success: look at once."""
        for attempt in self._world.awaited.get(key, ()):
            instance = self._world.deferred[attempt]
            assert instance.deferral is not None
            self._look(instance, instance.deferral)

    def over(self, run: str) -> None:
        """A run has ended: if it was called, look at once."""
        attempt = self._world.called.get(run)
        if attempt is not None:
            instance = self._world.deferred[attempt]
            assert instance.deferral is not None
            self._look(instance, instance.deferral)

    def returned(self, what: Returned) -> tuple[Instance, Outcome | None] | tuple[None, None]:
        """An errand is over. If it was a look: whose, and what ends the attempt, if anything does."""
        instance = what.errand.owner
        if not isinstance(instance, Instance) or instance.deferral is None:
            return None, None
        deferral = instance.deferral
        if deferral.errand != what.errand.id:
            return None, None  # of an earlier attempt
        deferral.errand = None
        outcome = _found(what)
        if outcome is None:
            self._later(instance, deferral)
        return instance, outcome

    def leave(self, instance: Instance) -> str | None:
        """It waits no longer: nobody looks any more. The id of the run that it has called, if it waits for one."""
        deferral, attempt = instance.deferral, instance.attempt
        assert deferral is not None
        assert attempt is not None
        self._world.forget(instance)
        if deferral.errand is not None:
            self._result.recall.append(deferral.errand)
        instance.deferral = None
        instance.ready = None
        return deferral.run

    def _send(self, instance: Instance, deferral: Deferral) -> Outcome | None:
        errand = self._world.errand(instance)
        if isinstance(errand, Outcome):
            return errand
        deferral.errand = errand.id
        self._result.errands.append(errand)
        return None

    def _look(self, instance: Instance, deferral: Deferral) -> None:
        assert instance.attempt is not None
        self._result.looks[instance.attempt] = Look(
            instance.id, instance.attempt, deferral, instance.node.task.output
        )

    def _later(self, instance: Instance, deferral: Deferral) -> None:
        """Those that are due within a second of each other are looked at together."""
        poke = _CALLS if deferral.what == CALL else deferral.poke
        grain = min(_GRAIN, poke / 10)
        deferral.next = math.ceil((self._now + poke) / grain) * grain
        self._world.alarm(deferral.next, instance)


def answered(reply: Reply) -> Outcome:
    """How an attempt ends that a person has answered."""
    if reply.yes:
        return Outcome("success", f"approved by {reply.by}", reply.value)
    return Outcome("skipped", f"{reply.by} said no")


def late(deferral: Deferral) -> Outcome:
    """Of an attempt whose time to wait is over."""
    assert deferral.until is not None
    words = f"timed out after {duration.words(deferral.until - deferral.since)}"
    return Outcome("skipped", words) if deferral.soft_fail else Outcome("failed", words, retry=True)


def _found(what: Returned) -> Outcome | None:
    """What a look says of the attempt; None: not yet."""
    if what.reason in ("stopped", "lost", "timeout"):
        return None
    outcome = what.outcome
    if what.errand.operator == "http":
        again = outcome.state == "failed" and outcome.retry
        return None if again else Outcome(outcome.state, outcome.reason)
    if outcome.state == "success":
        return Outcome("success") if outcome.output else None
    return outcome
