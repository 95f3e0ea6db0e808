"""What the passes hand to each other: a pipeline as tasks and groups that still know where they were written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from yamldag.compile.constants import Unknowable
from yamldag.syntax.diagnostic import Place, at
from yamldag.syntax.locate import span
from yamldag.syntax.nearest import Known
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Json, Map, Node, Scalar, Seq

Entries = dict[str, tuple[Scalar, Node]]


class Declared(NamedTuple):
    """A declared param: its JSON Schema (with `default` unless it is required) and where it stands."""

    key: Scalar
    node: Node
    schema: dict[str, Json]

    @property
    def required(self) -> bool:
        return "default" not in self.schema


class Layer(NamedTuple):
    """One `defaults:` mapping, and whose names its templates speak in."""

    entries: Entries
    site: Draft


class Entry(NamedTuple):
    """A task's key in force: its own, or one that a layer of defaults gives."""

    key: Scalar
    node: Node
    site: Draft


class Origin(NamedTuple):
    """Where an edge comes from: a whole node, or a part of a scalar's value."""

    node: Node
    start: int = -1
    end: int = -1

    def place(self) -> Place:
        if self.start < 0 or type(self.node) is not Scalar:
            return at(self.node)
        start, end = span(self.node, self.start, self.end)
        return Place(self.node.source, start, end)


class Scope:
    """What `params`, `vars` and the names of tasks mean: in a pipeline, or in a template at one place of use."""

    __slots__ = (
        "_homes",
        "folder",
        "known",
        "open_params",
        "open_vars",
        "params",
        "root",
        "source",
        "strays",
        "uses_of",
        "vars",
    )

    def __init__(self, source: Source, folder: str) -> None:
        self.source = source
        self.folder = folder
        self.params: dict[str, Declared] = {}
        self.vars: dict[str, Node] = {}
        self.open_vars = False
        """There may be more vars: of a template by itself, those who use it may bring them."""
        self.open_params = False
        self.strays: frozenset[str] = frozenset()
        """Names that stand below keys which nobody knows: they may be meant for params, or for vars."""
        self._homes: dict[str, str] | None = None
        self.known: dict[object, Known] = {}
        """What can be suggested here, by kind of name or by group: a file full of unknown names stays fast."""
        self.root: Draft
        """The pipeline itself, or the group that the use has become: names are sought up to here."""
        self.uses_of: tuple[Scalar, ...] = ()
        """The `use` values that lead here, the outermost first; none in a pipeline's own file."""

    def nearest(self, word: str, kind: object, names: Callable[[], Iterable[str]]) -> str | None:
        """The known name of a kind that is likely to be meant; `names` lists them when they are first asked for."""
        if kind not in self.known:
            self.known[kind] = Known(names())
        return self.known[kind].nearest(word)

    def homes(self) -> dict[str, str]:
        """For each name inside a group, the id of the first group that has it."""
        if self._homes is None:
            mine = (group for group in self.root.groups() if group.inner is self)
            self._homes = {}
            for group in mine:
                for name in group.children:
                    self._homes.setdefault(name, group.id)
        return self._homes

    def constant(self, name: str) -> Node | None:
        """A var for `constants.fold`."""
        if name not in self.vars and (self.open_vars or name in self.strays):
            raise Unknowable
        return self.vars.get(name)


