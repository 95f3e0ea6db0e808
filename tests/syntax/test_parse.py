"""YAML as trees: types, keys, aliases, merges, and what is refused."""

import pytest
from yaml import SafeLoader

from yamldag.syntax import parse
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Json, Map, Node, Scalar, Seq, plain


def read(text: str) -> tuple[list[Json], list[Diagnostic]]:
    roots, found = parse.documents(Source("f.yml", text))
    return [None if root is None else plain(root) for root in roots], found


def value(text: str) -> Json:
    """The value of `v` in a text without mistakes."""
    roots, found = read(text)
    assert found == []
    assert isinstance(roots[0], dict)
    return roots[0]["v"]


def told(text: str) -> list[tuple[str, str]]:
    """Each diagnostic as its code and the text at its place."""
    return [
        (each.code, text[each.place.start : each.place.end])
        for each in parse.documents(Source("f.yml", text))[1]
    ]


# Types


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        *[(word, True) for word in ("true", "True", "TRUE")],
        *[(word, False) for word in ("false", "False", "FALSE")],
        *[(word, None) for word in ("", "~", "null", "Null", "NULL")],
        *[
            (word, word)
            for word in ("on", "no", "yes", "Yes", "off", "y", "tRUE", "nULL", "none", "NaN", "nan")
        ],
        *[
            (word, word)
            for word in ("12:30", "2026-01-01", "1_000", "0b11", "1h", "0o8", "0xg", "-0x1", "+0o7")
        ],
        *[(word, word) for word in ("+", ".", "..", "e3", ".e3", "1e", "1.2.3", "--1", "1x", "٣")],
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("+3", 3),
        ("-007", -7),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("0x7fffffffffffffff", 2**63 - 1),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5e-3", -0.0015),
        ("1E3", 1000.0),
        ("+.5", 0.5),
        ("'3'", "3"),
        ('"true"', "true"),
        ("|-\n  3", "3"),
        (">-\n  null", "null"),
        ("!!str 3", "3"),
        ("! 3", "3"),
        ("!!str", ""),
        ("!!int '3'", 3),
        ("!!float 3", 3.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("!<tag:yaml.org,2002:str> 3", "3"),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ("{}", {}),
        ("[]", []),
    ],
)
def test_values_have_the_core_types_of_yaml_1_2(written: str, wanted: Json) -> None:
    found = value(f"v: {written}\n")
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    "written",
    [
        "9223372036854775808",
        "-9223372036854775809",
        "0xffffffffffffffff",
        "0o7777777777777777777777",
        "9" * 5000,
        ".nan",
        ".NaN",
        ".inf",
        "-.INF",
        "+.Inf",
        "1e999",
        "-1e999",
        "!!float .inf",
    ],
)
def test_a_number_that_cannot_be_kept_is_refused_once_and_stays_a_number(written: str) -> None:
    text = f"v: {written}\nw: x\n"
    assert told(text) == [("YD110", written)]
    assert read(text)[0] == [{"v": 1, "w": "x"}]


def test_leading_zeros_are_no_large_number() -> None:
    assert value(f"v: {'0' * 5000}7") == 7


def test_what_was_written_stays_beside_the_value() -> None:
    roots, _ = parse.documents(Source("f.yml", "v: 1.10"))
    assert isinstance(roots[0], Map)
    node = roots[0].items["v"][1]
    assert isinstance(node, Scalar)
    assert (node.value, node.text, node.style) == (1.1, "1.10", "")


# Keys


def test_keys_are_their_text() -> None:
    assert read("1: a\ntrue: b\n1.0: c\n~: d\n.nan: e\n") == (
        [{"1": "a", "true": "b", "1.0": "c", "~": "d", ".nan": "e"}],
        [],
    )
    roots, _ = parse.documents(Source("f.yml", "1: a"))
    assert isinstance(roots[0], Map)
    assert roots[0].items["1"][0].value == "1"


@pytest.mark.parametrize(
    ("text", "second"), [("a: 1\nb: 2\na: 3\n", "a"), ('1: a\n"1": b\n', '"1"'), ("{a: 1, 'a': 2}", "'a'")]
)
def test_a_repeated_key_is_told_with_the_first_which_stays(text: str, second: str) -> None:
    roots, found = read(text)
    assert [(each.code, text[each.place.start : each.place.end]) for each in found] == [("YD102", second)]
    assert found[0].place.start == text.rindex(second)
    assert [related.place.start for related in found[0].related] == [text.index(second[-2:].strip("'\""))]
    assert isinstance(roots[0], dict)
    assert next(iter(roots[0].values())) in (1, "a")


