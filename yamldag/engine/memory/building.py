"""The nodes of a run from its plan, and what joins them: needs, setups, branches, groups."""

from __future__ import annotations

from collections.abc import Iterator

from yamldag.engine.memory.run import Fan, Instance, Node, Run
from yamldag.plan.graph import ancestors
from yamldag.plan.narrowing import narrowed
from yamldag.plan.pipeline import Plan


def build(run: Run, ids: Iterator[int]) -> Run:
    """Give a run the nodes of its plan, each with one instance that nothing has been decided of."""
    for task in narrowed(run.plan, run.only):
        node = run.nodes[task.id] = Node(run, task, len(run.nodes))
        node.tells = bool(task.on_failure or task.on_success or task.on_retry)
        node.instances.append(Instance(next(ids), node))
        if task.mapped_by:
            node.fan = _fan(run, task.mapped_by)
            node.fan.members.append(node)
    for node in run.nodes.values():
        _connect(run, node)
    _connect_setups(run)
    _connect_gates(run)
    _connect_groups(run)
    for fan in run.fans.values():
        fan.leads_out = fan.fanout.max_active is not None and _leads_out(fan)
    run.unfinished = len(run.nodes)
    return run


def _fan(run: Run, name: str) -> Fan:
    return run.fans.setdefault(name, Fan(name, run.plan.mapped[name]))


def _leads_out(fan: Fan) -> bool:
    outside = {
        child.task.id: child for node in fan.members for child, _ in node.children if child.fan is not fan
    }
    return any(below.fan is fan for child in outside.values() for below in _below(child))


def _connect(run: Run, node: Node) -> None:
    judged = set(node.task.judged)
    for parent in node.task.needs:
        run.nodes[parent].children.append((node, parent in judged))
        node.tally.expect(parent in judged)


def _connect_setups(run: Run) -> None:
    above: dict[str, list[Node]] = {}
    for setup in (node for node in run.nodes.values() if node.task.setup):
        below = list(_below(setup))
        teardowns = [node for node in run.nodes.values() if setup.task.id in node.task.teardown_of]
        setup.below = tuple(dict.fromkeys([*below, *teardowns]))
        for node in below:
            above.setdefault(node.task.id, []).append(setup)
    for node in run.nodes.values():
        own = node.task.teardown_of
        node.setups = tuple(run.nodes[name] for name in own if name in run.nodes) or tuple(
            above.get(node.task.id, ())
        )


def _connect_gates(run: Run) -> None:
    """Teardowns are not skipped."""
    for gate in (node for node in run.nodes.values() if node.task.operator in ("branch", "short_circuit")):
        if gate.task.operator == "branch":
            below = [child for child, judged in gate.children if judged and not child.task.teardown_of]
        else:
            below = list(_below(gate))
        for node in below:
            node.gates = (*node.gates, gate)
        gate.gate = True
        gate.below = tuple(dict.fromkeys([*gate.below, *below]))


def _connect_groups(run: Run) -> None:
    """What a group's condition and items read has ended before they are asked, whichever task of it asks: the rule of
    one that is no root may say run before the roots have come to it."""
    waits = _awaited(run.plan)
    for node in run.nodes.values() if waits else ():
        group = node.task.group
        names = [name for prefix in _prefixes(group) for name in waits.get(prefix, ())] if group else []
        node.awaits = tuple(name for name in dict.fromkeys(names) if name not in node.task.needs)
        for name in node.awaits:
            if name in run.nodes:
                run.nodes[name].children.append((node, False))
                node.tally.expect(False)


def _awaited(plan: Plan) -> dict[str, list[str]]:
    """By group what its tasks wait for so. What lies below one of them can't be waited for."""
    reading = [group for group in plan.groups if group.awaits]
    needs = {task.id: task.needs for task in plan.tasks} if reading else {}
    above = {
        name: {name, *ancestors(needs, [name])} for group in reading for name in group.awaits if name in needs
    }
    return {
        group.id: [
            name
            for name in group.awaits
            if name in above and not any(each.startswith(f"{group.id}.") for each in above[name])
        ]
        for group in reading
    }


def _prefixes(group: str) -> Iterator[str]:
    """The ids of a group and of all that it is part of, the outermost first."""
    parts = group.split(".")
    return (".".join(parts[: end + 1]) for end in range(len(parts)))


def _below(node: Node) -> Iterator[Node]:
    """Every node under this one, teardowns of anything aside."""
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        for child, _ in waiting.pop().children:
            if child.task.id not in seen:
                seen.add(child.task.id)
                waiting.append(child)
                if not child.task.teardown_of:
                    yield child
