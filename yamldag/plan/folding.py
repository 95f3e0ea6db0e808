"""A plan with some groups as one task each: what is drawn when a reader folds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from yamldag.plan.pipeline import Group, Plan, Task

FOLDED = "group"
"""The operator of what stands for a group."""


def fold(plan: Plan, groups: Collection[str]) -> Plan:
    """Each of these groups is one task of its id, with the edges of all that is in it."""
    home = homes(plan, groups)
    if not home:
        return plan
    by_id = {group.id: group for group in plan.groups}
    tasks: dict[str, Task] = {}
    for task in plan.tasks:
        at = home.get(task.id, task.id)
        needs = {home.get(parent, parent) for parent in task.needs} - {at}
        judged = {home.get(parent, parent) for parent in task.judged} - {at}
        if at == task.id:
            tasks[at] = replace(
                task,
                needs=tuple(sorted(needs)),
                judged=tuple(sorted(judged)),
                referenced=tuple(parent for parent in task.referenced if parent not in home),
            )
        else:
            before = tasks.get(at) or _stand_in(by_id[at])
            tasks[at] = replace(before, needs=tuple(sorted({*before.needs, *needs})))
    inside = {each.id for each in plan.groups if any(each.id.startswith(f"{at}.") for at in home.values())}
    left = tuple(each for each in plan.groups if each.id not in inside and each.id not in home.values())
    folded = {name: how for name, how in plan.mapped.items() if name in tasks or name in {g.id for g in left}}
    return replace(plan, tasks=tuple(tasks.values()), groups=left, mapped=folded)


def homes(plan: Plan, groups: Collection[str]) -> Mapping[str, str]:
    """Of each task in one of these groups, the outermost one."""
    parents = {group.id: group.parent for group in plan.groups}
    found: dict[str, str] = {}
    for task in plan.tasks:
        at = task.group
        while at is not None and at in parents:
            if at in groups:
                found[task.id] = at
            at = parents[at]
    return found


def _stand_in(group: Group) -> Task:
    return Task(group.id, FOLDED, mapped_by=group.id, group=group.parent, description=group.description)
