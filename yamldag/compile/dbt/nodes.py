"""The graph of a dbt project: what it builds from what, and which tests look at it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from yamldag.syntax.diagnostic import Diagnostic, Place

KINDS = ("model", "seed", "snapshot")
"""What dbt builds. `source` is there before."""


@dataclass(slots=True)
class Node:
    """A model, seed, snapshot or source."""

    id: str
    """Its name; of a source `source:name.table`, of a model's version `name.v2`."""
    kind: str
    path: str
    """Of its file, from the project's folder."""
    place: Place
    fqn: tuple[str, ...]
    """The package, the folders and the name."""
    parents: dict[str, Place] = field(default_factory=dict)
    """By id, and where it is named."""
    tags: frozenset[str] = frozenset()
    ephemeral: bool = False
    """It is part of what is built from it, and never built itself."""
    description: str = ""
    described_in: str | None = None
    """The YAML file that says so, or more of it; from the project's folder. By its path, too, it can be selected."""


@dataclass(slots=True)
class Test:
    name: str
    parents: dict[str, Place]
    """What it looks at, by id, and where that is said."""
    place: Place
    singular: bool = False
    """Whether it is a query in a file of its own."""


@dataclass(slots=True)
class Graph:
    """All that is enabled."""

    nodes: dict[str, Node] = field(default_factory=dict)
    """In the order of their paths."""
    tests: list[Test] = field(default_factory=list)
    disabled: set[str] = field(default_factory=set)
    found: list[Diagnostic] = field(default_factory=list)
    """Why it can't be told in full."""

    def parents(self) -> dict[str, Collection[str]]:
        return {name: node.parents for name, node in self.nodes.items()}
