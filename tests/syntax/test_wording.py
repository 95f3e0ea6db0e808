"""Syntax errors in our own words, where a reader should look: one each, nothing of the parser's in them."""

import pytest
from yaml import SafeLoader

from yamldag.syntax import parse
from yamldag.syntax.source import Source

# The text; where it is told, as line and column of start and end; the message; the help.
SAID = {
    "tab": (
        "a:\n\t- b\n",
        "2:1-2:2",
        "expected spaces as indentation, found a tab",
        "indent with spaces alone",
    ),
    "tab in a literal": (
        "a: |\n\tb\n",
        "2:1-2:2",
        "expected spaces as indentation, found a tab",
        "indent with spaces alone",
    ),
    "tab behind a dash": ("- \t- a\n", "1:3-1:4", "expected a space, found a tab", "write a space instead"),
    "open quote": (
        "a: 'x\nb: 2\n",
        "1:4-1:5",
        "expected a closing `'` for the quote opened here, found the end of the file",
        None,
    ),
    "quote closed by another": (
        "a: 'x\nb: 'y'\n",
        "1:4-1:5",
        "expected a closing `'` for the quote opened here, found it only on line 2",
        None,
    ),
    "quote over documents": (
        'a: "x\n---\nb"\n',
        "1:4-1:5",
        'expected a closing `"` for the quote opened here, found `---`',
        None,
    ),
    "apostrophe": (
        "a: 'it's'\n",
        "1:8-1:10",
        "expected the value to end with its closing `'`, found `s'`",
        "write a `'` inside such quotes twice: `''`",
    ),
    "text behind quotes": (
        'a: "{{ x }}" b\n',
        "1:14-1:15",
        'expected the value to end with its closing `"`, found `b`',
        'write a `"` inside such quotes as `\\"`',
    ),
    "no colon": ("a b\nc: 2\n", "1:1-1:4", "expected a `:` after the key, found `a b`", "write `key: value`"),
    "no colon in the midst": (
        "key: value\nanother\nthird: x\n",
        "2:1-2:8",
        "expected a `:` after the key, found `another`",
        "write `key: value`",
    ),
    "no space after the colon": (
        "a:1\nb: 2\n",
        "1:1-1:4",
        "expected `key: value`, found `a:1`",
        "put a space after the colon: `a: 1`",
    ),
    "second colon": (
        "a: b: c\n",
        "1:5-1:6",
        "expected one `key: value`, found a second `:`",
        "put a value that holds `: ` in quotes, or the inner mapping on lines of its own",
    ),
    "deeper below a value": (
        "a: b\n  c: d\n",
        "2:3-2:4",
        "expected no deeper indentation, as the line above has a value already, found `c`",
        "indent the key like the one above it",
    ),
    "indentation between": (
        "a:\n    b: 1\n  c: 2\n",
        "3:3-3:5",
        "expected a key at column 1, found `c:` at column 3",
        "indent lines that belong together alike",
    ),
    "template and text": (
        "a: {{ x }}/b\n",
        "1:4-1:11",
        "expected text in quotes, found the template `{{ x }}` without",
        "quote the template, and what stands beside it",
    ),
    "template in a list": (
        "a: [b {{ x }}]\n",
        "1:7-1:14",
        "expected text in quotes, found the template `{{ x }}` without",
        "quote the template, and what stands beside it",
    ),
    "template with a subscript": (
        "a: {{ x['y'] }}\n",
        "1:4-1:16",
        "expected text in quotes, found the template `{{ x['y'] }}` without",
        "quote the template, and what stands beside it",
    ),
    "at sign": (
        "a: @x\n",
        "1:4-1:5",
        "expected a value, found `@`, which can't begin one",
        "put the value in quotes",
    ),
    "backtick": (
        "a: `x`\n",
        "1:4-1:5",
        "expected a value, found a backtick, which can't begin one",
        "put the value in quotes",
    ),
    "item in the line": (
        "a: - b\n",
        "1:4-1:5",
        "expected a value on this line, found `-`",
        "begin a list on a line of its own, or write it as [a, b]",
    ),
    "key among items": ("- a\nb: c\n", "2:1-2:3", "expected `-` and an item, found `b:`", None),
    "dash without a space": (
        "- a\n-b: c\n",
        "2:1-2:4",
        "expected `-` and an item, found `-b:`",
        "put a space after the `-`",
    ),
    "item among keys": ("a: b\n- c\n", "2:1-2:2", "expected a key, found `-`", None),
    "open bracket": (
        "a: [1,2\nb: 3\n",
        "1:4-1:5",
        "expected a closing `]` for the `[` opened here, found `:`",
        None,
    ),
    "open brace": (
        "a: {b\n",
        "1:4-1:5",
        "expected a closing `}` for the `{` opened here, found the end of the file",
        None,
    ),
    "no comma": ("a: ['b' 'c']\n", "1:9-1:13", "expected `,` or `]`, found `'c']`", None),
    "closing without opening": ("a: ]\n", "1:4-1:5", "expected a value, found `]`", None),
    "unknown escape": (
        'a: "\\d+"\n',
        "1:5-1:7",
        "expected an escape that exists, such as `\\n` or `\\\\`, found `\\d`",
        "double the backslash, or use single quotes",
    ),
    "text behind the bar": (
        "a: | echo\n  b\n",
        "1:6-1:10",
        "expected the end of the line after `|`, found `echo`",
        "begin the text on the next line",
    ),
    "star": (
        "a: **/x\n",
        "1:4-1:8",
        "expected a name of letters, digits, `_` and `-` after the alias's `*`, found `*/x`",
        "put text that begins so in quotes",
    ),
    "no document": ("a: 1\n... b\n", "2:5-2:6", "expected `---` before another document, found `b`", None),
    "directive": (
        "%x\n---\na: 1\n",
        "1:1-1:3",
        "expected a key, or a directive such as `%YAML 1.2`, found `%x`",
        None,
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_a_syntax_error_is_told_in_our_words_at_its_cause(name: str) -> None:
    text, span, message, helping = SAID[name]
    roots, found = parse.documents(Source("f.yml", text))
    assert roots == []
    (diagnostic,) = found
    place = diagnostic.place
    start, end = place.source.place(place.start), place.source.place(place.end)
    assert f"{start[0]}:{start[1]}-{end[0]}:{end[1]}" == span
    assert (diagnostic.code, diagnostic.message, diagnostic.help) == ("YD101", message, helping)


@pytest.mark.parametrize("name", [name for name in SAID if name not in ("directive", "star")])
def test_without_libyaml_the_words_are_the_same(name: str) -> None:
    text, _, message, helping = SAID[name]
    (diagnostic,) = parse.documents(Source("f.yml", text), SafeLoader)[1]
    assert (diagnostic.message, diagnostic.help) == (message, helping)


def test_line_ends_of_windows_change_no_words() -> None:
    for text, _, message, _ in SAID.values():
        (diagnostic,) = parse.documents(Source("f.yml", text.replace("\n", "\r\n")))[1]
        assert diagnostic.message == message


def test_where_a_bracket_was_opened_is_shown_beside_what_was_found() -> None:
    (diagnostic,) = parse.documents(Source("f.yml", "a: ['b' 'c']"))[1]
    assert [(each.message, each.place.start) for each in diagnostic.related] == [("opened here", 3)]


@pytest.mark.parametrize("text", ["a: !x!y 1", "a: !<\n", "a: !!\n", "a: !foo%ff x"])
def test_a_tag_that_is_not_even_one_is_an_unknown_tag(text: str) -> None:
    assert [each.code for each in parse.documents(Source("f.yml", text))[1]] == ["YD104"]


def test_what_is_shown_cannot_speak_to_the_terminal() -> None:
    found = parse.documents(Source("f.yml", '"\\e[31m`\\n": 1\n"\\e[31m`\\n": 2\n'))[1]
    assert [each.message for each in found] == ["the key `\ufffd[31m'` is given twice"]
