"""All that an engine holds in memory, what may happen to it, and what a step over it comes to."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from yamldag.engine.deferral import RUN, Awaited, Deferral
from yamldag.engine.errands import Errand, Returned
from yamldag.engine.readiness import Asking
from yamldag.engine.run import Instance, Run
from yamldag.executors.contract import Start
from yamldag.operators.contract import Outcome
from yamldag.plan.pipeline import Json, Plan
from yamldag.plan.state import TaskState
from yamldag.store.rows import Batch, NewRun


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


@dataclass(frozen=True, slots=True)
class Looked:
    """What a deferred attempt waits for has come, or can come no more."""

    attempt: int
    outcome: Outcome


Happened: TypeAlias = "Admit | Finished | Stop | Returned | Looked"
Prepare: TypeAlias = "Callable[[Instance], Prepared]"
"""Renders the newest attempt of an instance: what to start, what it waits for, or how it is over already."""
Send: TypeAlias = "Callable[[Instance], Errand | Outcome]"
"""Renders a look of a deferred attempt."""


@dataclass(frozen=True, slots=True)
class Called:
    """A run that an attempt makes of another pipeline: recorded with the attempt, or not at all."""

    row: NewRun
    plan: Plan
    by: str
    """The id of the run that calls."""


@dataclass(frozen=True, slots=True)
class Prepared:
    log: str
    work: Start | Outcome | Deferral
    call: Called | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """To be looked at, outside the step: `Looked` tells if anything was found."""

    attempt: int
    deferral: Deferral
    declared: Mapping[str, Json] | None
    """The JSON Schema that the output must fit."""


def no_errands(_instance: Instance) -> Outcome:
    """Of a world that sends none."""
    return Outcome("failed", "nothing can be looked at here")


@dataclass(slots=True)
class World:
    """The runs of an engine, what runs of them, and when to look at what again."""

    ids: Iterator[int]
    asking: Asking
    prepare: Prepare
    slots: int | None = None
    """How many attempts may run at once, over all runs."""
    errand: Send = no_errands
    runs: dict[str, Run] = field(default_factory=dict)
    running: dict[int, Instance] = field(default_factory=dict)
    """By the attempt's id."""
    timers: list[tuple[float, int, Run | Instance]] = field(default_factory=list)
    """A heap: when to look at what again."""
    open: set[Run] = field(default_factory=set)
    """Runs with something ready and room for it."""

    deferred: dict[int, Instance] = field(default_factory=dict)
    """By the attempt's id: those that wait without a worker."""
    awaited: dict[Awaited, set[int]] = field(default_factory=dict)
    """The attempts that wait for a run, or for a task of one."""
    called: dict[str, int] = field(default_factory=dict)
    """By the id of a run that was called: the attempt that waits for its end."""

    def forget(self, instance: Instance) -> None:
        """It is deferred no longer, or no longer ours."""
        deferral, attempt = instance.deferral, instance.attempt
        assert deferral is not None
        assert attempt is not None
        self.deferred.pop(attempt, None)
        if deferral.run is not None:
            self.called.pop(deferral.run, None)
        if deferral.what == RUN and (others := self.awaited.get(deferral.key)):
            others.discard(attempt)
            if not others:
                del self.awaited[deferral.key]

    def due(self) -> float | None:
        """When the next timer rings."""
        return self.timers[0][0] if self.timers else None

    def alarm(self, at: float, what: Run | Instance) -> None:
        """Look at it again then."""
        heapq.heappush(self.timers, (at, next(self.ids), what))


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
    looks: dict[int, Look] = field(default_factory=dict)
    """By the attempt that waits."""
    called: list[Called] = field(default_factory=list)
    """Runs that were made, and wait or begin now."""
