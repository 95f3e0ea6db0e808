"""Documents for the tests of this room: YAML text as a located tree, by PyYAML's own composer."""

from __future__ import annotations

import json

import yaml

from yamldag.syntax.source import Source
from yamldag.syntax.tree import Json, Map, Node, Scalar, Seq

_WORDS = ("yes", "no", "on", "off")
"""Booleans to PyYAML, texts to YAML 1.2."""
_TYPED = ("bool", "int", "float", "null")


def tree(text: str) -> Node:
    """The located tree of a short document."""
    source = Source("p.yml", text)
    composed = yaml.compose(text, Loader=yaml.SafeLoader)
    assert composed is not None
    return _node(composed, source, {})


def as_tree(value: Json) -> Node:
    """A tree that stands where the value would be written as JSON."""
    return tree(json.dumps(value, indent=1))


def _node(node: yaml.Node, source: Source, made: dict[int, Node]) -> Node:
    if id(node) not in made:
        made[id(node)] = _made(node, source, made)
    return made[id(node)]


def _made(node: yaml.Node, source: Source, made: dict[int, Node]) -> Node:
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.ScalarNode):
        kind = "str" if node.value in _WORDS else node.tag.rpartition(":")[2]
        value = yaml.safe_load(f"!!{kind} {json.dumps(node.value)}") if kind in _TYPED else node.value
        return Scalar(value, node.value, start, end, node.style or "", source)
    if isinstance(node, yaml.SequenceNode):
        return Seq([_node(item, source, made) for item in node.value], start, end, source)
    assert isinstance(node, yaml.MappingNode)
    return Map(
        {key.value: (_key(key, source), _node(value, source, made)) for key, value in node.value},
        start,
        end,
        source,
    )


def _key(node: yaml.Node, source: Source) -> Scalar:
    return Scalar(node.value, node.value, node.start_mark.index, node.end_mark.index, "", source)
