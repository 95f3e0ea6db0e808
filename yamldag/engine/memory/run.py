"""A run in memory: its tasks and their instances, and what each of them still waits for.

Everything here is made from the plan and the rows of the database, and can be made again from them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from yamldag.engine.memory.deferral import Deferral
from yamldag.plan.pipeline import Fanout, Json, Plan, Task
from yamldag.plan.state import FINAL, RunState, TaskState

CLEARED = -1
"""The tries of what was cleared and has not begun since: no earlier output may stand for its own."""
UNMAPPED = -1
"""The map index of what is not mapped, or not expanded."""


class Tally(Struct):
    """How parents have ended: those that the trigger rule judges by state, the others by number alone."""

    success: int = 0
    failed: int = 0
    upstream_failed: int = 0
    skipped: int = 0
    judged: int = 0
    """All that are judged, ended or not."""
    others: int = 0
    """Unfinished ones that must only be done."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.success + other.success,
            self.failed + other.failed,
            self.upstream_failed + other.upstream_failed,
            self.skipped + other.skipped,
            self.judged + other.judged,
            self.others + other.others,
        )

    def expect(self, judged: bool, state: TaskState = TaskState.NONE, number: int = 1) -> None:
        """So many more parents, in that state (fewer if negative)."""
        done = state in FINAL
        if not judged:
            self.others += 0 if done else number
            return
        self.judged += number
        if done:
            setattr(self, state, getattr(self, state) + number)

    def count(self, judged: bool, state: TaskState) -> bool:
        """A parent has ended. True if that may change the decision: rules ask which counts are zero."""
        if not judged:
            self.others -= 1
            return self.others == 0
        count = getattr(self, state) + 1
        setattr(self, state, count)
        return count == 1 or self.done

    @property
    def done(self) -> bool:
        return self.success + self.failed + self.upstream_failed + self.skipped == self.judged


class Instance(Struct, eq=False):
    """One row of `task_instance`: a task, or one item's instance of a mapped task."""

    id: int
    node: Node
    index: int = UNMAPPED
    item: Json = None
    state: TaskState = TaskState.NONE
    attempts: int = 0
    tries: int = 0
    attempt: int | None = None
    ready: float | None = None
    retry_at: float | None = None
    started: float | None = None
    ended: float | None = None
    reason: str | None = None
    output: Json = None
    own: Tally | None = None
    """Parents that are the same item's; the node's tally holds those of all items."""
    losses: int = 0
    """Its newest attempts that were lost, one after the other."""
    claimed: bool = False
    """It has a row among the claims to its pool."""
    granted: bool = False
    """It holds slots of its pool."""
    deferral: Deferral | None = None
    """What it waits for, while it is deferred."""

    def __lt__(self, other: Instance) -> bool:
        return self.id < other.id

    @property
    def label(self) -> str:
        """How it is addressed: `load`, or `load[0]`."""
        return self.node.task.id if self.index == UNMAPPED else f"{self.node.task.id}[{self.index}]"


class Node(Struct, eq=False):
    """A task of the plan within a run, with its instances: one, that stands for all, until it is expanded."""

    run: Run
    task: Task
    position: int
    fan: Fan | None = None
    tally: Tally = field(default_factory=Tally)
    children: list[tuple[Node, bool]] = field(default_factory=list)
    """Each with whether its rule judges this task."""
    setups: tuple[Node, ...] = ()
    """The setups somewhere above; of a teardown: its own."""
    below: tuple[Node, ...] = ()
    """Those that it decides of when it ends. Of a setup: every task somewhere below, and its teardowns."""
    gates: tuple[Node, ...] = ()
    """The `branch` directly above, and every `short_circuit` somewhere above."""
    gate: bool = False
    """It is one itself."""
    awaits: tuple[str, ...] = ()
    """What the groups that it is part of read, and it does not need itself."""
    kept: dict[tuple[str, ...], frozenset[str]] = field(default_factory=dict)
    """Of a `branch`: by what was chosen, all that goes on."""
    instances: list[Instance] = field(default_factory=list)
    expanded: bool = False
    tells: bool = False
    """Whether somebody is to be told how it ends."""
    spare: dict[int, Instance] = field(default_factory=dict)
    """Rows of items that are not in the list, or not yet again: by index."""
    past: bool = False
    """It has passed in the run before, as `depends_on_past` wants."""
    left: int | None = None
    """Instances that have not ended, where someone waits for the whole; None: to be counted."""

    def is_over(self) -> bool:
        """Whether the task as a whole has ended. Asked once for each of its instances, as it ends."""
        if not self.expanded:
            return True
        if self.left is None:
            self.left = sum(each.state not in FINAL for each in self.instances)
        else:
            self.left -= 1
        if self.left > 0:
            return False
        self.left = None  # instances may be cleared, and end again
        return all(map(is_done, self.instances))


