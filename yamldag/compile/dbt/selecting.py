"""Which nodes `select` and `exclude` mean: names, paths, tags and kinds, with what lies above and below them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from yamldag.compile.dbt.nodes import Graph, Node
from yamldag.plan import graph as graphs
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.locate import place
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Scalar

_METHODS = ("name", "fqn", "path", "file", "tag", "source", "resource_type")
_CRITERION = re.compile(r"(@)?(?:(\d*)(\+))?(?:([a-z_.]+):)?(.*?)(?:(\+)(\d*))?")


class _Criterion(NamedTuple):
    around: bool
    above: int | None
    """How many steps; None: not at all."""
    below: int | None
    method: str
    value: str


_FAR = 1_000_000


class Selecting:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.found: list[Diagnostic] = []
        self._parents = graph.parents()
        self._children = graphs.children(self._parents)

    def union(self, written: Iterable[Scalar]) -> set[str]:
        """The ids of all that any of these texts means."""
        chosen: set[str] = set()
        for scalar in written:
            for word in re.finditer(r"\S+", scalar.text):
                chosen |= self._intersection(scalar, word)
        return chosen

    def _intersection(self, scalar: Scalar, word: re.Match[str]) -> set[str]:
        """What stands between commas is meant by all of them."""
        each = [
            self._one(scalar, word.start() + part.start(), part[0]) for part in re.finditer("[^,]+", word[0])
        ]
        return set.intersection(*each) if each else set()

    def _one(self, scalar: Scalar, start: int, text: str) -> set[str]:
        criterion = _read(text)
        if criterion.method not in _METHODS:
            message = f"`{criterion.method}:` is not known where a dbt project is expanded"
            help_ = (
                f"it knows {', '.join(f'`{name}:`' for name in _METHODS if name != 'name')}, names and paths"
            )
            self.found.append(Diagnostic("YD709", message, place(scalar, start, start + len(text)), help_))
            return set(self.graph.nodes)
        chosen = {id_ for id_, node in self.graph.nodes.items() if _matches(node, criterion)}
        if not chosen:
            self._tell(scalar, start, text, criterion)
            return set(self.graph.nodes)  # what follows from it is not told
        found = set(chosen)
        if criterion.above is not None:
            found |= _reach(self._parents, chosen, criterion.above)
        if criterion.below is not None:
            found |= _reach(self._children, chosen, criterion.below)
        if criterion.around:
            below = chosen | _reach(self._children, chosen, _FAR)
            found |= below | _reach(self._parents, below, _FAR)
        return found

    def _tell(self, scalar: Scalar, start: int, text: str, criterion: _Criterion) -> None:
        known, what = self._known(criterion.method)
        near = nearest(criterion.value, known)
        at = start + text.index(criterion.value) if criterion.value else start
        message = f"nothing in the dbt project is meant by `{text}`: there is no {what} `{criterion.value}`"
        help_ = f"did you mean `{near}`?" if near else None
        where = place(scalar, at, at + max(len(criterion.value), 1))
        self.found.append(Diagnostic("YD709", message, where, help_))

    def _known(self, method: str) -> tuple[set[str], str]:
        nodes = self.graph.nodes.values()
        if method == "tag":
            return {tag for node in nodes for tag in node.tags}, "tag"
        if method in ("path", "file"):
            folders = {folder for node in nodes for folder in _folders(node.path)}
            return {node.path for node in nodes} | folders, "path"
        if method == "source":
            return {node.id.removeprefix("source:") for node in nodes if node.kind == "source"}, "source"
        if method == "resource_type":
            return {node.kind for node in nodes}, "kind of node"
        return {part for node in nodes for part in node.fqn}, "node"


def _read(text: str) -> _Criterion:
    match = _CRITERION.fullmatch(text)
    assert match is not None
    around, most_above, above, method, value, below, most_below = match.groups()
    if method is None:
        method = "path" if "/" in value else "file" if value.endswith((".sql", ".csv")) else "name"
    return _Criterion(
        bool(around),
        None if not above else int(most_above or _FAR),
        None if not below else int(most_below or _FAR),
        method,
        value,
    )


def _matches(node: Node, criterion: _Criterion) -> bool:
    return _TESTS[criterion.method](node, criterion.value)


def _named(node: Node, value: str) -> bool:
    """By its name, or by the folders that lead to it, from the package or below it."""
    if node.kind == "source":
        return False
    if fnmatchcase(node.fqn[-1], value) or fnmatchcase(node.id, value):
        return True
    wanted = value.split(".")
    return any(
        len(fqn) >= len(wanted) and all(map(fnmatchcase, fqn, wanted)) for fqn in (node.fqn, node.fqn[1:])
    )


def _in(node: Node, value: str) -> bool:
    value = value.removeprefix("./").rstrip("/")
    paths = (node.path, *_folders(node.path))
    return any(fnmatchcase(path, value) for path in paths)


def _is_source(name: str, value: str) -> bool:
    return fnmatchcase(name, value) or fnmatchcase(name.partition(".")[0], value)


_TESTS: dict[str, Callable[[Node, str], bool]] = {
    "name": _named,
    "fqn": _named,
    "path": _in,
    "file": lambda node, value: fnmatchcase(node.path.rpartition("/")[2], value),
    "tag": lambda node, value: any(fnmatchcase(tag, value) for tag in node.tags),
    "source": lambda node, value: (
        node.kind == "source" and _is_source(node.id.removeprefix("source:"), value)
    ),
    "resource_type": lambda node, value: node.kind == value,
}


def _folders(path: str) -> Iterable[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _reach(graph: graphs.Parents, of: Iterable[str], steps: int) -> set[str]:
    """All that so many steps lead to."""
    found: set[str] = set()
    here = set(of)
    while here and steps:
        here = {near for name in here for near in graph[name]} - found
        found |= here
        steps -= 1
    return found
