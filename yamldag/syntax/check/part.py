"""What the checks of a schema's parts have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from yamldag.syntax.check.complaint import Owner
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.tree import Node, Scalar

Schema: TypeAlias = Mapping[str, Any]
Mode: TypeAlias = Literal["template", "constant", "never"]


@dataclass(slots=True)
class Checking:
    """The state of one check. `faulty` holds the `id()` of each node that failed, and of the mapping that
    lacks a key: later passes step over them. `fold` is given a text with a template that stands where none is
    rendered, and gives the constant that it stands for, or None after reporting why there is none."""

    report: list[Diagnostic]
    faulty: set[int]
    fold: Callable[[Scalar], Node | None]
    _said: set[tuple[str, str, int, int, str]] = field(default_factory=set)

    def complain(self, node: Node, diagnostic: Diagnostic) -> None:
        """Report, once even for a node that aliases show in many places."""
        self.faulty.add(id(node))
        place = diagnostic.place
        token = (diagnostic.code, place.source.path, place.start, place.end, diagnostic.message)
        if token not in self._said:
            self._said.add(token)
            self.report.append(diagnostic)


Check: TypeAlias = Callable[[Node, Scalar | None, Checking], Node | None]
"""Takes a node, the key that it stands under (in a list: the nearest one; None for a document) and the state.
Gives the node to put in its place, where a template was replaced by its constant; else None."""


@dataclass(frozen=True, slots=True)
class Part:
    """One schema node, how templates below it are taken, and how the nodes that it leads to are compiled."""

    schema: Schema
    owner: Owner
    mode: Mode
    compiled: Callable[[Schema | bool, Mode, bool], Check]
    """Of a schema node below, in a mode, for the items of a list or not."""
    followed: Callable[[Schema], Schema]
    """A schema node with its `$ref`s followed."""

    def below(self, schema: Schema | bool, in_list: bool = False) -> Check:
        return self.compiled(schema, self.mode, in_list)