def test_each_repetition_is_told() -> None:
    assert told("a: {b: 1, b: 2, b: 3}\nc: 1\nc: 2\n") == [("YD102", "b"), ("YD102", "b"), ("YD102", "c")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("? [a]\n: b\nc: d\n", "[a]"),
        ("{c: d, ? {a: 1} : 2}", "{a: 1}"),
        ("c: d\n? - a\n: b\n", "- a"),
        ("c: d\n?\n: x\n", ""),
    ],
)
def test_a_key_that_is_no_text_is_told_and_dropped(text: str, place: str) -> None:
    assert told(text) == [("YD111", place)]
    assert read(text)[0] == [{"c": "d"}]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("v: {{ x }}\n", {"v": "{{ x }}"}),
        ("v: {{x}}", {"v": "{{x}}"}),
        ("v: {{ a.b | f }}\nw: 1", {"v": "{{ a.b | f }}", "w": 1}),
        ("v: [1, {{ x }}]", {"v": [1, "{{ x }}"]}),
        ("v:\n  - {{ x }}\n", {"v": ["{{ x }}"]}),
        ("{{ x }}: 1", {"{{ x }}": 1}),
        ("v: &a {{ x }}\nw: *a", {"v": "{{ x }}", "w": "{{ x }}"}),
        ("{{ x }}", "{{ x }}"),
    ],
)
def test_a_template_without_quotes_is_told_once_and_taken_as_text(text: str, wanted: Json) -> None:
    roots, found = read(text)
    assert roots == [wanted]
    (diagnostic,) = found
    assert diagnostic.code == "YD111"
    assert text[diagnostic.place.start : diagnostic.place.end].startswith("{{")
    assert text[diagnostic.place.start : diagnostic.place.end].endswith("}}")
    assert "quote the template" in (diagnostic.help or "")


@pytest.mark.parametrize(
    ("written", "fixed"),
    [("{{ x }}", '"{{ x }}"'), ('{{ x | d("y") }}', "'{{ x | d(\"y\") }}'"), ("""{{ x|d("y'") }}""", None)],
)
def test_quotes_are_put_around_a_template_where_that_is_safe(written: str, fixed: str | None) -> None:
    (diagnostic,) = parse.documents(Source("f.yml", f"v: {written}\n"))[1]
    assert (diagnostic.fix and diagnostic.fix.text) == fixed
    if fixed:
        assert read(f"v: {fixed}") == ([{"v": written}], [])


# Tags


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("!include x.yml", "!include"),
        ("!!python/object:os.system x", "!!python/object:os.system"),
        ("!!timestamp 2026-01-01", "!!timestamp"),
        ("&a !x 1", "!x"),
        ("!x [1]", "!x"),
        ("!!seq {a: 1}", "!!seq"),
        ("!<x> 1", "!<x>"),
        ("!!int x", "!!int x"),
        ("!!null 1", "!!null 1"),
    ],
)
def test_an_unknown_tag_is_told_where_it_stands(written: str, tag: str) -> None:
    assert told(f"v: {written}\n") == [("YD104", tag)]


def test_a_core_tag_under_another_handle_is_that_tag() -> None:
    assert read("%TAG !c! tag:yaml.org,2002:\n---\nv: !c!str 3\n") == ([{"v": "3"}], [])


# Documents


@pytest.mark.parametrize("text", ["", " ", "\n\n", "# c\n"])
def test_a_text_of_nothing_has_no_document(text: str) -> None:
    assert read(text) == ([], [])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("---\n", [None]),
        ("---\n---\n", [None, None]),
        ("---\n# c\n---\na: 1\n...\n---\nb: 2\n", [None, {"a": 1}, {"b": 2}]),
        ("a: 1\n---\n- 2\n--- x\n", [{"a": 1}, [2], "x"]),
        ("--- ''\n", [""]),
    ],
)
def test_each_document_is_an_entry(text: str, wanted: list[Json]) -> None:
    assert read(text) == (wanted, [])


def test_anchors_hold_within_one_document() -> None:
    assert told("a: &x 1\n---\nb: *x\n") == [("YD108", "*x")]


def test_crlf_makes_the_same_tree() -> None:
    text = "a:\n  - b\n  - 'c\n\n    d'\ne: |\n  f\n  g\n"
    assert read(text.replace("\n", "\r\n")) == read(text)
    assert read(text.replace("\n", "\r")) == read(text)


def test_nodes_know_where_they_stand() -> None:
    text = "a: [b, {c: 'd'}]\n"
    roots, _ = parse.documents(Source("f.yml", text))
    assert isinstance(roots[0], Map)
    seq = roots[0].items["a"][1]
    assert isinstance(seq, Seq)
    assert [text[node.start : node.end] for node in (seq, *seq.items)] == ["[b, {c: 'd'}]", "b", "{c: 'd'}"]


# Aliases and merges


