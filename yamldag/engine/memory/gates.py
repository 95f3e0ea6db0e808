"""`branch` and `short_circuit`: which tasks are skipped by what they gave, whatever the rules of those say.

It follows from the output, the plan and nothing else, so that it is the same after a restart or a clear.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from msgspec.structs import replace

from yamldag.engine.memory.run import Instance, Node, is_done
from yamldag.operators.contract import Outcome
from yamldag.plan.pipeline import Json, Plan, Task
from yamldag.plan.state import TaskState

BRANCH, SHORT_CIRCUIT = "branch", "short_circuit"


def checked(task: Task, plan: Plan, outcome: Outcome) -> Outcome:
    """The outcome of a `branch`: a failure if it has chosen what is not directly below."""
    if task.operator != BRANCH or outcome.state != "success":
        return outcome
    below = _directly_below(task, plan)
    for name in listed(outcome.output):
        if not _meant(name, task, below):
            there = ", ".join(f"`{each}`" for each in below) or "nothing"
            words = f"it chose `{name}`, which is no task directly below it; directly below it: {there}"
            return replace(outcome, state="failed", reason=words, output=None)
    return outcome


def barring(instance: Instance) -> Instance | None:
    """The instance of a gate above that has it skipped. One that has failed, or was skipped, bars nothing; of a
    mapped gate all instances must agree."""
    for gate in instance.node.gates:
        instances = above(gate, instance)
        ended = [each for each in instances if each.state is TaskState.SUCCESS]
        if ended and all(map(is_done, instances)) and all(_bars(each, instance.node) for each in ended):
            return ended[0]
    return None


def above(gate: Node, instance: Instance) -> Iterable[Instance]:
    """The gate's instances that count for this one: within one mapping the same item's."""
    node = instance.node
    if gate.fan is not None and gate.fan is node.fan and gate.expanded and node.expanded:
        return (gate.instances[instance.index],)
    return gate.instances


def words(gate: Instance) -> str:
    """Why what it bars is skipped."""
    if gate.node.task.operator == SHORT_CIRCUIT:
        return f"`{gate.label}` says not to go on"
    chosen = " and ".join(f"`{each}`" for each in listed(gate.output)) or "nothing"
    return f"`{gate.label}` chose {chosen}"


def listed(chosen: Json) -> list[str]:
    """The ids, as they were given."""
    if chosen is None:
        return []
    return [str(each) for each in chosen] if isinstance(chosen, list) else [str(chosen)]


def _bars(gate: Instance, node: Node) -> bool:
    if gate.node.task.operator == SHORT_CIRCUIT:
        return not gate.output
    return node.task.id not in _kept(gate)


def _kept(gate: Instance) -> frozenset[str]:
    """The chosen tasks and all below them."""
    names = tuple(sorted(listed(gate.output)))
    known = gate.node.kept.get(names)
    if known is None:
        from yamldag.plan import graph

        plan, task = gate.node.run.plan, gate.node.task
        below = _directly_below(task, plan)
        chosen = {one for name in names for one in _meant(name, task, below)}
        parents = {each.id: each.needs for each in plan.tasks}
        known = gate.node.kept[names] = frozenset(chosen | graph.descendants(parents, chosen))
    return known


def _directly_below(task: Task, plan: Plan) -> list[str]:
    return [each.id for each in plan.tasks if task.id in each.needs and not each.teardown_of]


def _meant(name: str, task: Task, below: Collection[str]) -> set[str]:
    """A name is sought beside the branch, then group by group outwards; a group stands for its roots."""
    for scope in _scopes(task):
        if scope + name in below:
            return {scope + name}
        if inside := {each for each in below if each.startswith(f"{scope}{name}.")}:
            return inside
    return set()


def _scopes(task: Task) -> Iterator[str]:
    group = task.group or ""
    while group:
        yield f"{group}."
        group = group.rpartition(".")[0]
    yield ""
