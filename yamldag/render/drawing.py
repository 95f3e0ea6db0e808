"""What of a plan is drawn: boxes, frames and lines, before anyone knows where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from math import ceil, sqrt

from yamldag.plan.pipeline import Fanout, Group, Json, Plan, Task
from yamldag.render.text import clean, width

HEIGHT = 40.0
NAME, WORD, CHIP = 12.0, 10.5, 9.0
"""Sizes of letters, in pixels: a task's name, the line below it, a chip on its border."""
_WIDTHS = (128.0, 152.0, 176.0, 200.0, 224.0, 248.0)


@dataclass(frozen=True, slots=True)
class Node:
    task: Task
    name: str
    """The last part of the id, as one line; the frames around it say the rest."""
    state: str | None
    count: str
    """`×12`, `×n` for a number not known yet, or nothing."""
    chips: tuple[str, ...]
    """What its border says: the rule unless it is the usual one, setup, teardown."""
    width: float

    @property
    def id(self) -> str:
        return self.task.id


@dataclass(frozen=True, slots=True)
class Frame:
    group: Group
    name: str
    count: str


@dataclass(frozen=True, slots=True)
class Edge:
    parent: str
    child: str
    rule: str
    """The child's trigger rule, or `unjudged` where it does not look at this parent."""
    dashed: bool
    """Only a template reference made it."""


@dataclass(frozen=True, slots=True)
class Drawing:
    plan: Plan
    coloured: bool
    """Whether states are shown at all."""
    nodes: tuple[Node, ...]
    frames: tuple[Frame, ...]
    edges: tuple[Edge, ...]
    down: bool
    """A long thin pipeline runs downwards, any other to the right."""


def drawing(plan: Plan, states: Mapping[str, str] | None = None) -> Drawing:
    """What is drawn of `plan`; a task that `states` does not name is in state `none`."""
    nodes = tuple(_node(plan, task, states) for task in plan.tasks)
    frames = tuple(
        Frame(group, _last(group.id), instances(plan.mapped.get(group.id))) for group in _used(plan)
    )
    edges = tuple(_edges(plan))
    return Drawing(plan, states is not None, nodes, frames, edges, _is_long(plan))


def instances(mapping: Fanout | None) -> str:
    """How many a mapped task becomes: `×12`, `×n` when only a run knows, nothing when it is not mapped."""
    if mapping is None:
        return ""
    number = _number(mapping)
    return "×n" if number is None else f"×{number}"


def alone(plan: Plan) -> Iterator[tuple[str, str]]:
    """Pairs to lay out as if they were edges, so that tasks without any stand in rows, not in a tower."""
    linked = {end for edge in plan.edges for end in edge}
    flocks: dict[str | None, list[str]] = {}
    for task in plan.tasks:
        if task.id not in linked:
            flocks.setdefault(task.group, []).append(task.id)
    for flock in flocks.values():
        columns = ceil(sqrt(len(flock) / 3))
        yield from ((a, b) for at, (a, b) in enumerate(pairwise(flock), 1) if at % columns)


def _node(plan: Plan, task: Task, states: Mapping[str, str] | None) -> Node:
    count = instances(plan.mapped.get(task.id)) if task.mapped_by == task.id else ""
    name = _last(task.id)
    state = None if states is None else states.get(task.id, "none")
    return Node(task, name, state, count, _chips(task), _width(name, task.operator, count, _chips(task)))


def _last(identifier: str) -> str:
    return clean(identifier.rpartition(".")[2] or identifier)


def _chips(task: Task) -> tuple[str, ...]:
    rule = () if task.trigger_rule == "all_success" or task.teardown_of else (clean(task.trigger_rule),)
    setup = ("setup",) if task.setup else ()
    return (*rule, *setup, *(("teardown",) if task.teardown_of else ()))


def _width(name: str, operator: str, count: str, chips: tuple[str, ...]) -> float:
    """The same few widths everywhere, so that columns look like columns; with room for a state's word."""
    border = sum(width(chip, CHIP) + 14 for chip in chips) + (width(count, CHIP) + 14 if count else 0)
    inner = max(width(name, NAME) * 1.06, width(clean(operator) + " · running", WORD) - 16)
    need = max(inner + 62, border + 16)
    return next((step for step in _WIDTHS if step >= need), _WIDTHS[-1])


def _used(plan: Plan) -> Iterator[Group]:
    """The groups that hold a task, themselves or in a group of theirs."""
    parents = {group.id: group.parent for group in plan.groups}
    held: set[str] = set()
    for task in plan.tasks:
        at = task.group
        while at is not None and at in parents and at not in held:
            held.add(at)
            at = parents[at]
    return (group for group in plan.groups if group.id in held)


def _edges(plan: Plan) -> Iterator[Edge]:
    known = {task.id for task in plan.tasks}
    for task in plan.tasks:
        for parent in task.needs:
            if parent in known:
                judged = not task.judged or parent in task.judged
                rule = task.trigger_rule if judged else "unjudged"
                yield Edge(parent, task.id, rule, parent in task.referenced)


def _number(mapping: Fanout) -> int | None:
    if isinstance(mapping.foreach, list):
        return len(mapping.foreach)
    axes = mapping.matrix
    if axes is None or not all(isinstance(axis, list) for axis in axes.values()):
        return None
    exclude = mapping.exclude
    if exclude is not None and not isinstance(exclude, list):
        return None
    sides = [axis for axis in axes.values() if isinstance(axis, list)]
    if not exclude:
        return _product(sides)
    points = (dict(zip(axes, point, strict=True)) for point in product(*sides))
    return None if _product(sides) > 10_000 else sum(not _excluded(point, exclude) for point in points)


def _product(sides: list[list[Json]]) -> int:
    number = 1
    for side in sides:
        number *= len(side)
    return number


def _excluded(point: Mapping[str, Json], exclude: list[Json]) -> bool:
    return any(isinstance(hole, dict) and hole.items() <= point.items() for hole in exclude)


def _is_long(plan: Plan) -> bool:
    depth: dict[str, int] = {}
    parents = {task.id: list(task.needs) for task in plan.tasks}
    for task in plan.tasks:
        _sink(task.id, parents, depth)
    layers = max(depth.values(), default=0) + 1
    return layers > 14 and len(plan.tasks) < 2.5 * layers


def _sink(start: str, parents: Mapping[str, list[str]], depth: dict[str, int]) -> None:
    """The longest way to `start` from a task without parents; a ring is cut where it is met."""
    stack = [(start, False)]
    open_: set[str] = set()
    while stack:
        at, back = stack.pop()
        if back:
            open_.discard(at)
            depth[at] = 1 + max((depth.get(up, -1) for up in parents.get(at, [])), default=-1)
        elif at not in depth and at not in open_:
            open_.add(at)
            stack.append((at, True))
            stack.extend((up, False) for up in parents.get(at, []))