def test_an_alias_shares_its_anchor() -> None:
    roots, _ = parse.documents(Source("f.yml", "a: &x {b: 1}\nc: *x\n"))
    assert isinstance(roots[0], Map)
    assert roots[0].items["a"][1] is roots[0].items["c"][1]


def test_an_anchor_may_be_given_again_and_the_newest_counts() -> None:
    assert read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == ([{"a": 1, "b": 1, "c": 2, "d": 2}], [])
    assert read("a: &x [&x 1]\nb: *x\n") == ([{"a": [1], "b": 1}], [])


def test_an_alias_may_be_a_key() -> None:
    assert read("a: &x k\n*x : 1\n") == ([{"a": "k", "k": 1}], [])
    assert read("&x 1: a\nb: *x\n") == ([{"1": "a", "b": 1}], [])


def test_an_alias_of_a_mapping_is_no_key() -> None:
    assert told("a: &x {b: 1}\n*x : 1\n") == [("YD111", "&x {b: 1}")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("m: &m {a: 1, b: 2}\nv:\n  <<: *m\n  b: 3\n", {"a": 1, "b": 3}),
        ("m: &m {a: 1, b: 2}\nv:\n  b: 3\n  <<: *m\n", {"b": 3, "a": 1}),
        ("v:\n  <<: [{a: 1}, {a: 2, b: 2}]\n", {"a": 1, "b": 2}),
        ("v:\n  <<: {a: 1}\n  <<: {a: 2, b: 2}\n", {"a": 1, "b": 2}),
        ("v:\n  x: 0\n  <<: {a: 1}\n  y: 0\n", {"x": 0, "a": 1, "y": 0}),
        ("v: {<<: {a: 1}}\n", {"a": 1}),
        ("v:\n  '<<': 1\n", {"<<": 1}),
        ("v:\n  <<: []\n", {}),
        ("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nv: {<<: *b, z: 3}\n", {"x": 1, "y": 2, "z": 3}),
    ],
)
def test_a_merge_brings_what_the_mapping_lacks_in_its_place(text: str, wanted: dict[str, Json]) -> None:
    found = value(text)
    assert found == wanted
    assert isinstance(found, dict)
    assert list(found) == list(wanted)


@pytest.mark.parametrize("after", ["x", "", "[{a: 1}, 2]", "[[{a: 1}]]", "*s"])
def test_a_merge_of_something_else_is_refused_at_its_key(after: str) -> None:
    assert told(f"s: &s text\nv:\n  <<: {after}\n") == [("YD109", "<<")]


def test_a_merged_value_stands_where_it_was_written() -> None:
    text = "m: &m {a: 'zz'}\nv: {<<: *m}\n"
    roots, _ = parse.documents(Source("f.yml", text))
    assert isinstance(roots[0], Map)
    merged = roots[0].items["v"][1]
    assert isinstance(merged, Map)
    key, node = merged.items["a"]
    assert (text[key.start : key.end], text[node.start : node.end]) == ("a", "'zz'")


# What is refused as a whole


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + closing * depth


def alias_tower(levels: int, depth: int) -> str:
    """Each line nests the one before deeper, without any line being deep itself."""
    lines = ["- &a0 x"]
    lines += [f"- &a{n} {'[' * depth}*a{n - 1}{']' * depth}" for n in range(1, levels)]
    return "\n".join(lines)


