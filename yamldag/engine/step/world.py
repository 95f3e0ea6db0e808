"""All that an engine holds in memory, what may happen to it, and what a step over it comes to."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeAlias

from msgspec import Struct, field

from yamldag.engine.memory.deferral import RUN, Awaited, Deferral
from yamldag.engine.memory.notices import Notice
from yamldag.engine.memory.run import Instance, Node, Run
from yamldag.engine.step.choice import Wish
from yamldag.engine.step.errands import Errand, Returned
from yamldag.engine.step.line import Line
from yamldag.engine.step.readiness import Asking
from yamldag.executors.contract import Start
from yamldag.operators.contract import Outcome
from yamldag.plan.pipeline import Json, Plan
from yamldag.plan.state import TaskState
from yamldag.store.pools import Answer, Ask
from yamldag.store.rows import Batch, NewRun


class Admit(Struct, frozen=True):
    """A run begins, or goes on after it was read from the database."""

    run: Run
    new: bool = True


class Finished(Struct, frozen=True):
    """An attempt has ended."""

    attempt: int
    outcome: Outcome
    reason: str
    """As the executor says: `exit`, `timeout`, `stopped`, `unstartable`, `lost`."""
    started: float
    ended: float
    exit: int | None = None


class Stop(Struct, frozen=True):
    """Someone wants a run to end: `cancel`, or `kill`, which does not wait for teardowns either; `lost`: the one
    who ran it can't go on."""

    run: str
    how: str


class Reply(Struct, frozen=True):
    """A person's answer to what an attempt asks."""

    attempt: int
    yes: bool
    by: str
    value: Json = None


class Asked(Struct, frozen=True):
    """A command or a page asks something of a run: obeyed and answered in one transaction."""

    request: int
    run: str
    kind: str
    """`cancel`, `kill`, `clear`, `mark` or `answer`."""
    wish: Wish | None = None
    """What to clear, or to mark."""
    renews: bool = False
    """The run is to go on by a newer plan."""
    reply: Reply | None = None


class Answered(Struct, frozen=True):
    """The database has said which of those that asked for slots of a pool have them now."""

    answer: Answer


class Freed(Struct, frozen=True):
    """Someone else gave back slots: by the pool's name, how many there may be for those who wait here."""

    slots: Mapping[str, int]


class Looked(Struct, frozen=True):
    """What a deferred attempt waits for has come, or can come no more."""

    attempt: int
    outcome: Outcome


class Past(Struct, frozen=True):
    """It is known of tasks whether they have passed in the run before: if not, the words say why they never will."""

    answers: Mapping[Node, str]


class ClockSet(Struct, frozen=True):
    """The machine's clock was set by so many seconds: what is waited for comes when it would have."""

    by: float


Happened: TypeAlias = (
    "Admit | ClockSet | Finished | Stop | Asked | Returned | Looked | Answered | Freed | Past"
)
Prepare: TypeAlias = "Callable[[Instance], Prepared]"
"""Renders the newest attempt of an instance: what to start, what it waits for, or how it is over already."""
Send: TypeAlias = "Callable[[Instance], Errand | Outcome]"
"""Renders a look of a deferred attempt."""


class Renewal(Struct, frozen=True):
    """Nothing of a run is under way any more, and it is to go on by the newer plan that a request names."""

    run: Run
    request: int


class Called(Struct, frozen=True):
    """A run that an attempt makes of another pipeline: recorded with the attempt, or not at all."""

    row: NewRun
    plan: Plan
    by: str
    """The id of the run that calls."""


class Deadline(Struct, frozen=True):
    """A timer: by then a run should be over."""

    run: str


class Callee(Struct, frozen=True):
    """A pipeline that can be called."""

    plan: Plan
    version: str | None = None
    """Of a run that begins at once and here; None: it waits for room, and fixes its plan when it starts."""


Timer: TypeAlias = "Run | Instance | Deadline"
"""What is to be looked at again at some time."""
Callees: TypeAlias = "Callable[[str], Callee | None]"


def nobody(_pipeline: str) -> Callee | None:
    """Where nothing can be called."""
    return None


class Prepared(Struct, frozen=True):
    log: str
    work: Start | Outcome | Deferral
    call: Called | None = None


class Look(Struct, frozen=True):
    """To be looked at, outside the step: `Looked` tells if anything was found."""

    instance: int
    attempt: int
    deferral: Deferral
    declared: Mapping[str, Json] | None
    """The JSON Schema that the output must fit."""


def no_errands(_instance: Instance) -> Outcome:
    """Of a world that sends none."""
    return Outcome("failed", "nothing can be looked at here")


class Reused(Struct, frozen=True):
    """An output of an earlier success."""

    output: Json
    run: str | None
    """Whose it is; None: that run is no longer recorded."""


class Cache(Protocol):
    """Outputs that are kept for tasks with a `cache`."""

    def key(self, instance: Instance) -> str:
        """What its output is kept under. Raises Refused."""

    def find(self, instance: Instance, key: str, now: float) -> Reused | None:
        """What may stand for its output."""


class Pool(Struct):
    """What an engine knows of a pool; the claims themselves are in the database."""

    hope: int = 0
    """Slots that may be free, as far as was heard."""
    runs: set[Run] = field(default_factory=set)
    """Those with something ready that wants slots of it."""
    waiting: set[Instance] = field(default_factory=set)
    """Those whose claims stand in the queue."""
    asking: set[Instance] = field(default_factory=set)
    """Those that have asked in this step."""


class World(Struct):
    """The runs of an engine, what runs of them, and when to look at what again."""

    ids: Iterator[int]
    asking: Asking
    prepare: Prepare
    slots: int | None = None
    """How many attempts may run at once, over all runs."""
    errand: Send = no_errands
    cache: Cache | None = None
    """None: nothing is reused, and nothing is kept."""
    runs: dict[str, Run] = field(default_factory=dict)
    running: dict[int, Instance] = field(default_factory=dict)
    """By the attempt's id."""
    timers: list[tuple[float, int, Timer]] = field(default_factory=list)
    """A heap: when to look at what again."""
    open: Line = field(default_factory=Line)
    """Runs with something ready and room for it."""
    pools: dict[str, Pool] = field(default_factory=dict)
    """By name, those that somebody here waits for."""
    asked: dict[int, Instance] = field(default_factory=dict)
    """By the instance's id, those who keep room until they are told whether their pool has slots for them."""

    past: set[Node] = field(default_factory=set)
    """Tasks that wait for the run before theirs."""

    @property
    def full(self) -> bool:
        """Whether as many attempts run as may."""
        return self.slots is not None and len(self.running) + len(self.asked) >= self.slots

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

    def rings(self, now: float) -> bool:
        """Whether a timer does."""
        return bool(self.timers) and self.timers[0][0] <= now

    def alarm(self, at: float, what: Timer) -> None:
        """Look at it again then."""
        heapq.heappush(self.timers, (at, next(self.ids), what))


class Result(Struct):
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
    notices: list[Notice] = field(default_factory=list)
    """What is to be told, once it is stored."""
    asks: list[Ask] = field(default_factory=list)
    """For slots of pools: answered in the transaction that stores the step, and heard of in the next one."""
    looks: dict[int, Look] = field(default_factory=dict)
    """By the attempt that waits."""
    called: list[Called] = field(default_factory=list)
    """Runs that were made, and wait or begin now."""
    renewals: list[Renewal] = field(default_factory=list)
    """Runs that are let go, to be cleared by their rows."""
