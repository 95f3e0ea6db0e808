"""A `dbt` task that is expanded: a group, with a task for each node that dbt builds and one for the tests of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from yamldag.compile.dbt import checking, manifest, static
from yamldag.compile.dbt.nodes import KINDS, Graph, Node, Test
from yamldag.compile.dbt.project import Project, Reader, listed, missing
from yamldag.compile.dbt.selecting import Selecting
from yamldag.compile.draft import Draft, Entries, Entry, merged, strings
from yamldag.operators import dbt
from yamldag.plan import graph as graphs
from yamldag.syntax.diagnostic import Diagnostic, Place, Related, at, has_errors
from yamldag.syntax.tree import Map, Scalar, Seq, located
from yamldag.syntax.tree import Node as Tree

_OF_GROUPS = frozenset(
    ("needs", "trigger_rule", "when", "foreach", "matrix", "max_active", "env", "description", "dbt")
)
"""The task's keys that are those of the group; the others are each task's in it."""
_OF_ONE = ("output", "produces", "setup", "teardown_of", "cache")
_PASSED_ON = ("project", "target", "vars", "profiles", "requirements", "expand")
_LITERAL = ("command", "project", "select", "exclude")
_TESTS = ("--resource-type", "test", "--resource-type", "unit_test")
_EXPANDED = ("build", "run")


class Part(NamedTuple):
    """A task of the group, before it is one."""

    name: str
    place: Place
    command: list[str]
    select: list[str]
    needs: dict[str, Place]
    description: str


def is_wanted(task: Draft, faulty: set[int]) -> bool:
    return task.operator == "dbt" and any(
        type(entry.node) is Map
        and "expand" in entry.node.items
        and id(entry.node.items["expand"][1]) not in faulty
        for entry in task.values("dbt")
    )


def expand(task: Draft, reader: Reader, faulty: set[int]) -> list[Diagnostic]:
    """Make the task a group; it has no task in it if anything is wrong."""
    key = task.entries["dbt"][0]
    found = _expanded(task, key, reader, faulty)
    return [each if each.place.source is key.source else _used_at(each, key) for each in found]


def _used_at(diagnostic: Diagnostic, key: Scalar) -> Diagnostic:
    """Of a mistake in a file of dbt: which pipeline it matters to."""
    where = Related("the dbt project is expanded here", at(key))
    return replace(diagnostic, related=(*diagnostic.related, where))


def _expanded(task: Draft, key: Scalar, reader: Reader, faulty: set[int]) -> list[Diagnostic]:
    given = merged(task.values("dbt"), "command")
    task.kind, task.operator = "group", None
    found = [_misplaced(task, name) for name in _OF_ONE if name in task.entries]
    if any(id(entry.node) in faulty for entry in given.values()):
        return found
    found += checking.faults(given, key, faulty, reader.seen)
    found += _open(given)
    words = checking.words_of(given["command"].node) if "command" in given else None
    command = [word.text for word in words or ()]
    if command and command[0] in dbt.COMMANDS and command[0] not in _EXPANDED:
        message = f"`expand` is for `build` and `run`, and the command is `{command[0]}`"
        found.append(Diagnostic("YD707", message, at(given["command"].node)))
    folder = checking.folder_of(given.get("project"), key)
    if has_errors(found) or not command or missing(folder, key, reader.seen) is not None:
        return found
    graph = _graph(Project(folder, reader), given, key, reader)
    found += graph.found
    if has_errors(graph.found):
        return found
    if rings := graphs.rings(graph.parents()):
        return [*found, *(_ring(ring, graph) for ring in rings)]
    chosen = _chosen(graph, given, found, key)
    if not has_errors(found):
        parts = {part.name: part for part in _Parts(graph, chosen, command).all()}
        needs = {name: part.needs for name, part in parts.items()}
        for parent, name in graphs.redundant(needs):  # what its tests say already
            del needs[name][parent]
        task.children = {name: _child(task, parts[name], key, given) for name in graphs.order(needs)}
    return found


def _misplaced(task: Draft, name: str) -> Diagnostic:
    message = f"`{name}` has no meaning on a dbt project that is expanded: it is a group of tasks"
    return Diagnostic("YD418", message, at(task.entries[name][0]))


def _open(given: dict[str, Entry]) -> Iterator[Diagnostic]:
    for name in _LITERAL:
        scalar = next(strings(given[name].node), None) if name in given else None
        if scalar is not None:
            message = (
                f"`{name}` can't be a template where a dbt project is expanded: it must be known beforehand"
            )
            yield Diagnostic("YD505", message, at(scalar))


def _graph(project: Project, given: dict[str, Entry], key: Scalar, reader: Reader) -> Graph:
    if "manifest" in given and type(given["manifest"].node) is Scalar:
        return manifest.read(project, given["manifest"].node, checking.beside(key), reader)
    return static.read(project, reader)


def _ring(ring: list[str], graph: Graph) -> Diagnostic:
    """`ring` lists nodes so that each is built from the next one, the last one from the first."""
    edges = [(name, ring[(n + 1) % len(ring)]) for n, name in enumerate(ring)]
    way = " → ".join(f"`{name}`" for name in [*ring, ring[0]])
    places = [graph.nodes[one].parents[other] for one, other in edges]
    if len(ring) == 1:
        return Diagnostic(
            "YD301", f"`{ring[0]}` refers to itself", places[0], "its own table is `{{ this }}`"
        )
    related = tuple(
        Related(f"`{one}` refers to `{other}` here", where)
        for (one, other), where in zip(edges, places, strict=True)
    )
    return Diagnostic("YD301", f"models refer to each other in a circle: {way}", places[0], None, related)


def _chosen(graph: Graph, given: dict[str, Entry], found: list[Diagnostic], key: Scalar) -> set[str]:
    selecting = Selecting(graph)
    chosen = set(graph.nodes)
    if "select" in given:
        chosen = selecting.union(_texts(given["select"].node))
    if "exclude" in given:
        chosen -= selecting.union(_texts(given["exclude"].node))
    found += selecting.found
    if not selecting.found and not any(graph.nodes[one].kind in KINDS for one in chosen):
        where = given["select"].node if "select" in given else key
        found.append(Diagnostic("YD709", "nothing of the dbt project is left to build", at(where)))
    return chosen


def _texts(node: Tree) -> list[Scalar]:
    return [one for one in listed(node) if type(one) is Scalar]


class _Common(NamedTuple):
    """Tests that look at several nodes, as one task."""

    select: str
    looks_at: dict[str, Place]
    first: Test


class _Parts:
    """The tasks of the chosen nodes, and those of their tests."""

    def __init__(self, graph: Graph, chosen: set[str], command: list[str]) -> None:
        self.graph = graph
        self.command = command
        kinds = KINDS if command[0] == "build" else ("model",)
        self.order = graphs.order(graph.parents())
        self.built = [one for one in self.order if one in chosen and self._is_built(one, kinds)]
        self._taken: set[str] = set()
        self.names = {one: self._name(one) for one in self.built}
        self.own: dict[str, Test] = {}
        """The first test that looks at a node alone."""
        self.common: list[_Common] = []
        if command[0] == "build":
            self._gather([test for test in graph.tests if test.parents and chosen >= test.parents.keys()])
        self.tests = {one: self._name(f"{_stem(one)}-test") for one in self.own}
        self.common_tests = [self._name(f"{_stem_of(one)}-test") for one in self.common]
        self.built_by = self._ways({one: [name] for one, name in self.names.items()})
        self.done_by = self._ways(
            {one: [self.tests.get(one) or self.names[one]] for one in (*self.names, *self.tests)}
        )
        self.above = self._above()

    def _is_built(self, one: str, kinds: Iterable[str]) -> bool:
        node = self.graph.nodes[one]
        return node.kind in kinds and not node.ephemeral

    def _name(self, wanted: str) -> str:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", wanted)[:190]
        name = name if re.match("[A-Za-z_]", name) else f"_{name}"
        while name in self._taken or name in ("output", "state"):
            name += "_"
        self._taken.add(name)
        return name

    def _gather(self, tests: Iterable[Test]) -> None:
        several = []
        for test in tests:
            if len(test.parents) == 1:
                self.own.setdefault(next(iter(test.parents)), test)
            else:
                several.append(test)
        generic: list[_Common] = []
        for test in sorted(several, key=lambda test: len(test.parents)):
            if test.singular:
                self.common.append(_Common(f"test_type:singular,{test.name}", dict(test.parents), test))
                continue
            # What looks at these nodes is selected by them: a test that looks at more of them is among it.
            known = next((one for one in generic if one.looks_at.keys() <= test.parents.keys()), None)
            if known is not None:
                known.looks_at.update({**test.parents, **known.looks_at})
                continue
            selectors = [_selector(self.graph.nodes[one]) for one in sorted(test.parents)]
            generic.append(_Common(",".join((*selectors, "test_type:generic")), dict(test.parents), test))
        self.common += generic

    def _ways(self, own: dict[str, list[str]]) -> dict[str, list[str]]:
        """Of each node its own tasks; of one that has none, those of what it is built from."""
        found: dict[str, list[str]] = {}
        for one in self.order:
            through = (name for parent in self.graph.nodes[one].parents for name in found[parent])
            found[one] = own.get(one) or list(dict.fromkeys(through))
        return found

    def _above(self) -> dict[str, int]:
        """All that a node is built from, as bits."""
        found: dict[str, int] = {}
        self.bits = {one: 1 << n for n, one in enumerate(self.order)}
        for one in self.order:
            found[one] = 0
            for parent in self.graph.nodes[one].parents:
                found[one] |= found[parent] | self.bits[parent]
        return found

    def all(self) -> Iterator[Part]:
        for one in self.order:
            if one in self.names:
                yield self._of_node(one)
            if one in self.tests:
                first = self.own[one]
                yield self._of_tests(self.tests[one], first, _selector(self.graph.nodes[one]), first.parents)
        for name, each in zip(self.common_tests, self.common, strict=True):
            yield self._of_tests(name, each.first, each.select, each.looks_at)

    def _of_node(self, one: str) -> Part:
        node = self.graph.nodes[one]
        needs = _needs(node.parents, self.done_by)
        for name, each in zip(self.common_tests, self.common, strict=True):
            if self._is_built_from(one, each.looks_at):
                needs.setdefault(name, next(iter(node.parents.values())))
        flags = ["--indirect-selection", "empty"] if self.command[0] == "build" else []
        command = [*self.command, *flags]
        return Part(self.names[one], node.place, command, [_selector(node)], needs, node.description)

    def _is_built_from(self, one: str, these: Iterable[str]) -> bool:
        """As dbt has it, a test of several nodes comes before what is built from all of them; what is further down
        waits for that."""
        mask = sum(self.bits[each] for each in these)
        parents = self.graph.nodes[one].parents
        return self.above[one] & mask == mask and all(self.above[each] & mask != mask for each in parents)

    def _of_tests(self, name: str, first: Test, select: str, looks_at: dict[str, Place]) -> Part:
        indirect = "cautious" if len(looks_at) == 1 else "eager"
        command = [*self.command, "--indirect-selection", indirect, *_TESTS]
        return Part(name, first.place, command, [select], _needs(looks_at, self.built_by), "")


def _needs(these: dict[str, Place], tasks: dict[str, list[str]]) -> dict[str, Place]:
    """The tasks of these nodes, and where the nodes are named."""
    return {name: where for one, where in reversed(these.items()) for name in reversed(tasks[one])}


def _stem(one: str) -> str:
    return one.removeprefix("source:").replace(".", "_")


def _stem_of(common: _Common) -> str:
    if common.first.singular:
        return common.first.name
    return "-".join(map(_stem, sorted(common.looks_at)))


def _selector(node: Node) -> str:
    """By which dbt finds this node alone: a name by itself may be a folder's, too."""
    if node.kind == "source":
        return node.id
    if node.kind == "model":
        return f"fqn:{'.'.join(node.fqn)}"
    return f"{node.fqn[-1]},resource_type:{node.kind}"


