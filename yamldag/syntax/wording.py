"""A YAML syntax error in our own words: what was expected, what was found, and where a reader should look.

The parser's own words are matched only by the few that tell its cases apart, and that libyaml and PyYAML have
in common; everything else is seen in the text around the place."""

import re
from collections.abc import Callable
from typing import NamedTuple

from yamldag.syntax.diagnostic import Diagnostic, Place, Related
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Scalar

_NEAR = 1000  # a line may be as long as its file
_TOKEN = re.compile(r"\S+")
_TEMPLATE = re.compile(r"\{\{[^\r\n]*?(?:\}\}|(?=[\r\n])|\Z)")
_BEGINS_VALUE = re.compile(r"(?:^|[:?,\[-][ \t]+|[\[,])[ \t]*\Z")
_NO_SPACE = re.compile(r"([A-Za-z_][\w.-]*):([^\s:/].*)")
_ENTRY = re.compile(r"(\S[^:]*):[ \t]+\S")
_ESCAPE = re.compile(r"\\(?:u.{0,4}|U.{0,8}|x.{0,2}|.)?")


class _Error(NamedTuple):
    """What the parser says, and its two places: of the problem, and of what it was in the midst of."""

    source: Source
    problem: str
    at: int
    context: str
    since: int
    last: Scalar | None

    @property
    def text(self) -> str:
        return self.source.text


_Explain = Callable[[_Error], Diagnostic | None]


def syntax(
    source: Source, problem: str, at: int, context: str, since: int, last: Scalar | None
) -> Diagnostic:
    """The one diagnostic of a text that is not YAML; offsets are those of the parser's marks, `last` is the
    last scalar before it."""
    size = len(source.text)
    error = _Error(source, problem, min(at, size), context, min(since, size), last)
    for words, explain in _CASES:
        if any(word in problem or word in context for word in words):
            found = explain(error)
            if found:
                return found
    return _diagnostic(error, f"expected YAML, found {_found(error)}", *_token(error))


def cut(text: str) -> str:
    """Text as a message shows it: one line, not too long, no backticks or control characters of its own."""
    line = " ".join(text[:200].split()).replace("`", "'")
    shown = line if len(line) <= 60 else line[:57] + "…"
    return "".join(char if char.isprintable() else "\ufffd" for char in shown)


def _diagnostic(
    error: _Error, message: str, start: int, end: int, helping: str | None = None, *related: Related
) -> Diagnostic:
    return Diagnostic("YD101", message, _place(error, start, end), helping, related)


def _place(error: _Error, start: int, end: int) -> Place:
    """Within the text: what is not there, at its end, has no width."""
    return Place(error.source, start, min(end, len(error.text)))


def _token(error: _Error) -> tuple[int, int]:
    """What stands at the problem, up to the next white space."""
    token = _TOKEN.match(error.text, error.at)
    return error.at, token.end() if token else error.at


def _found(error: _Error) -> str:
    start, end = _token(error)
    if start < end:
        return f"`{cut(error.text[start:end])}`"
    return "the end of the line" if error.text[error.at :].strip() else "the end of the file"


def _line(text: str, offset: int) -> tuple[int, int]:
    """Where the line of an offset begins and ends."""
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    ends = [end for end in (text.find("\n", offset), text.find("\r", offset)) if end >= 0]
    return start, min(ends, default=len(text))


def _first(text: str, start: int, end: int) -> int:
    """The first place that is not white space, and not the `-` of a list item."""
    match = re.compile(r"[ \t]*(?:-[ \t]+)*").match(text, start, end)
    return match.end() if match else start


def _content_above(text: str, offset: int) -> tuple[int, int]:
    """What the nearest line above says, comments and blank lines aside; nothing if there is no such line."""
    start = _line(text, offset)[0]
    for _ in range(50):
        if start == 0:
            break
        start, end = _line(text, start - 1)
        first = _first(text, start, end)
        if first < end and text[first] != "#":
            return first, end
    return offset, offset


def _related(error: _Error, message: str, at: int) -> Related:
    return Related(message, _place(error, at, at + 1))


# The cases, each with a look at the text; None leaves it to the next.


def _unquoted_template(error: _Error) -> Diagnostic | None:
    """In a list or mapping with brackets, or at the beginning of a value, `{{` is two brackets to YAML."""
    text = error.text
    in_flow = "flow" in error.context
    start = max(_line(text, error.since if in_flow else error.at)[0], error.at - _NEAR)
    if text[slice(*_line(text, error.at))].count('"') % 2:
        return None  # a quote that is not closed is what is wrong
    for match in _TEMPLATE.finditer(text, start, min(_line(text, error.at)[1], error.at + _NEAR)):
        before = text[max(start, _line(text, match.start())[0]) : match.start()]
        quoted = before.count("'") % 2 or before.count('"') % 2
        if match.start() <= error.at and not quoted and (in_flow or _BEGINS_VALUE.search(before)):
            template = cut(match[0])
            message = f"expected text in quotes, found the template `{template}` without"
            return _diagnostic(error, message, *match.span(), "quote the template, and what stands beside it")
    return None


