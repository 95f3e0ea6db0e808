"""Whether tasks fit into the pools that the project declares; those that commands declare are not known here."""

from __future__ import annotations

from yamldag.compile.draft import Draft
from yamldag.compile.project import Project
from yamldag.syntax.diagnostic import Diagnostic, Related, at
from yamldag.syntax.tree import Map, Node, Scalar


def check(root: Draft, project: Project, faulty: set[int], found: list[Diagnostic]) -> None:
    """A task that wants more slots than its pool has fails each time; a pool without slots is closed on purpose."""
    if not project.pools:
        return
    for task in root.tasks():
        pool, slots = task.get("pool"), task.get("pool_slots")
        if pool is None or slots is None or {id(pool.node), id(slots.node)} & faulty:
            continue
        name, wanted = _value(pool.node), _value(slots.node)
        has = project.pools.get(name, 0) if isinstance(name, str) else 0
        if isinstance(wanted, int) and wanted > has > 0:
            message = f"`{task.id}` wants {wanted} slots of the pool `{name}`, which has {has}"
            found.append(Diagnostic("YD419", message, at(slots.node), related=_declared(project, str(name))))


def _value(node: Node) -> object:
    return node.value if type(node) is Scalar else None


def _declared(project: Project, name: str) -> tuple[Related, ...]:
    node = project.entries["pools"][1]
    return (Related("its slots are declared here", at(node.items[name][1])),) if type(node) is Map else ()
