"""What carries out the tasks of a project: this machine, or a plug-in with its settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from yamldag.compile import plugins
from yamldag.compile.constants import fold
from yamldag.compile.project import Project
from yamldag.operators import catalog
from yamldag.operators.builtin import BUILT_IN
from yamldag.syntax.diagnostic import Diagnostic, at
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Map, Node, Scalar, plain

if TYPE_CHECKING:
    from yamldag.operators.plugins.chosen import Chosen

LOCAL = "local"
_TYPE = "type"


def is_local(project: Project) -> bool:
    """Whether no plug-in is asked for."""
    node = project.executor
    name = None if node is None else _name(node)
    return node is None or (name is not None and name.text == LOCAL)


def chosen(project: Project) -> Chosen | None:
    """The plug-in that carries tasks out, of a project in which `faults` finds nothing; None: this machine does."""
    if is_local(project):
        return None
    from yamldag.operators.plugins.announced import shown
    from yamldag.operators.plugins.chosen import Chosen

    catalog.look_in(project.root, project.plugins)
    node = project.executor
    name = None if node is None else _name(node)
    assert name is not None, "its schema has said so"
    found = catalog.plugins().announced(name.text, "executors")
    assert found is not None, "`faults` has said so"
    settings = None if node is None else plain(node)
    given = settings if isinstance(settings, dict) else {}
    given.pop(_TYPE, None)
    place = found.origin if found.reference.endswith(".py") else shown(found.reference)
    return Chosen(name.text, found.reference, place, given)


def faults(project: Project) -> Iterator[Diagnostic]:
    """What is wrong with it: nobody brings it, it can't be used, or its settings are not such as it takes."""
    node = None if project.unsure("executor") else project.executor
    if node is None:
        return
    name = _name(node)
    if name is None:
        return  # its schema has said so
    if name.text == LOCAL:
        yield from _settings(name, node, {"additionalProperties": False})
        return
    catalog.look_in(project.root, project.plugins)
    told = catalog.plugins().described(name.text, "executors")
    if told is None:
        yield _unknown(name)
    elif told.schema is None:
        yield plugins.broken(name.text, told, name)
    else:
        yield from _settings(name, node, told.schema)


def _name(node: Node) -> Scalar | None:
    found = node.items[_TYPE][1] if type(node) is Map and _TYPE in node.items else node
    return found if type(found) is Scalar else None


def _unknown(name: Scalar) -> Diagnostic:
    known = (LOCAL, *catalog.plugins().names("executors"))
    near = nearest(name.text, known)
    if near:
        help_ = f"did you mean `{near}`?"
    elif name.text in BUILT_IN:
        help_ = f"`{name.text}` is an operator: name it in a task"
    else:
        there = ", ".join(f"`{one}`" for one in known)
        help_ = f"there is {there}; install what brings it, or write `plugins/executors/{name.text}.py`"
    return Diagnostic("YD404", f"there is no executor `{name.text}`", at(name), help_)


def _settings(name: Scalar, node: Node, schema: catalog.Schema) -> Iterator[Diagnostic]:
    from yamldag.syntax.check import Checking, compile_schema

    items = node.items if type(node) is Map else {}
    own = {key: item for key, item in items.items() if key != _TYPE}
    found: list[Diagnostic] = []
    state = Checking(found, set(), lambda text: fold(text, None, found))
    compile_schema(schema, lambda _: {})(Map(own, node.start, node.end, node.source), None, state)
    for each in found:
        message = each.message.replace(" at the top level", f" in the executor `{name.text}`")
        place = at(name) if each.place.start == node.start else each.place
        yield replace(each, message=message, place=place)