def _tab(error: _Error) -> Diagnostic | None:
    start = _line(error.text, error.at)[0]
    indentation = re.compile(r"[ \t]*").match(error.text, start)
    tab = error.text.find("\t", start, indentation.end() if indentation else start)
    if tab < 0:
        return None
    return _diagnostic(
        error, "expected spaces as indentation, found a tab", tab, tab + 1, "indent with spaces alone"
    )


def _open_quote(error: _Error) -> Diagnostic | None:
    quote = error.text[error.since : error.since + 1]
    found = "the end of the file" if "stream" in error.problem else _found(error)
    message = f"expected a closing `{quote}` for the quote opened here, found {found}"
    return _diagnostic(error, message, error.since, error.since + 1)


def _escape(error: _Error) -> Diagnostic | None:
    begin = error.text.rfind("\\", error.since, error.at + 1)
    match = _ESCAPE.match(error.text, begin) if begin >= 0 else None
    if not match:
        return None
    message = f"expected an escape that exists, such as `\\n` or `\\\\`, found `{cut(match[0])}`"
    return _diagnostic(error, message, *match.span(), "double the backslash, or use single quotes")


def _after_quotes(error: _Error) -> Diagnostic | None:
    before = error.text[_line(error.text, error.at)[0] : error.at].rstrip()
    after = error.text[error.at : error.at + 1].strip()
    if not before.endswith(("'", '"')) or after in ("", "'", '"'):
        return None
    quote, last = before[-1], error.last
    if last and last.style == quote and last.end <= error.at and "\n" in error.text[last.start : last.end]:
        line = error.source.place(last.end)[0]
        message = f"expected a closing `{quote}` for the quote opened here, found it only on line {line}"
        return _diagnostic(error, message, last.start, last.start + 1)
    written = "twice: `''`" if quote == "'" else 'as `\\"`'
    message = f"expected the value to end with its closing `{quote}`, found {_found(error)}"
    return _diagnostic(error, message, *_token(error), f"write a `{quote}` inside such quotes {written}")


def _cannot_begin(error: _Error) -> Diagnostic | None:
    sign = error.text[error.at : error.at + 1]
    if sign == "\t":
        return _diagnostic(
            error, "expected a space, found a tab", error.at, error.at + 1, "write a space instead"
        )
    shown = "a backtick" if sign == "`" else f"`{cut(sign)}`"
    message = f"expected a value, found {shown}, which can't begin one"
    return _diagnostic(error, message, error.at, error.at + 1, "put the value in quotes")


def _colon(error: _Error) -> Diagnostic | None:
    """A `:` where no key can end: a second one on its line, or the line above went wrong."""
    text = error.text
    start = _first(text, *_line(text, error.at))
    if _ENTRY.match(text, start, error.at):
        helping = "put a value that holds `: ` in quotes, or the inner mapping on lines of its own"
        return _diagnostic(
            error, "expected one `key: value`, found a second `:`", error.at, error.at + 1, helping
        )
    above = _content_above(text, start)
    if above[0] == above[1]:
        return None
    if _ENTRY.match(text, *above):
        found = cut(text[start : error.at])
        message = f"expected no deeper indentation, as the line above has a value already, found `{found}`"
        return _diagnostic(error, message, start, error.at, "indent the key like the one above it")
    return _incomplete(error, *above)


def _incomplete(error: _Error, start: int, end: int) -> Diagnostic:
    """A line that should have been `key: value`."""
    written = error.text[start:end].rstrip()
    match = _NO_SPACE.fullmatch(written)
    if match:
        helping = f"put a space after the colon: `{cut(f'{match[1]}: {match[2]}')}`"
        return _diagnostic(
            error, f"expected `key: value`, found `{cut(written)}`", start, start + len(written), helping
        )
    message = f"expected a `:` after the key, found `{cut(written)}`"
    return _diagnostic(error, message, start, start + len(written), "write `key: value`")


def _glued_colon(error: _Error) -> Diagnostic | None:
    """`{noop:}`: within brackets a colon without a space behind it ends no key."""
    after = error.text[error.at + 1 : error.at + 2]
    if not error.text.startswith(":", error.at) or after not in (",", "]", "}"):
        return None
    key = cut(error.text[error.since : error.at + 1])
    message = f"expected a space after `{key}`, found `{after}`"
    return _diagnostic(error, message, error.since, error.at + 1, f"write `{key} {after}`")


def _no_colon(error: _Error) -> Diagnostic | None:
    return _incomplete(error, error.since, _line(error.text, error.since)[1])


def _item_in_line(error: _Error) -> Diagnostic | None:
    message = "expected a value on this line, found `-`"
    helping = "begin a list on a line of its own, or write it as [a, b]"
    return _diagnostic(error, message, error.at, error.at + 1, helping)


