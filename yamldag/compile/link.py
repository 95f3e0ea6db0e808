"""Edges: what `needs` and references mean task by task, setups and teardowns, and rings."""

from __future__ import annotations

from collections.abc import Iterable

from yamldag.compile import keys, names
from yamldag.compile.draft import Draft, Origin
from yamldag.plan import graph
from yamldag.syntax.diagnostic import Diagnostic, Place, Related, at
from yamldag.syntax.tree import Node, Scalar, Seq

Wish = tuple[Draft, Draft, Origin, bool]
"""(child, parent, where, written in `needs`): an edge as it was written, groups not yet opened."""


class Linking:
    """All edges of one pipeline."""

    def __init__(self, root: Draft, faulty: set[int], found: list[Diagnostic]) -> None:
        self.root = root
        self.faulty = faulty
        self.found = found
        self.wishes: list[Wish] = []
        self._inward: dict[int, set[str]] = {}
        self._outward: dict[int, set[str]] = {}

    def refer(self, child: Draft, parent: Draft, origin: Origin) -> None:
        """A template of `child` speaks of `parent`."""
        self.wishes.append((child, parent, origin, False))

    def needs(self) -> None:
        """Read every `needs`."""
        stack = list(self.root.children.values())
        for draft in stack:
            entry = draft.entries.get("needs")
            if entry is not None:
                self._read_needs(draft, entry[1])
            if draft.children:
                stack.extend(draft.children.values())

    def _read_needs(self, draft: Draft, node: Node) -> None:
        faulty, group = self.faulty, draft.group
        assert group is not None
        for item in node.items if type(node) is Seq else (node,):
            if type(item) is not Scalar or id(item) in faulty:
                continue
            name = item.text
            parent = group.children.get(name) or names.find(name, draft)
            if parent is None:
                if not draft.scope.root.open:
                    self.found.append(_unknown(draft, item))
            elif parent.kind != "task" and parent in draft.above():
                message = f"`{draft.name}` can't need `{name}`, the group that it is part of"
                self.found.append(Diagnostic("YD308", message, at(item)))
            elif draft.kind != "task" and (parent is draft or draft in parent.above()):
                what = "itself" if parent is draft else f"`{name}`, which is part of it"
                message = f"`{draft.name}` can't need {what}"
                self.found.append(Diagnostic("YD308", message, at(item)))
            else:
                self.wishes.append((draft, parent, Origin(item), True))

    # From wishes to edges

    def edges(self) -> None:
        """Open the groups: a group as parent is its leaves, as child its roots."""
        grouped = any(child.kind != "task" for child in self.root.children.values())
        if grouped:
            self._note_crossings()
        for child, parent, origin, written in self.wishes:
            parents = (parent,) if parent.kind == "task" else tuple(self.leaves(parent))
            if child.kind != "task" and not written:
                child.referenced.update((other.id, origin) for other in parents)
            children = (child,) if child.kind == "task" else tuple(self.roots(child))
            for one in children:
                kept = one.needed if written else one.referenced
                for other in parents:
                    if other is not one or child is parent:
                        kept.setdefault(other.id, origin)
        for task in self.root.tasks():
            task.parents = {**task.referenced, **task.needed} if task.referenced else task.needed

    def _note_crossings(self) -> None:
        """For each group, which of its children have an edge from, or to, another of its children."""
        for child, parent, _, _ in self.wishes:
            below, above = _apart(child, parent)
            if below is None or above is None or below.group is None:
                continue
            self._inward.setdefault(id(below.group), set()).add(below.name)
            if "teardown_of" not in below.entries:
                self._outward.setdefault(id(below.group), set()).add(above.name)

    def roots(self, group: Draft) -> Iterable[Draft]:
        """The tasks of a group that nothing in it comes before."""
        return self._ends(group, self._inward)

    def leaves(self, group: Draft) -> Iterable[Draft]:
        """The tasks of a group that nothing in it comes after."""
        return self._ends(group, self._outward)

    def _ends(self, group: Draft, linked: dict[int, set[str]]) -> Iterable[Draft]:
        inside = linked.get(id(group), ())
        for child in group.children.values():
            if child.name in inside or "teardown_of" in child.entries:
                continue
            if child.kind == "task":
                yield child
            else:
                yield from self._ends(child, linked)

    # Setups and teardowns

    def teardowns(self) -> None:
        """A teardown waits for its setups and its `needs`, or, without these, for every task below its setups."""
        tearing = [task for task in self.root.tasks() if "teardown_of" in task.entries]
        for task in tearing:
            self._find_setups(task)
        if not tearing:
            return
        graph_ = {task.id: task.parents for task in self.root.tasks()}
        by_id = {task.id: task for task in self.root.tasks()}
        for task in tearing:
            origin = Origin(task.entries["teardown_of"][1])
            parents = dict(task.parents)
            for setup in task.setups:
                parents.setdefault(setup.id, origin)
            if "needs" not in task.entries:
                after = graph.descendants(graph_, [task.id])
                for below in sorted(graph.descendants(graph_, [setup.id for setup in task.setups])):
                    if below != task.id and below not in after and "teardown_of" not in by_id[below].entries:
                        parents.setdefault(below, origin)
            task.parents = parents

    def _find_setups(self, task: Draft) -> None:
        node = task.entries["teardown_of"][1]
        for item in node.items if type(node) is Seq else (node,):
            if type(item) is not Scalar or id(item) in self.faulty:
                continue
            setup = names.find(item.text, task)
            if setup is None:
                self.found.append(_unknown(task, item, "is the teardown of"))
            elif setup.kind != "task" or not self._is_setup(setup):
                message = f"`{item.text}` is no setup, so `{task.name}` can't be its teardown"
                self.found.append(
                    Diagnostic("YD304", message, at(item), f"give `{item.text}` the key `setup: true`")
                )
            else:
                task.setups.append(setup)

    def _is_setup(self, draft: Draft) -> bool:
        entry = draft.entries.get("setup")
        if entry is None:
            return draft.open or keys.is_vague(draft)
        return id(entry[1]) in self.faulty or (type(entry[1]) is Scalar and entry[1].value is True)

    # Rings

    def rings(self) -> None:
        """Report each knot once, by its shortest ring."""
        parents = {task.id: task.parents for task in self.root.tasks()}
        for ring in graph.rings(parents):
            self.found.append(_ring(ring, parents))


