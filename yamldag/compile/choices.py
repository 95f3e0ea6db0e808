"""What a `branch` chooses, as far as that is written out: the ids of tasks directly below it."""

from __future__ import annotations

from collections.abc import Iterator

from yamldag.compile import names
from yamldag.compile.draft import Draft, strings
from yamldag.syntax.diagnostic import Diagnostic, Place, at
from yamldag.syntax.locate import place
from yamldag.syntax.tree import Map, Scalar, Seq, value_at


def check(root: Draft, faulty: set[int], found: list[Diagnostic], *, sound: bool) -> None:
    """`sound`: nothing else is wrong. What lies below is sure only then."""
    branches = {task.id: task for task in root.tasks() if task.operator == "branch"}
    children: dict[str, list[str]] = {name: [] for name in branches}
    for task in root.tasks() if branches else ():
        for parent in task.parents.keys() & branches if "teardown_of" not in task.entries else ():
            children[parent].append(task.id)
    for branch in branches.values():
        below = children[branch.id]
        for name, where in _written(branch, faulty):
            if names.find(name, branch) is None:
                if not branch.scope.root.open:
                    message = f"`{branch.name}` chooses `{name}`, but there is no such task"
                    found.append(Diagnostic("YD203", message, where, names.suggestion(name, branch)))
            elif sound and not _is_one_of(name, branch, below):
                message = f"`{branch.name}` chooses `{name}`, which is not directly below it"
                there = ", ".join(f"`{each}`" for each in below[:8])
                help_ = f"directly below it: {there}" if there else f"nothing is: `{name}` must need it"
                found.append(Diagnostic("YD707", message, where, help_))


def _written(branch: Draft, faulty: set[int]) -> Iterator[tuple[str, Place]]:
    """The ids that it may give, each with its place."""
    node = branch.entries["branch"][1]
    value = value_at(node, "choose") if type(node) is Map else node
    if value is None or id(value) in faulty:
        return
    if type(value) is Seq:
        for item in value.items:
            if type(item) is Scalar and id(item) not in faulty and not any(True for _ in strings(item)):
                yield item.text, at(item)
    elif type(value) is Scalar and type(value.value) is str:
        from yamldag.plan.expression.analysis import analyse, analyse_expression

        is_template = any(True for _ in strings(value))
        analysis = analyse(value.text) if is_template else analyse_expression(value.text)
        if not is_template or analysis.whole:
            for output in analysis.outputs:
                for choice in output.choices:
                    yield str(choice.name), place(value, choice.start, choice.end)


def _is_one_of(name: str, branch: Draft, below: list[str]) -> bool:
    """An id is sought beside the branch, then group by group outwards; a group stands for its roots."""
    scopes = [f"{group.id}." for group in branch.above()] + [""]
    wanted = [scope + name for scope in scopes]
    return any(each == one or each.startswith(f"{one}.") for each in below for one in wanted)
