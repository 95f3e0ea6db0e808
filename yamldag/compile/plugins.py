"""The plug-ins that a project names or holds: what is wrong with them that can be told without loading them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from yamldag.compile import documents
from yamldag.compile.draft import Draft
from yamldag.compile.files import shown
from yamldag.compile.project import Project
from yamldag.operators import catalog
from yamldag.operators.plugins.announced import Described
from yamldag.syntax.diagnostic import Diagnostic, Place, Related, at
from yamldag.syntax.nearest import nearest
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Node, Scalar, Seq

if TYPE_CHECKING:
    from yamldag.plan.pipeline import Plan

_SOURCES = ("keyring", "vault")
"""Those that yamldag brings; it always looks into the environment, files and the database first."""
_HELP = "mend the plug-in, or install another version; `yamldag plugins` lists all"


def check(project: Project) -> list[Diagnostic]:
    """Modules that are not there, files whose names can't be an operator's, two that have the same name."""
    known = catalog.plugins()
    found = [_missing(project, module) for module in known.missing]
    for each in known.misnamed():
        path = shown(each.plugin.file or each.plugin.origin)
        found.append(Diagnostic("YD708", each.why, Place(Source(path, ""), 0, 0), "rename the file"))
    return [*found, *_sources(project)]


def _sources(project: Project) -> Iterator[Diagnostic]:
    """Sources of secrets that nobody brings."""
    entry = project.entries.get("secret_sources")
    if entry is None or type(entry[1]) is not Seq or project.unsure("secret_sources"):
        return
    for item in entry[1].items:
        node = next(iter(item.items.values()))[0] if type(item) is Map and item.items else item
        if type(node) is not Scalar or id(item) in project.faulty:
            continue
        brought = catalog.plugins().names("secrets") if node.text not in _SOURCES else ()
        if node.text not in (*_SOURCES, *brought):
            near = nearest(node.text, (*_SOURCES, *brought))
            help_ = f"did you mean `{near}`?" if near else "`keyring`, `vault`, or one that a plug-in brings"
            yield Diagnostic("YD404", f"there is no source `{node.text}` of secrets", at(node), help_)
        elif node.text == "vault" and item is node:
            yield Diagnostic("YD402", "`vault` needs `url` and `path`", at(node))


def advice(root: Draft, plan: Plan, value: Scalar) -> list[Diagnostic]:
    """What plug-ins of advice say of a sound pipeline, whose id is at `value`."""
    from yamldag.plan.pipeline import to_text

    known = catalog.plugins()
    if not known.names("lint"):
        return []
    tasks = {task.id: task.key for task in root.tasks()}
    found = []
    for plugin, said in known.advice(to_text(plan)):
        if isinstance(said, Described):
            message = f"the advice of `{plugin.name}` can't be had: {said.fault}"
            found.append(Diagnostic("YD708", message, at(value), _HELP, _breaks_off(said)))
            continue
        for task, words in said:
            place = at(tasks.get(task or "", value))
            found.append(
                Diagnostic("YD809", words, place, f"`{plugin.name}` says so, from `{plugin.origin}`")
            )
    return found


def broken(name: str, told: Described, key: Node) -> Diagnostic:
    """A pipeline uses a plug-in that can't be used."""
    message = f"the plug-in that brings `{name}` can't be used: {told.fault}"
    return Diagnostic("YD708", message, at(key), _HELP, _breaks_off(told))


def _breaks_off(told: Described) -> tuple[Related, ...]:
    """Where, in the project's own code."""
    own = {each.file for each in catalog.plugins().all()}
    if told.file is None or told.line is None or told.file not in own:
        return ()
    source = documents.text_of(told.file, shown(told.file))
    start, text = source.offset(told.line), source.line(told.line)
    indent = len(text) - len(text.lstrip())
    return (Related("its own code breaks off here", Place(source, start + indent, start + len(text))),)


def _missing(project: Project, module: str) -> Diagnostic:
    entry = project.entries.get("plugins")
    near = nearest(module, [each.origin.partition(".")[0] for each in catalog.plugins().all()])
    help_ = f"did you mean `{near}`?" if near else "install its package, or put it at the project's root"
    message = f"there is no module `{module}`, which should bring plug-ins"
    return Diagnostic("YD708", message, _place(entry[1] if entry else None, module), help_)


def _place(node: Node | None, module: str) -> Place:
    if node is None or type(node) is Map:
        return Place(Source("$YAMLDAG_PLUGINS", module), 0, len(module))
    items = node.items if type(node) is Seq else [node]
    return at(next((each for each in items if getattr(each, "text", None) == module), node))