def _apart(one: Draft, other: Draft) -> tuple[Draft | None, Draft | None]:
    """The two children of the innermost common group that the drafts are, or are part of."""
    if one.group is other.group:
        return one, other
    path = [one, *one.above()]
    groups = {id(draft.group): draft for draft in path}
    for draft in [other, *other.above()]:
        mine = groups.get(id(draft.group))
        if mine is not None:
            return (None, None) if mine is draft else (mine, draft)
    return None, None


def _unknown(draft: Draft, item: Scalar, verb: str = "needs") -> Diagnostic:
    message = f"`{draft.name}` {verb} `{item.text}`, but there is no such task"
    return Diagnostic("YD203", message, at(item), names.suggestion(item.text, draft, without=[draft.name]))


def _ring(ring: list[str], parents: dict[str, dict[str, Origin]]) -> Diagnostic:
    """`ring` lists tasks so that each needs the next one, the last one the first."""
    edges: list[tuple[str, str, Place]] = []
    for at_, task in enumerate(ring):
        parent = ring[(at_ + 1) % len(ring)]
        edges.append((task, parent, parents[task][parent].place()))
    first = min(range(len(edges)), key=lambda n: (edges[n][2].source.path, edges[n][2].start))
    edges = edges[first:] + edges[:first]
    if len(ring) == 1:
        by_needs = parents[ring[0]][ring[0]].start < 0
        help_ = "take it out of its `needs`" if by_needs else "a task can't read its own output or state"
        return Diagnostic("YD301", f"`{ring[0]}` needs itself", edges[0][2], help_)
    shown = [task for task, _, _ in edges]
    way = " → ".join(f"`{name}`" for name in _shortened([*shown, shown[0]]))
    related = tuple(Related(f"`{task}` needs `{parent}` here", place) for task, parent, place in edges)
    return Diagnostic(
        "YD301",
        f"tasks wait for each other in a circle: {way}",
        edges[0][2],
        "take out one of these edges",
        related,
    )


def _shortened(names_: list[str]) -> list[str]:
    return names_ if len(names_) <= 12 else [*names_[:8], "…", *names_[-3:]]
