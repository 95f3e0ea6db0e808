"""Offsets in values as places in files: a wrong one sends the reader to the wrong line."""

import pytest

from yamldag.syntax import locate, parse
from yamldag.syntax.diagnostic import at
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Node, Scalar, Seq, located

# The text, `zz` in the value of `k` being what is looked for; line and column of its start and its end.
NASTY = {
    "plain": ("k: {a: b zz}", (1, 10), (1, 12)),
    "plain over lines": ("k: echo\n   {{ a }} and\n\n   {{ zz }}", (4, 7), (4, 9)),
    "doubled quote before": ("k: 'it''s {{ zz }}'", (1, 14), (1, 16)),
    "doubled quotes around": ("k: '{{ a[''zz''] }}'", (1, 12), (1, 14)),
    "empty lines in quotes": ("k: 'a\n\n\n  b {{ zz }}'", (4, 8), (4, 10)),
    "escapes before": ('k: "\\t\\u00e9\\U0001F600\\" {{ zz }}"', (1, 29), (1, 31)),
    "the name is escaped": ('k: "{{ \\x7a\\u007a }}"', (1, 8), (1, 18)),
    "the name is broken": ('k: "a \\\n    {{ z\\\n    z }}"', (2, 8), (3, 6)),
    "escaped line ends": ('k: "a\\r\\n{{ zz }}"', (1, 13), (1, 15)),
    "indentation is given": ("k: |2\n    a\n   {{ zz }}", (3, 7), (3, 9)),
    "indentation is given, deeper": ("a:\n  k: |2\n      {{ zz }}", (3, 10), (3, 12)),
    "strip, with a comment": ("k: |-  # why\n    x\n\n    {{ zz }}\n\n", (4, 8), (4, 10)),
    "first line blank and shorter": ("k: |\n \n   {{ zz }}", (3, 7), (3, 9)),
    "folded, more indented": ("k: >\n  a\n    b {{ zz }}\n  c", (3, 10), (3, 12)),
    "folded, empty lines": ("k: >\n  a\n\n\n  {{ zz }}", (5, 6), (5, 8)),
    "folded inside the template": ("k: >\n  {{ a\n  .zz }}", (3, 4), (3, 6)),
    "literal, empty line": ("k: |\n  a\n\n  {{- zz }}", (4, 7), (4, 9)),
    "CRLF": ("k: |\r\n  a\r\n  {{ zz }}\r\n", (3, 6), (3, 8)),
    "lone CR": ("k: |\r  a\r  {{ zz }}\r", (3, 6), (3, 8)),
    "beyond ASCII": ("k: 日本😀é {{ zz }}", (1, 12), (1, 14)),
    "line separator": ("k: 'a\u2028 {{ zz }}'", (1, 11), (1, 13)),
    "anchor and tag": ("k: &a !!str '{{ zz }}'", (1, 17), (1, 19)),
    "anchor and comment": ("k: &a # c\n  'x {{ zz }}'", (2, 9), (2, 11)),
    "keep": ("k: |+\n  a\n\n\n  zz\n\n", (5, 3), (5, 5)),
    "folded, keep, at the end": ("k: >+\n  a\n  zz\n\n\n", (3, 3), (3, 5)),
    "header in both orders": ("k: |+1\n   zz\n\n", (2, 4), (2, 6)),
    "tab after indentation": ("k: >\n  a\n  \tzz\n  b\n", (3, 4), (3, 6)),
    "next line": ("k: |\n  a\x85  zz", (2, 7), (2, 9)),
    "escaped break, then empty lines": ('k: "a\\\n\n\n  zz"', (4, 3), (4, 5)),
    "blanks at the ends of lines": ("k: 'a  \t\n \t zz'", (2, 4), (2, 6)),
    "verbatim tag": ("k: !<tag:yaml.org,2002:str> zz", (1, 29), (1, 31)),
}


def only(text: str) -> Node:
    roots, found = parse.documents(Source("f.yml", text))
    assert found == []
    assert len(roots) == 1
    assert roots[0] is not None
    return roots[0]


def holding(node: Node, text: str) -> Scalar:
    """The scalar, value or key, that holds a text."""
    if isinstance(node, Scalar):
        assert text in node.text
        return node
    below = node.items if isinstance(node, Seq) else [part for entry in node.items.values() for part in entry]
    found = [scalar for scalar in below if not isinstance(scalar, Scalar) or text in scalar.text]
    return holding(found[-1], text)


@pytest.mark.parametrize("name", NASTY)
def test_a_name_in_a_value_is_found_where_it_stands(name: str) -> None:
    text, start, end = NASTY[name]
    node = holding(only(text), "zz")
    at = node.text.index("zz")
    place = locate.place(node, at, at + 2)
    assert place.source is node.source
    assert (place.source.place(place.start), place.source.place(place.end)) == (start, end)


@pytest.mark.parametrize("key", ["'it''s zz'", '"\\x41 zz"', "a zz", "&a zz", "!!str 'zz'"])
def test_a_name_in_a_key_is_found_too(key: str) -> None:
    node = holding(only(f"{key}: v"), "zz")
    at = node.text.index("zz")
    assert locate.span(node, at, at + 2) == (key.index("zz"), key.index("zz") + 2)


def test_an_empty_span_stands_before_its_character_or_behind_the_last() -> None:
    node = holding(only("'ab''c'"), "c")
    assert [locate.span(node, at, at) for at in range(5)] == [(1, 1), (2, 2), (3, 3), (5, 5), (6, 6)]
    assert locate.span(node, 0, 99) == (1, 6)


def test_an_empty_value_has_a_place() -> None:
    assert locate.span(holding(only("''"), ""), 0, 0) == (2, 2)


def test_text_that_is_not_in_the_file_is_placed_at_what_brought_it() -> None:
    like = holding(only("k: plain"), "plain")
    for value in ("other", "plain text", ""):
        node = located(value, like)
        assert isinstance(node, Scalar)
        assert locate.span(node, 1, 2) == (3, 8)


def test_a_place_through_an_alias_is_at_the_anchor() -> None:
    root = only("a: &x 'zz'\nb: *x\n")
    assert isinstance(root, Map)
    node = root.items["b"][1]
    assert isinstance(node, Scalar)
    assert node.source.place(locate.span(node, 0, 2)[0]) == (1, 8)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "text", ["k: |\n  a\n  b", "k: >+\n  a\n\n  b", "k:\n  x: |\n    a b", "k:\n- x\n- b"]
)
def test_a_block_is_marked_up_to_its_last_word(text: str, end: str) -> None:
    text = text.replace("\n", end)
    root = only(f"{text}{end}{end}# why{end}z: 1{end}")
    assert isinstance(root, Map)
    assert at(root.items["k"][1]).end == len(text)


def test_a_long_scalar_with_many_indentations_is_found_without_trying_them_all() -> None:
    lines = [" " * (700 - number % 700) + "x" for number in range(700)]
    node = holding(only("k: |1\n" + "\n".join(lines) + "\n zz"), "zz")
    at = node.text.index("zz")
    assert locate.span(node, at, at + 2)[0] == node.source.text.index("zz")
