"""What the Jinja of a dbt file says when nobody runs it: `ref`, `source` and `config` with literal arguments, and the
macros that it calls, which may hold some more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from yamldag.syntax.diagnostic import Diagnostic, Place
from yamldag.syntax.source import Source

HELP = "run `dbt parse`, and point `manifest:` to the `manifest.json` that it writes"
_BLOCKS = ("snapshot", "materialization", "test", "data_test", "docs")
_ASKED = frozenset(("ref", "source", "config"))
_READ = ("enabled", "tags", "materialized")
"""What of a `config` matters here."""


@dataclass(slots=True)
class Said:
    """By one file, one macro, or one snapshot's block."""

    place: Place
    refs: list[tuple[str, Place]] = field(default_factory=list)
    """The last argument: names of models are unique."""
    sources: list[tuple[str, Place]] = field(default_factory=list)
    """As `name.table`."""
    config: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, str, Place]] = field(default_factory=list)
    """Macros: the package or nothing, the name."""
    found: list[Diagnostic] = field(default_factory=list)
    blocks: dict[str, Said] = field(default_factory=dict)
    """Of a file: its snapshots, and its macros, by name."""


def read(source: Source) -> Said:
    """Never raises: what can't be told is in `found`."""
    said = Said(_line(source, 1))
    try:
        tree = _jinja().parse(source.text)
    except TemplateSyntaxError as error:
        words = (error.message or "it does not parse").rstrip(".")
        words = words[:1].lower() + words[1:]
        said.found.append(
            Diagnostic("YD710", f"the Jinja of this file can't be read: {words}", _line(source, error.lineno))
        )
        return said
    except RecursionError:
        said.found.append(Diagnostic("YD710", "the Jinja of this file is nested too deeply", said.place))
        return said
    for block in tree.find_all(nodes.Macro):
        inner = said.blocks[block.name] = Said(_line(source, block.lineno))
        _collect(block, source, inner)
    _collect(tree, source, said)
    return said


def _collect(tree: nodes.Node, source: Source, said: Said) -> None:
    reader = _Reader(source, said)
    for node in _inside(tree):
        if isinstance(node, nodes.Call):
            reader.call(node)
        elif isinstance(node, nodes.Name):
            reader.name(node)


def _inside(tree: nodes.Node) -> Iterator[nodes.Node]:
    """All nodes below, callers before what they call; macros by themselves."""
    for child in tree.iter_child_nodes():
        if isinstance(child, nodes.Macro):
            continue
        yield child
        yield from _inside(child)


class _Reader:
    def __init__(self, source: Source, said: Said) -> None:
        self.source = source
        self.said = said
        self.called: set[int] = set()

    def name(self, node: nodes.Name) -> None:
        if node.name in _ASKED and node.ctx == "load" and id(node) not in self.called:
            self.opaque(node, node.name, f"`{node.name}` is handed on here, and not called")

    def call(self, node: nodes.Call) -> None:
        package, name = _callee(node)
        if not package or package == "builtins":
            self.called.add(id(node.node))
            if name in _ASKED:
                getattr(self, f"_{name}")(node)
                return
        if (package, name) == ("adapter", "dispatch") and node.args:
            self._dispatch(node)
        elif name:
            self.said.calls.append((package, name, self._at(node, name)))

    def _ref(self, node: nodes.Call) -> None:
        words = _literals(node)
        if words is None or not 1 <= len(words) <= 2:
            self.opaque(node, "ref", "what this `ref` means is known only when dbt runs")
        else:
            self.said.refs.append((words[-1], self._at(node, words[-1])))

    def _source(self, node: nodes.Call) -> None:
        words = _literals(node)
        if words is None or len(words) != 2:
            self.opaque(node, "source", "what this `source` means is known only when dbt runs")
        else:
            self.said.sources.append((".".join(words), self._at(node, words[-1])))

    def _config(self, node: nodes.Call) -> None:
        given: dict[str, nodes.Expr] = {each.key: each.value for each in node.kwargs}
        for each in node.args:
            if isinstance(each, nodes.Dict):
                given |= {
                    str(pair.key.value): pair.value
                    for pair in each.items
                    if isinstance(pair.key, nodes.Const)
                }
        for name in _READ:
            if name in given:
                try:
                    self.said.config[name] = _literal(given[name])
                except nodes.Impossible:
                    self.opaque(node, name, f"what `{name}` will be here is known only when dbt runs")

    def _dispatch(self, node: nodes.Call) -> None:
        first = node.args[0]
        if isinstance(first, nodes.Const):
            self.said.calls.append(("*", str(first.value), self._at(node, str(first.value))))

    def opaque(self, node: nodes.Node, word: str, why: str) -> None:
        self.said.found.append(Diagnostic("YD710", why, self._at(node, word), HELP))

    def _at(self, node: nodes.Node, word: str) -> Place:
        """Where the word stands, from the line on in which Jinja has the call."""
        start = self.source.offset(node.lineno)
        match = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)").search(self.source.text, start)
        return Place(self.source, *match.span()) if match else _line(self.source, node.lineno)


def _callee(node: nodes.Call) -> tuple[str, str]:
    """The namespace, or nothing, and the name; nothing for what is neither."""
    match node.node:
        case nodes.Name():
            return "", node.node.name
        case nodes.Getattr(node=nodes.Name(name=package)):
            return package, node.node.attr
    return "", ""


def _literal(node: nodes.Expr) -> Any:
    """A literal's value. Jinja's own `as_const` would compute: `"x" * 10**9`. Raises Impossible."""
    if isinstance(node, nodes.Const):
        return node.value
    if isinstance(node, nodes.List):
        return [_literal(each) for each in node.items]
    raise nodes.Impossible


def _literals(node: nodes.Call) -> list[str] | None:
    """The arguments, where they are literal texts alone."""
    if node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None:
        return None
    words = [
        each.value for each in node.args if isinstance(each, nodes.Const) and isinstance(each.value, str)
    ]
    return words if len(words) == len(node.args) else None


def _line(source: Source, number: int) -> Place:
    start = source.offset(number)
    return Place(source, start, start + len(source.line(number)))


class _Tags(Extension):
    """dbt's own blocks: each reads as a macro of its name."""

    tags = set(_BLOCKS)  # noqa: RUF012 - Jinja's own word for it

    def parse(self, parser: Parser) -> nodes.Node:
        token = next(parser.stream)
        words = []
        while parser.stream.current.type != "block_end":
            words.append(str(next(parser.stream).value))
        name = f"{token.value} {words[0] if words else ''}"
        body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
        return nodes.Macro(name, [], [], body, lineno=token.lineno)


def _jinja() -> Environment:
    """It only parses: nothing is ever rendered."""
    return Environment(extensions=[_Tags, "jinja2.ext.do", "jinja2.ext.loopcontrols"])  # noqa: S701
