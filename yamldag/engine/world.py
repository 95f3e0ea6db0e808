"""All that an engine holds in memory, what may happen to it, and what a step over it comes to."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from yamldag.engine.choice import Wish
from yamldag.engine.errands import Errand, Returned
from yamldag.engine.readiness import Asking
from yamldag.engine.run import Instance, Run
from yamldag.executors.contract import Start
from yamldag.operators.contract import Outcome
from yamldag.plan.state import TaskState
from yamldag.store.rows import Batch


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
class Asked:
    """A command or a page asks something of a run: obeyed and answered in one transaction."""

    request: int
    run: str
    kind: str
    """`cancel`, `kill` or `clear`."""
    wish: Wish | None = None
    """What to clear."""


Happened: TypeAlias = "Admit | Finished | Stop | Asked | Returned"
Prepare: TypeAlias = "Callable[[Instance], Prepared]"
"""Renders the newest attempt of an instance: what to start, or how it is over already."""


@dataclass(frozen=True, slots=True)
class Prepared:
    log: str
    work: Start | Outcome


@dataclass(slots=True)
class World:
    """The runs of an engine, what runs of them, and when to look at what again."""

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

    def rings(self, now: float) -> bool:
        """Whether a timer does."""
        return bool(self.timers) and self.timers[0][0] <= now

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
