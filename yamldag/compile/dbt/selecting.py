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
_CRITERION = re.compile(r"(@)?(?:(\d*)(\+))?(?:([\w.]+):)?(.*?)(?:(\+)(\d*))?")
_FILES = (".sql", ".py", ".csv")
"""How a file's name ends, by which dbt knows one."""
_GLOB = re.compile(r"[*?\[\]]")


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
        return set.intersection(
            *(
                self._one(scalar, word.start() + part.start(), part[0])
                for part in re.finditer("(?:^|(?<=,))[^,]*", word[0])
            )
        )

    def _one(self, scalar: Scalar, start: int, text: str) -> set[str]:
        criterion = _read(text)
        if (lack := _lacking(criterion)) is not None:
            comma = start if scalar.text[start : start + 1] == "," else start - 1
            where = place(scalar, start, start + len(text)) if text else place(scalar, comma, comma + 1)
            self.found.append(Diagnostic("YD709", f"`{text or ','}` selects nothing: {lack}", where))
            return set(self.graph.nodes)
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
            below |= {
                one for test in self.graph.tests if not below.isdisjoint(test.parents) for one in test.parents
            }
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
        method = "path" if "/" in value else "file" if value.lower().endswith(_FILES) else "name"
    return _Criterion(
        bool(around),
        None if not above else int(most_above or _FAR),
        None if not below else int(most_below or _FAR),
        method,
        value,
    )


def _lacking(criterion: _Criterion) -> str | None:
    if not criterion.value:
        return "there is nothing to select by"
    if criterion.around and criterion.below is not None:
        return "`@` and `+` say two different things"
    return None


def _matches(node: Node, criterion: _Criterion) -> bool:
    return _TESTS[criterion.method](node, criterion.value)


def _named(node: Node, value: str) -> bool:
    """By its name, or by the folders that lead to it, from the package or below it."""
    return node.kind != "source" and any(_leads(fqn, node, value) for fqn in (node.fqn, node.fqn[1:]))


def _leads(fqn: tuple[str, ...], node: Node, value: str) -> bool:
    wanted, steps = value.split("."), ".".join(fqn).split(".")
    if value in (_name(node), node.id) or (_is_version(node) and "_".join(fqn[-2:]) == "_".join(wanted[-2:])):
        return True
    if len(steps) < len(wanted):
        return False
    literal = next((n for n, part in enumerate(wanted) if _GLOB.search(part)), len(wanted))
    if steps[:literal] != wanted[:literal]:
        return False
    # From the first pattern on, one of them goes across folders.
    whole = fnmatchcase(".".join(steps[literal:]), ".".join(wanted[literal:]))
    return literal == len(wanted) or whole or (len(wanted) == 1 and fnmatchcase(_name(node), value))


def _is_version(node: Node) -> bool:
    return node.kind == "model" and node.id != node.fqn[-1]


def _name(node: Node) -> str:
    return node.fqn[-2 if _is_version(node) else -1]


def _in(node: Node, value: str) -> bool:
    """Below a folder, or it is the file, or that by which it is described."""
    wanted = value.removeprefix("./").rstrip("/").split("/")
    steps = node.path.split("/")
    ways = [steps[: n + 1] for n in range(len(steps))]
    if node.described_in is not None:
        ways.append(node.described_in.split("/"))
    return any(_is_path(way, wanted) for way in ways)


def _is_path(steps: list[str], wanted: list[str]) -> bool:
    """A pattern is of one step, but for `**`, which is of any number."""
    if not wanted:
        return not steps
    if wanted[0] == "**":
        return _is_path(steps, wanted[1:]) or (bool(steps) and _is_path(steps[1:], wanted))
    return bool(steps) and fnmatchcase(steps[0], wanted[0]) and _is_path(steps[1:], wanted[1:])


def _is_file(node: Node, value: str) -> bool:
    name = node.path.rpartition("/")[2]
    return fnmatchcase(name, value) or fnmatchcase(name.rpartition(".")[0] or name, value)


def _is_source(node: Node, value: str) -> bool:
    """`source`, `source.table` or `package.source.table`."""
    given = [*value.split(".")]
    package = given.pop(0) if len(given) == 3 else "*"
    known = (node.fqn[0], *node.id.removeprefix("source:").split(".", 1))
    wanted = (package, *given, "*")[:3]
    return node.kind == "source" and len(given) <= 2 and all(map(fnmatchcase, known, wanted))


_TESTS: dict[str, Callable[[Node, str], bool]] = {
    "name": _named,
    "fqn": _named,
    "path": _in,
    "file": _is_file,
    "tag": lambda node, value: any(fnmatchcase(tag, value) for tag in node.tags),
    "source": _is_source,
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
