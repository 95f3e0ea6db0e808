"""Whatever the text: a tree or diagnostics, never an exception, and every character found where it stands."""

import re
from collections.abc import Iterator

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from yamldag.syntax import locate, parse
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Node, Scalar, Seq

# Text made of what YAML takes seriously, so that much of it is YAML and much of it nearly is.
SIGNS = "ab \n\n  \t\xa0:-?[]{},#&*!|>'\"%@`~.0123\\é😀\r\x85\u2028"
WORDS = (
    *(": ", "- ", "\n  ", "<<: ", "{{ x }}", "&a ", "*a", "!!str ", "''", " #", "null", "0x1f", "\r\n"),
    *(
        "\\n",
        "\\x41",
        "\\u00e9",
        "\\\n",
        "---\n",
        "...\n",
        "|2\n",
        ">-\n",
        "|+\n",
        "# yamldag: ignore[YD801]",
    ),
)
PIECES = st.sampled_from([*SIGNS, *WORDS])
NEARLY_YAML = st.lists(PIECES, max_size=40).map("".join)

# Scalars in each style, at some depth, from text that has line breaks and blanks in awkward places.
AWKWARD = st.text(st.sampled_from("ab '\"\\\t\n#:é😀{}\x85\u2028"), max_size=25)
STYLES = st.sampled_from(["'", '"', "|", ">", None])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A document that PyYAML writes, of awkward text in every style."""
    nodes = [
        ScalarNode("tag:yaml.org,2002:str", draw(AWKWARD), style=draw(STYLES))
        for _ in range(draw(st.integers(1, 4)))
    ]
    inner = SequenceNode("tag:yaml.org,2002:seq", nodes, flow_style=draw(st.booleans()))
    key = ScalarNode("tag:yaml.org,2002:str", draw(AWKWARD), style=draw(STYLES))
    root = MappingNode("tag:yaml.org,2002:map", [(key, inner)], flow_style=draw(st.booleans()))
    width, indent = draw(st.sampled_from([2, 10, 80])), draw(st.integers(2, 6))
    line_break = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return str(
        yaml.serialize(
            root, width=width, indent=indent, allow_unicode=draw(st.booleans()), line_break=line_break
        )
    )


def scalars(node: Node | None) -> Iterator[Scalar]:
    """All scalars, keys included, in the order of the text."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Seq):
        for item in node.items:
            yield from scalars(item)
    elif isinstance(node, Map):
        for key, value in node.items.values():
            yield key
            yield from scalars(value)


def check(source: Source | None, found: list[Diagnostic]) -> list[Node | None]:
    """Read it all, and see that every place is one."""
    roots: list[Node | None] = []
    if source is not None:
        roots, more = parse.documents(source)
        found = found + more
        parse.ignores(source)
    for each in found:
        assert each.code in CODES
        for place in (each.place, *(related.place for related in each.related)):
            assert 0 <= place.start <= place.end <= len(place.source.text)
        for text in (each.message, each.help or ""):
            assert text == text.rstrip(".\n")
            assert "while parsing" not in text
    return roots


def every_character_is_found(node: Scalar) -> None:
    """Each one alone; together they cover the scalar from left to right."""
    assert locate.pieces(node) is not None
    before = locate.content(node)
    for offset, char in enumerate(node.text):
        start, end = locate.span(node, offset, offset + 1)
        written = node.source.text[start:end]
        assert before <= start < end <= node.end
        assert written == char or stands_for(written, char, node.style)
        before = end


def stands_for(written: str, char: str, style: str) -> bool:
    """Whether this is another way to write a character."""
    if char in "\n ":
        return bool(re.fullmatch("\r\n|[\r\n\x85\u2028\u2029]", written)) or (
            style == '"' and written[0] == "\\"
        )
    return (style == "'" and written == "''") or (style == '"' and written[0] == "\\")


@given(st.binary(max_size=60))
@settings(deadline=None)
@example(b"\xff\xfea")
@example(b"\xfe\xff\xd8\x00")
def test_any_bytes_give_a_tree_or_diagnostics(data: bytes) -> None:
    source, found = parse.read("f.yml", data)
    assert (source is None) == bool(found)
    check(source, found)


@given(st.text(max_size=60) | NEARLY_YAML)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example("a: \ud800")
@example("\ufeffa: 1")
def test_any_text_gives_a_tree_or_diagnostics(text: str) -> None:
    check(Source("f.yml", text), [])


@given(NEARLY_YAML)
@settings(max_examples=500, deadline=None)
def test_every_scalar_of_any_text_is_found_in_it(text: str) -> None:
    for root in check(Source("f.yml", text), []):
        for node in scalars(root):
            every_character_is_found(node)


@given(documents())
@settings(max_examples=500, deadline=None)
def test_every_scalar_in_every_style_is_found_in_it(text: str) -> None:
    roots, found = parse.documents(Source("f.yml", text))
    assert [each.code for each in found] in ([], ["YD105"])
    for node in scalars(roots[0]):
        every_character_is_found(node)


@given(documents() | NEARLY_YAML)
@settings(max_examples=500, deadline=None)
def test_the_text_of_scalars_is_what_pyyaml_reads(text: str) -> None:
    try:
        wanted = [list(composed(root)) for root in yaml.compose_all(text, Loader=yaml.CSafeLoader)]
    except (yaml.YAMLError, UnicodeError):
        return
    roots, found = parse.documents(Source("f.yml", text))
    if not found and "<<" not in text:
        assert [[node.text for node in scalars(root)] for root in roots if root] == [
            texts for texts, root in zip(wanted, roots, strict=True) if root
        ]


def composed(node: yaml.Node) -> Iterator[str]:
    if isinstance(node, ScalarNode):
        yield node.value
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from composed(item)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield from composed(key)
            yield from composed(value)