class Fan(Struct, eq=False):
    """What is mapped as one: a task alone, or the tasks of a group, a chain of instances per item."""

    id: str
    fanout: Fanout
    members: list[Node] = field(default_factory=list)
    active: set[int] = field(default_factory=set)
    """Indexes of the chains that are under way."""
    held: list[tuple[int, int, Instance]] = field(default_factory=list)
    """A heap, by index, of what is ready and whose chain waits for room."""
    unfinished: dict[int, int] = field(default_factory=dict)
    """Instances of each chain that have not ended, by index."""
    leads_out: bool = False
    """A path leads out of the mapping and back into it: what is outside may wait for every chain, so a chain
    that waits for it keeps no place from the others."""

    def admits(self, instance: Instance) -> bool:
        """Whether it may start as far as `max_active` goes; if not, it is held until its chain's turn."""
        if self.fanout.max_active is None or instance.index in self.active:
            return True
        if len(self.active) < self.fanout.max_active:
            self.active.add(instance.index)
            return True
        heapq.heappush(self.held, (instance.index, instance.node.position, instance))
        return False

    def end(self, instance: Instance) -> list[Instance]:
        """An instance has ended: those held that may go on by that."""
        index = instance.index
        self.unfinished[index] -= 1
        goes_on = self.unfinished[index] and not (self.leads_out and self._rests(index))
        return [] if goes_on else self._leave(index)

    def _rests(self, index: int) -> bool:
        """Whether all of a chain that is not over waits for others."""
        return all(node.instances[index].state in (*FINAL, TaskState.NONE) for node in self.members)

    def pause(self, instance: Instance) -> list[Instance]:
        """An instance waits for its retry: a chain goes on holding its place, a single task does not."""
        return [] if len(self.members) > 1 else self._leave(instance.index)

    def chains(self) -> dict[int, list[Instance]]:
        """The instances of each item, by index."""
        found: dict[int, list[Instance]] = {}
        for node in self.members:
            if node.expanded:
                for instance in node.instances:
                    found.setdefault(instance.index, []).append(instance)
        return found

    def count(self) -> None:
        """How much of each chain is left."""
        self.unfinished = {
            index: sum(each.state not in FINAL for each in chain) for index, chain in self.chains().items()
        }

    def empty(self) -> None:
        """Its items are asked for again."""
        self.active, self.held, self.unfinished = set(), [], {}

    def renew(self) -> list[Instance]:
        """Some of its instances were cleared: those held that may go on by that."""
        self.count()
        resting = [index for index in self.active if self._rests(index)]
        return [instance for index in resting for instance in self._leave(index)]

    def _leave(self, index: int) -> list[Instance]:
        self.active.discard(index)
        assert self.fanout.max_active is not None or not self.held
        free: list[Instance] = []
        turn = set(self.active)
        while self.held and (self.held[0][0] in turn or len(turn) < (self.fanout.max_active or 0)):
            instance = heapq.heappop(self.held)[-1]
            if instance.state is TaskState.SCHEDULED:
                turn.add(instance.index)
                free.append(instance)
        return free