class Draft:
    """A task, a group, or the pipeline itself (`kind` root), while it is being compiled."""

    __slots__ = (
        "children", "document", "entries", "group", "id", "inner", "inside", "key", "kind", "layers", "mapped",
        "name", "needed", "node", "operator", "parents", "referenced", "rewrites", "scope", "setups",
    )  # fmt: skip

    def __init__(self, name: str, key: Scalar, node: Node, group: Draft | None, scope: Scope) -> None:
        self.name = name
        self.id: str = f"{group.id}.{name}" if group is not None and group.id else name
        self.key = key
        self.node = node
        self.entries: Entries = node.items if type(node) is Map else {}
        self.group = group
        self.scope = scope
        """That of the keys written here; the children of a `use` have another one, `inner`."""
        self.inner: Scope = scope
        self.inside: Draft | None = None
        """Of a use: a stand-in for the template itself, in whose names its `defaults` and `env` speak."""
        self.kind = "task"
        """`task`, `group`, `use` or `root`."""
        self.operator: str | None = None
        self.children: dict[str, Draft] = {}
        self.document: Map
        """Of a root: the whole document."""
        self.layers: tuple[Layer, ...] = group.layers if group is not None else ()
        """The defaults in force, the nearest first."""
        self.mapped: Draft | None = group.mapped if group is not None else None
        """The task or group whose `foreach` or `matrix` makes instances of this one."""
        self.needed: dict[str, Origin] = {}
        """Parents that `needs` names, its own and, of a group's roots, the group's: task id → where."""
        self.referenced: dict[str, Origin] = {}
        """Parents that templates name; of a group those that its own templates name, which its roots have, too."""
        self.parents: dict[str, Origin] = {}
        """All of them."""
        self.setups: list[Draft] = []
        """Of a teardown."""
        self.rewrites: dict[int, str] | None = None
        """By id of a scalar: its text with full task ids, where these differ from what is written."""

    def get(self, name: str) -> Entry | None:
        """The key in force: a task's own wins, then the nearest defaults."""
        own = self.entries.get(name)
        if own is not None:
            return Entry(own[0], own[1], self)
        for layer in self.layers:
            given = layer.entries.get(name)
            if given is not None:
                return Entry(given[0], given[1], layer.site)
        return None

    def values(self, name: str) -> list[Entry]:
        """The same key from the task and from every layer, the nearest first: for what is merged by name."""
        found = [Entry(*self.entries[name], self)] if name in self.entries else []
        return found + [
            Entry(*layer.entries[name], layer.site) for layer in self.layers if name in layer.entries
        ]

    def rewrite(self, node: Scalar, text: str) -> None:
        if self.rewrites is None:
            self.rewrites = {}
        self.rewrites[id(node)] = text

    def text(self, node: Scalar) -> str:
        """A scalar's text as the plan holds it."""
        if self.rewrites is not None:
            return self.rewrites.get(id(node), node.text)
        return node.text

    @property
    def open(self) -> bool:
        """Whether it is too broken to tell what is in it: then nothing is said of names that seem to be missing."""
        return not self.children and self.operator is None

    @property
    def mapping(self) -> str:
        """Which of the two keys maps it; it has one of them."""
        return "foreach" if "foreach" in self.entries else "matrix"

    def tasks(self) -> Iterator[Draft]:
        """All tasks below, in written order; a task is its own."""
        stack = [self]
        while stack:
            draft = stack.pop()
            if draft.kind == "task":
                yield draft
            else:
                stack.extend(reversed(draft.children.values()))

    def groups(self) -> Iterator[Draft]:
        """All groups below, in written order, outer before inner."""
        stack = list(reversed(self.children.values()))
        while stack:
            draft = stack.pop()
            if draft.kind != "task":
                yield draft
                stack.extend(reversed(draft.children.values()))

    def above(self) -> Iterator[Draft]:
        """The groups around it, the innermost first, without the root."""
        group = self.group
        while group is not None and group.kind != "root":
            yield group
            group = group.group


def key_or(draft: Draft, name: str) -> Scalar:
    """The key of that name, or the draft's own where it lacks it."""
    own = draft.entries.get(name)
    return own[0] if own else draft.key


def strings(node: Node) -> Iterator[Scalar]:
    """Every scalar below that may hold a template."""
    stack = [node]
    while stack:
        here = stack.pop()
        if type(here) is Scalar:
            if "{" in here.text and ("{{" in here.text or "{%" in here.text):
                yield here
        elif type(here) is Map:
            stack.extend(value for _, value in reversed(here.items.values()))
        elif type(here) is Seq:
            stack.extend(reversed(here.items))


def merged(
    entries: Iterable[Entry], short: str | None, exclusive: Iterable[Collection[str]] = ()
) -> dict[str, Entry]:
    """An operator's parameters by name, the nearest giver first; a short form is the parameter that it sets. Of those
    that exclude each other a farther giver's are left out."""
    found: dict[str, Entry] = {}
    for entry in entries:
        nearer = set(found)
        if type(entry.node) is Map:
            for name, (key, node) in entry.node.items.items():
                if not any(name in group and nearer.intersection(group) for group in exclusive):
                    found.setdefault(name, Entry(key, node, entry.site))
        elif short is not None and not (type(entry.node) is Scalar and entry.node.value is None):
            found.setdefault(short, entry)
    return found