# From parts to drafts


def _child(task: Draft, part: Part, key: Scalar, given: dict[str, Entry]) -> Draft:
    source, start, end = part.place.source, part.place.start, part.place.end
    here = Scalar(part.name, part.name, start, end, "", source)
    own = task.entries["dbt"][1]
    params: Entries = {}
    if type(own) is Map:
        params |= {name: own.items[name] for name in _PASSED_ON if name in own.items}
    params |= {
        "command": (key, located(list(part.command), here)),
        "select": (key, located(list(part.select), here)),
    }
    if "exclude" in given:
        params["exclude"] = (key, located([], here))
    entries: Entries = {
        name: entry for name, entry in task.entries.items() if name not in (*_OF_GROUPS, *_OF_ONE)
    }
    entries["dbt"] = (key, Map(params, own.start, own.end, own.source))
    if part.needs:
        entries["needs"] = (here, Seq([_named(*need) for need in part.needs.items()], start, end, source))
    if part.description:
        entries["description"] = (here, located(part.description, here))
    child = Draft(part.name, here, Map(entries, start, end, source), task, task.scope)
    child.layers, child.operator = task.layers, "dbt"
    return child


def _named(name: str, where: Place) -> Scalar:
    return Scalar(name, name, where.start, where.end, "", where.source)