Ready = tuple[int, float, int, int, Instance]
"""Priority (negative), ready since, position in the plan, map index: the order in which tasks get room."""


class Clear(Struct):
    """Instances that are held until all attempts of theirs have ended."""

    instances: set[Instance]
    again: frozenset[str]
    """Mappings whose items are asked for again."""
    waiting: set[int] = field(default_factory=set)
    """Attempts that were asked to stop and have not ended."""
    requests: list[int] = field(default_factory=list)
    marks: dict[Instance, str] = field(default_factory=dict)
    """The states that some of them get by hand, instead of beginning anew."""
    renewal: int | None = None
    """The request by which the run goes on by a newer plan; all that has not ended is held."""

    @property
    def is_renewal_due(self) -> bool:
        return self.renewal is not None and not self.waiting


class Run(Struct, eq=False):
    id: str
    plan: Plan
    owner: int
    """The id of the engine's life that moves it."""
    type: str = "manual"
    logical_date: str = ""
    data_interval_start: str = ""
    data_interval_end: str = ""
    params: Mapping[str, Json] = field(default_factory=dict)
    folder: str = ""
    """Its scratch folder, absolute."""
    logs: str = ""
    """Its folder of logs, absolute."""
    only: frozenset[str] | None = None
    """The tasks that it was narrowed to."""
    earlier: Mapping[str, Json] = field(default_factory=dict)
    """Outputs of the tasks that it was narrowed from, of their newest success."""
    assets: Sequence[Mapping[str, str]] = ()
    """The updates that started it: {asset, run, task, at}, `at` as the database keeps moments."""
    backfill: str | None = None
    """What it is part of."""
    state: RunState = RunState.RUNNING
    started: float = 0.0
    ended: float | None = None
    reason: str | None = None
    late: bool = False
    """Whether its deadline has passed, and that is recorded."""
    stop: str | None = None
    """What it was asked to end by: `cancel`, `kill` or `timeout`."""
    stopping: set[int] = field(default_factory=set)
    """Attempts that were asked to stop and have not ended."""
    nodes: dict[str, Node] = field(default_factory=dict)
    fans: dict[str, Fan] = field(default_factory=dict)
    unfinished: int = 0
    """Instances that have not ended."""
    bad: int = 0
    """Instances that make the run a failed one."""
    active: int = 0
    """Instances that are queued or running."""
    ready: list[Ready] = field(default_factory=list)
    """A heap of what may start at once, if there is room."""
    queues: dict[str, list[Ready]] = field(default_factory=dict)
    """Heaps of what is ready and wants slots of a pool, by its name; none is empty."""
    clear: Clear | None = None
    """What is to be cleared once its attempts have ended."""
    unsaved: list[Instance] = field(default_factory=list)
    """Instances that have no row yet, though the run has rows: of tasks that its plan has got since."""

    @property
    def full(self) -> bool:
        """Whether as many are active as may be."""
        return self.active >= self.plan.max_active_tasks

    @property
    def instances(self) -> Iterator[Instance]:
        """In the order of the plan, then of the items."""
        return (instance for node in self.nodes.values() for instance in node.instances)


def is_done(instance: Instance) -> bool:
    return instance.state in FINAL


def task_state(node: Node) -> TaskState:
    """Of the task as a whole."""
    return whole(instance.state for instance in node.instances)


def whole(states: Iterable[TaskState]) -> TaskState:
    """Of all instances of a task: failed if one is, else upstream_failed, success or skipped likewise."""
    found = set(states)
    unfinished = [state for state in TaskState if state in found - FINAL]
    order = (
        TaskState.FAILED,
        TaskState.UPSTREAM_FAILED,
        TaskState.SUCCESS,
        TaskState.SKIPPED,
        TaskState.REMOVED,
    )
    return next(state for state in (*reversed(unfinished), *order) if state in found)


def output(node: Node) -> Json:
    """The task's output: one value, or of a mapped task a list in the order of the items."""
    if node.expanded:
        return [instance.output for instance in node.instances]
    return node.instances[0].output