def laughs(levels: int) -> str:
    lines = ["- &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


def repeated(value: str, times: int) -> str:
    return f"- &a {value}\n- [{', '.join(['*a'] * times)}]"


def merge_bomb(levels: int) -> str:
    lines = ["- &a0 {" + ", ".join(f"k{n}: 1" for n in range(20)) + "}"]
    lines += [f"- &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


REFUSED = {
    "a hundred and one lists": (nested(101), "YD106"),
    "a hundred and one mappings": ("{a: " * 101 + "}" * 101, "YD106"),
    "a megabyte of brackets": ("[" * 1_000_000, "YD106"),
    "deep items": ("- " * 100_000, "YD106"),
    "deep keys": ("? " * 50_000, "YD106"),
    "depth through aliases": (alias_tower(5, 30), "YD106"),
    "a billion laughs": (laughs(12), "YD107"),
    "a merge bomb": (merge_bomb(12), "YD107"),
    "a long text, a hundred times": (repeated("'" + "x" * 200_000 + "'", 100), "YD107"),
    "a list of long texts, a hundred times": (repeated(f"[{'x' * 90_000}, {'y' * 90_000}]", 100), "YD107"),
    "a list in itself": ("a: &a [*a]", "YD107"),
    "a mapping in itself": ("a: &a {b: {c: *a}}", "YD107"),
    "a merge of itself": ("a: &a {<<: *a}", "YD107"),
    "a list in itself, its name used before": ("- &a 1\n- &a [*a]", "YD107"),
    "an unknown alias": ("a: *b", "YD108"),
    "an alias before its anchor": ("a: *b\nc: &b 1", "YD108"),
    "many tag directives": ("%TAG !e! x\n" * 17 + "--- a\n", "YD105"),
    "many documents": ("---\n" * 1001, "YD105"),
    "many values": ("- [" + "a," * 1_000_000 + "]", "YD105"),
    "half a character": ("a: \ud800", "YD103"),
    "a control character": ("a: \0", "YD103"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_text_is_refused_with_one_diagnostic(name: str) -> None:
    text, code = REFUSED[name]
    roots, found = parse.documents(Source("f.yml", text))
    assert roots == []
    assert [each.code for each in found] == [code]
    assert 0 <= found[0].place.start <= found[0].place.end <= len(text)


def test_what_is_just_within_the_bounds_is_read() -> None:
    for text in (nested(100), "- " * 99 + "[]", alias_tower(4, 30), laughs(4), merge_bomb(4), "---\n" * 1000):
        assert parse.documents(Source("f.yml", text))[1] == []
    for text in (repeated("x" * 200_000, 40), repeated("[a, b]", 20_000)):
        assert parse.documents(Source("f.yml", text))[1] == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nload:{bash: ls}\nb: 2", "load:{"),
        ("- load {bash: ls}\n", "load {"),
        ("load = {bash: ls}\n", "load = {"),
        ("a: 1\nload:{bash: ls, b: 2}\nc: {", "load:{"),
    ],
)
def test_a_bracket_glued_to_its_key_is_all_that_is_told(text: str, place: str) -> None:
    assert told(text) == [("YD101", place)]


def test_a_key_may_hold_brackets() -> None:
    assert read("'a{b': 1\n\"c {d\": 2\nx{2}: 3\n-{: 4") == ([{"a{b": 1, "c {d": 2, "x{2}": 3, "-{": 4}], [])


@pytest.mark.parametrize("parser", [None, SafeLoader])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("- a\n- b\n\n# why\n", "- a\n- b"),
        ("- [a,\n   b]\n\n# why\n", "- [a,\n   b]"),
        ("- &x a\n- b: *x\n\n\n# why\n", "- &x a\n- b: *x"),
        ("- |\n  a\n# why\n", "- |\n  a\n"),
        ("- a:\n\n# why\n", "- a:"),
    ],
)
def test_a_block_ends_with_what_is_in_it(text: str, wanted: str, parser: type[SafeLoader] | None) -> None:
    """Not with the comments behind it: it is underlined where it is wrong as a whole."""
    (root,) = parse.documents(Source("f.yml", text), *([parser] if parser else []))[0]
    assert root is not None
    assert text[root.start : root.end] == wanted


def test_a_scalar_beyond_256_kib_is_told_and_stays_text() -> None:
    within, beyond = "x" * (256 * 1024), "é" * (128 * 1024) + "x"
    assert told(f"v: {within}") == []
    assert [code for code, _ in told(f"v: {beyond}\nw: '{beyond}'")] == ["YD105", "YD105"]
    assert [code for code, _ in told(f"? {beyond}\n: 1")] == ["YD105"]
    assert [code for code, _ in told("v: " + "9" * len(beyond.encode()))] == ["YD105"]


def test_a_text_that_is_not_yaml_has_only_that() -> None:
    assert [code for code, _ in told("a: 1\na: 2\nb: .nan\n---\nc: [\n")] == ["YD101"]


# Without libyaml


@pytest.mark.parametrize("name", [*REFUSED])
def test_without_libyaml_the_same_is_refused(name: str) -> None:
    text, code = REFUSED[name]
    if len(text) < 100_000:
        assert [each.code for each in parse.documents(Source("f.yml", text), SafeLoader)[1]] == [code]


def test_without_libyaml_the_tree_is_the_same() -> None:
    text = "a: &x [1, 'b', \"c\\n\"]\nd: |\n  e\nf: {<<: {g: !!str 1}, h: *x}\n--- ~\n---\n"
    assert shape(parse.documents(Source("f", text), SafeLoader)[0]) == shape(
        parse.documents(Source("f", text))[0]
    )


def shape(roots: list[Node | None]) -> list[object]:
    return [_shape(root) for root in roots]


def _shape(node: Node | None) -> object:
    if node is None:
        return None
    if isinstance(node, Scalar):
        return node.value, node.text, node.start, node.end, node.style
    if isinstance(node, Seq):
        return [_shape(item) for item in node.items], node.start, node.end
    return (
        {name: (_shape(key), _shape(item)) for name, (key, item) in node.items.items()},
        node.start,
        node.end,
    )


def test_every_code_that_is_told_exists() -> None:
    assert {code for _, code in REFUSED.values()} <= set(CODES)