def _misplaced(error: _Error) -> Diagnostic | None:
    """Neither a further key (or item) nor the end of the mapping (or list)."""
    of_list = "block collection" in error.context or "block sequence" in error.context
    wanted = "`-` and an item" if of_list else "a key"
    whole = "list" if of_list else "mapping"
    start, end = _token(error)
    line = _line(error.text, error.at)[0]
    related = _related(error, f"the {whole} begins here", error.since)
    if error.text[line : error.at].strip():
        return _diagnostic(
            error,
            f"expected the end of the value, found {_found(error)}",
            start,
            end,
            "put the whole value in quotes",
        )
    column, here = error.source.place(error.since)[1], error.source.place(error.at)[1]
    if column == here:
        helping = "put a space after the `-`" if of_list and error.text.startswith("-", start) else None
        return _diagnostic(error, f"expected {wanted}, found {_found(error)}", start, end, helping, related)
    message = f"expected {wanted} at column {column}, found {_found(error)} at column {here}"
    return _diagnostic(error, message, start, end, "indent lines that belong together alike", related)


def _bracket(error: _Error) -> Diagnostic | None:
    opening = error.text[error.since : error.since + 1]
    closing = {"[": "]", "{": "}"}.get(opening)
    if closing is None:
        return None
    if error.source.place(error.since)[0] < error.source.place(error.at)[0]:
        message = f"expected a closing `{closing}` for the `{opening}` opened here, found {_found(error)}"
        related = _related(error, "found here", error.at)
        return _diagnostic(error, message, error.since, error.since + 1, None, related)
    related = _related(error, "opened here", error.since)
    return _diagnostic(
        error, f"expected `,` or `{closing}`, found {_found(error)}", *_token(error), None, related
    )


def _no_value(error: _Error) -> Diagnostic | None:
    helping = "a `[` or `{` above is not closed" if "flow" in error.context else None
    return _diagnostic(error, f"expected a value, found {_found(error)}", *_token(error), helping)


def _no_document(error: _Error) -> Diagnostic | None:
    message = f"expected `---` before another document, found {_found(error)}"
    return _diagnostic(error, message, *_token(error))


def _block_header(error: _Error) -> Diagnostic | None:
    if "0" in error.problem:
        return _diagnostic(error, "expected an indentation from 1 to 9, found `0`", error.at, error.at + 1)
    sign = error.text[error.since : error.since + 1]
    message = f"expected the end of the line after `{sign}`, found {_found(error)}"
    return _diagnostic(error, message, *_token(error), "begin the text on the next line")


def _no_name(error: _Error) -> Diagnostic | None:
    sign = error.text[error.since : error.since + 1]
    what, found = ("alias", "`*`") if sign == "*" else ("anchor", "`&`")
    message = (
        f"expected a name of letters, digits, `_` and `-` after the {what}'s {found}, found {_found(error)}"
    )
    return _diagnostic(
        error,
        message,
        error.since,
        max(error.since + 1, _token(error)[1]),
        "put text that begins so in quotes",
    )


def _tag(error: _Error) -> Diagnostic | None:
    token = _TOKEN.match(error.text, error.since)
    end = token.end() if token else error.since
    message = f"expected a value without a tag, found `{cut(error.text[error.since : end])}`"
    place = Place(error.source, error.since, end)
    return Diagnostic("YD104", message, place, "remove the tag; text that begins with `!` needs quotes")


def _directive(error: _Error) -> Diagnostic | None:
    start, end = _line(error.text, error.since)
    written = error.text[start:end].rstrip()
    message = f"expected a key, or a directive such as `%YAML 1.2`, found `{cut(written)}`"
    return _diagnostic(error, message, start, start + len(written))


# The first whose words are in the parser's message, and which sees what it looks for, explains.
_CASES: tuple[tuple[tuple[str, ...], _Explain], ...] = (
    (
        ("quoted scalar", "double-quoted"),
        lambda e: _escape(e) if "esc" in e.problem or "hex" in e.problem else None,
    ),
    (
        ("end of stream", "document indicator", "document separator"),
        lambda e: _open_quote(e) if "quoted" in e.context else None,
    ),
    (("flow", "block", ""), _unquoted_template),
    (("",), _tab),
    (("tag",), _tag),
    (("directive", "incompatible YAML"), _directive),
    (("expected",), _after_quotes),
    (("cannot start any token",), _cannot_begin),
    (("mapping values are not allowed",), _colon),
    (("could not find expected ':'",), _no_colon),
    (("unexpected ':'",), _glued_colon),
    (("sequence entries are not allowed",), _item_in_line),
    (("block scalar",), _block_header),
    (("an alias", "an anchor"), _no_name),
    (("flow sequence", "flow mapping"), _bracket),
    (("block mapping", "block collection", "block sequence"), _misplaced),
    (("node content",), _no_value),
    (("document start",), _no_document),
)
