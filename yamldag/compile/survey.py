"""What crosses files: pipelines that call pipelines, assets that one produces and another awaits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from yamldag.compile import expand, keys, notifying
from yamldag.compile.draft import Draft
from yamldag.plan import graph
from yamldag.syntax.diagnostic import Diagnostic, Related, at
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Map, Node, Scalar, Seq

if TYPE_CHECKING:
    from yamldag.compile.compiler import Compiler, Unit

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def across(compiler: Compiler, units: list[Unit]) -> list[Diagnostic]:
    """Mistakes that no file shows by itself. The rest of the project is read only if something asks for it."""
    calls = [(unit, node) for unit in units for node in _named_pipelines(unit)]
    awaited = [node for unit in units for node in _awaited(unit)]
    if not calls and not awaited:
        return []
    everyone = [*units, *_others(compiler, units)]
    by_name = {unit.name: unit for unit in everyone}
    unread = compiler.unread()
    calls = [(unit, node) for unit, node in calls if not any(node.text in text for text in unread)]
    awaited = [node for node in awaited if not any(node.text in text for text in unread)]
    found = list(_unknown_calls(calls, by_name))
    found += (one for unit in units for task in unit.root.tasks() for one in _misfit(task, by_name))
    found += (one for unit in units for call in _notifications(unit) for one in _misgiven(call, by_name))
    found += _rings(everyone, units)
    produced = {asset for unit in everyone for asset in _produced(unit.root)}
    for node in awaited:
        if node.text not in produced and not any(_may_produce(unit.root, node.text) for unit in everyone):
            near = nearest(node.text, produced)
            help_ = f"did you mean `{near}`?" if near else f"a task updates it with `produces: {node.text}`"
            found.append(
                Diagnostic("YD212", f"no pipeline of the project produces `{node.text}`", at(node), help_)
            )
    # A template may bring the same node into several pipelines.
    return list({(one.code, one.place, one.message): one for one in found}.values())


def reaches_out(unit: Unit) -> bool:
    """Whether it names other pipelines, or awaits what they produce."""
    return any(True for _ in _named_pipelines(unit)) or any(True for _ in _awaited(unit))


def _others(compiler: Compiler, units: list[Unit]) -> Iterator[Unit]:
    given = {unit.path for unit in units}
    compiler.seen.beyond = True
    for path in compiler.project.files():
        if path in given:
            continue
        file = compiler.read(path)
        for document in file.documents:
            if type(document) is Map and "pipeline" in document.items:
                yield compiler.pipeline(document, file, [])


def _misfit(task: Draft, by_name: dict[str, Unit]) -> Iterable[Diagnostic]:
    """What a call gives, and a wait names, held against the other pipeline."""
    if task.operator not in ("pipeline", "wait"):
        return
    node = task.entries[task.operator][1]
    name = _value(node, "id") if task.operator == "pipeline" else _parameter(node, "pipeline")
    target = next((by_name[one.text] for one in _literal(name) if one.text in by_name), None)
    if target is None:
        return
    if task.operator == "pipeline":
        yield from expand.check_with(task, target.root.scope, "pipeline")
        return
    for one in _literal(_parameter(node, "task")):
        known = [each.id for each in target.root.tasks()]
        if one.text not in known and not target.root.open:
            inside = (each for each in known if each.endswith(f".{one.text}"))
            near = next(inside, None) or nearest(one.text, known)
            help_ = f"did you mean `{near}`?" if near else None
            message = f"the pipeline `{target.name}` has no task `{one.text}`"
            yield Diagnostic("YD203", message, at(one), help_)


def _misgiven(call: Map, by_name: dict[str, Unit]) -> Iterable[Diagnostic]:
    """The same of a notification that makes a run."""
    key, node = call.items["pipeline"]
    target = next((by_name[one.text] for one in _literal(_value(node, "id")) if one.text in by_name), None)
    if target is not None:
        given = call.items.get("with")
        where = None if "args" in call.items else given[0] if given else key
        yield from expand.check_given(given, target.root.scope, "pipeline", "the notification", where)


def _unknown_calls(calls: list[tuple[Unit, Scalar]], known: Iterable[str]) -> Iterator[Diagnostic]:
    for _, node in calls:
        if node.text not in known and _ID.fullmatch(node.text):  # else it is told that this is no id
            near = nearest(node.text, known)
            help_ = f"did you mean `{near}`?" if near else None
            yield Diagnostic("YD213", f"there is no pipeline `{node.text}` in this project", at(node), help_)


def _rings(everyone: list[Unit], units: list[Unit]) -> Iterator[Diagnostic]:
    calls = {unit.name: {node.text: node for node in _called(unit)} for unit in everyone}
    here = {unit.name for unit in units}
    parents = {
        name: {one: node for one, node in called.items() if one in calls} for name, called in calls.items()
    }
    for ring in graph.rings({name: list(called) for name, called in parents.items()}):
        edges = [(name, parents[name][ring[(n + 1) % len(ring)]]) for n, name in enumerate(ring)]
        edges.sort(key=lambda edge: (edge[1].source.path, edge[1].start))
        mine = [node for name, node in edges if name in here]
        if mine:
            way = " → ".join(f"`{name}`" for name in [*ring, ring[0]])
            related = tuple(Related(f"`{name}` calls `{node.text}` here", at(node)) for name, node in edges)
            yield Diagnostic(
                "YD305", f"pipelines call each other in a circle: {way}", at(mine[0]), None, related
            )


def _called(unit: Unit) -> Iterator[Scalar]:
    """The ids that `pipeline` tasks and notifications call."""
    for task in unit.root.tasks():
        if task.operator == "pipeline":
            yield from _literal(_value(task.entries["pipeline"][1], "id"))
    for call in _notifications(unit):
        yield from _literal(_value(call.items["pipeline"][1], "id"))


def _notifications(unit: Unit) -> Iterator[Map]:
    """Those that make a run of another pipeline."""
    for name in notifying.NOTIFICATIONS:
        given = [unit.entries[name][1]] if name in unit.entries else []
        given += [entry.node for task in unit.root.tasks() if (entry := task.get(name)) is not None]
        for node in given:
            yield from (call for call in notifying.calls(node) if "pipeline" in call.items)


def _named_pipelines(unit: Unit) -> Iterator[Scalar]:
    yield from _called(unit)
    for task in unit.root.tasks():
        if task.operator == "wait":
            node = task.entries["wait"][1]
            if type(node) is Map:
                yield from _literal(_value(node, "pipeline"))


def _value(node: Node, name: str) -> Node | None:
    if type(node) is Map:
        entry = node.items.get(name)
        return entry[1] if entry else None
    return node


def _parameter(node: Node, name: str) -> Node | None:
    return _value(node, name) if type(node) is Map else None


def _literal(node: Node | None) -> Iterable[Scalar]:
    """What is written out; of what is no text, that alone is told."""
    is_name = type(node) is Scalar and isinstance(node.value, str) and node.value and "{{" not in node.value
    return (node,) if is_name and type(node) is Scalar else ()


def _produced(root: Draft) -> Iterator[str]:
    for task in root.tasks():
        entry = task.get("produces")
        if entry is not None:
            for node in entry.node.items if type(entry.node) is Seq else (entry.node,):
                if type(node) is Scalar:
                    yield node.text


def _may_produce(root: Draft, asset: str) -> bool:
    """Whether a task says what it produces in words that nobody understands, or names the asset below a key that is
    like none, and may be meant for `produces`."""
    for task in root.tasks():
        entry = task.get("produces")
        given = entry.node if entry is not None else None
        if given is not None and not all(map(_is_text, given.items if type(given) is Seq else (given,))):
            return True
        if keys.is_vague(task) and asset in task.node.source.text[task.node.start : task.node.end]:
            return True
    return False


def _is_text(node: Node) -> bool:
    return type(node) is Scalar and type(node.value) is str


def _awaited(unit: Unit) -> Iterator[Scalar]:
    entry = unit.entries.get("schedule")
    if entry is not None and type(entry[1]) is Map and "assets" in entry[1].items:
        stack = [entry[1].items["assets"][1]]
        while stack:
            node = stack.pop()
            if type(node) is Scalar:
                yield from _literal(node)
            elif type(node) is Seq:
                stack.extend(reversed(node.items))
            elif type(node) is Map:
                stack.extend(node.items[name][1] for name in ("all", "any") if name in node.items)
