"""What a clear clears: from the tasks that were named, how far it reaches, to tasks and instances. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from yamldag.engine.memory.reasons import CUT_SHORT
from yamldag.plan.graph import ancestors, children, descendants
from yamldag.plan.pipeline import Task
from yamldag.plan.state import TaskState

Unit = tuple[str, int | None]
"""A task's id, and the index of one instance of it; None: the whole task."""
_BAD = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)


class Wish(Struct, frozen=True):
    """What a person wants to be cleared."""

    units: tuple[Unit, ...] = ()
    """Empty: all tasks."""
    above: bool = False
    """Also all above what is named."""
    below: bool = True
    """Also all below."""
    failed: bool = False
    """Of these only what has failed, or was cut short, and what is below that."""
    mark: str | None = None
    """`success` or `failed`: what is named gets that state by hand, and of what is below it only that which did not
    come to run is decided anew."""

    def marks(self, task: str, index: int | None) -> bool:
        """Whether an instance is one that gets a state by hand."""
        return self.mark is not None and not {(task, None), (task, index)}.isdisjoint(self.units)


class Fact(Struct, frozen=True):
    """What is known of an instance. `index` is None if it is not mapped, or not expanded."""

    task: str
    index: int | None
    state: TaskState
    reason: str | None = None
    ran: bool = True
    """An attempt of it was begun since it was last cleared."""

    @property
    def unrun(self) -> bool:
        """It ended without having run, by how others ended."""
        return self.state in (TaskState.UPSTREAM_FAILED, TaskState.SKIPPED) and not self.ran

    @property
    def is_bad(self) -> bool:
        """It failed, or did not come to run because its run was stopped."""
        cut_short = self.state is TaskState.SKIPPED and self.reason in CUT_SHORT
        return self.state in _BAD or cut_short


class Choice(Struct, frozen=True):
    """What is to be cleared."""

    whole: frozenset[str] = frozenset()
    """Tasks with all their instances."""
    single: frozenset[tuple[str, int]] = frozenset()
    """Instances of tasks that are not cleared as a whole."""
    again: frozenset[str] = frozenset()
    """Mappings whose items are asked for again: all their tasks are cleared as a whole."""

    def has(self, task: str, index: int | None) -> bool:
        return task in self.whole or (index is not None and (task, index) in self.single)


def choose(tasks: Sequence[Task], facts: Iterable[Fact], wish: Wish) -> Choice:
    """All that is cleared, setups and teardowns included. `tasks` are those that the run has."""
    known = list(facts)
    field_ = _Field.of(tasks, known)
    units = {(task, index) for task, index in wish.units if task in field_.tasks}
    if wish.mark is not None:
        return field_.marked(units, wish.mark, known)
    units = units if wish.units else {(task.id, None) for task in tasks}
    if wish.failed:
        reach = field_.reach(units, wish)
        units = {field_.unit(fact) for fact in known if fact.is_bad and field_.holds(reach, fact)}
    return field_.choice(field_.with_scopes(field_.reach(units, wish)))


class _Field(Struct, frozen=True):
    """The graph of a run's tasks, and which of them have instances for items."""

    tasks: Mapping[str, Task]
    parents: Mapping[str, Sequence[str]]
    children: Mapping[str, Sequence[str]]
    items: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, tasks: Sequence[Task], facts: Iterable[Fact]) -> _Field:
        parents = {task.id: task.needs for task in tasks}
        items: dict[str, set[int]] = {}
        for fact in facts:
            if fact.index is not None:
                items.setdefault(fact.task, set()).add(fact.index)
        frozen = {name: frozenset(found) for name, found in items.items()}
        return cls({task.id: task for task in tasks}, parents, children(parents), frozen)

    def unit(self, fact: Fact) -> Unit:
        return fact.task, fact.index

    def holds(self, units: set[Unit], fact: Fact) -> bool:
        return (fact.task, None) in units or (fact.task, fact.index) in units

    def marked(self, units: set[Unit], state: str, facts: Iterable[Fact]) -> Choice:
        """What gets the state and has it not, and below that what did not come to run. No items are asked for anew:
        who marks all instances of a mapping means those."""
        named = {self.unit(fact) for fact in facts if self.holds(units, fact) and fact.state != state}
        below = self._walk(named, self.children)
        chosen = named | {self.unit(fact) for fact in facts if fact.unrun and self.holds(below, fact)}
        return replace(self.choice(chosen), again=frozenset())

    def reach(self, units: set[Unit], wish: Wish) -> set[Unit]:
        """These, and what the wish includes above and below them."""
        found = set(units)
        if wish.below:
            found |= self._walk(units, self.children)
        if wish.above:
            found |= self._walk(units, self.parents)
        return found

    def _walk(self, units: Iterable[Unit], near: Mapping[str, Sequence[str]]) -> set[Unit]:
        found: set[Unit] = set()
        waiting = list(units)
        while waiting:
            task, index = waiting.pop()
            for other in near[task]:
                unit = self._along(task, index, other)
                if other in self.tasks and unit not in found:
                    found.add(unit)
                    waiting.append(unit)
        return found

    def _along(self, task: str, index: int | None, other: str) -> Unit:
        """What an edge leads to: within a mapping, from an item's instance to the same item's."""
        mine, its = self.tasks[task].mapped_by, self.tasks[other].mapped_by if other in self.tasks else None
        same = index is not None and mine == its and index in self.items.get(other, ())
        return (other, index) if same else (other, None)

    def with_scopes(self, units: set[Unit]) -> set[Unit]:
        """And the setups and teardowns between which they stand."""
        if not any(task.setup for task in self.tasks.values()):
            return units
        return units.union(*(self._scope(unit) for unit in units))

    def _scope(self, unit: Unit) -> Iterator[Unit]:
        name, index = unit
        if self.tasks[name].setup:
            for teardown in self._teardowns(name):
                yield self._along(name, index, teardown)
        if self.tasks[name].teardown_of:
            return
        below = descendants(self.parents, [name])
        for setup in ancestors(self.parents, [name]):
            teardowns = self._teardowns(setup)
            # What stands behind the teardown is out of the scope.
            if self.tasks[setup].setup and (not teardowns or below.intersection(teardowns)):
                for each in (setup, *teardowns):
                    yield self._along(name, index, each)

    def _teardowns(self, setup: str) -> list[str]:
        return [task.id for task in self.tasks.values() if setup in task.teardown_of]

    def choice(self, units: set[Unit]) -> Choice:
        whole = frozenset(task for task, index in units if index is None)
        single = frozenset((task, index) for task, index in units if index is not None and task not in whole)
        mappings: dict[str, set[str]] = {}
        for task in self.tasks.values():
            if task.mapped_by:
                mappings.setdefault(task.mapped_by, set()).add(task.id)
        again = frozenset(name for name, members in mappings.items() if members <= whole)
        return Choice(whole, single, again)
