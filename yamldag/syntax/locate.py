"""From an offset in a scalar's value to its place in the file, through quotes, escapes, folds, indentation.

The scalar is read once more, piece by piece, each piece knowing where it stood; what was read is compared
with the value that the parser gave, so that a place is either right or, at worst, the scalar's own."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate
from typing import TypeAlias

from yamldag.syntax.diagnostic import Place
from yamldag.syntax.tree import Scalar

Piece: TypeAlias = tuple[str, int, int]
"""Text of the value, and the source span it was read from: character by character where both are of one
length, else a single character that takes the whole span."""

_WHITE = " \t\r\n\x85\u2028\u2029"  # not what Python calls so, such as the space that does not break
_PROPERTIES = re.compile(f"(?:&[A-Za-z0-9_-]+|![^{_WHITE}]*|#[^{_WHITE[2:]}]*|[{_WHITE}]+)*")
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_BLANKS = re.compile(f"[{_WHITE}]+")
_RUN = {
    style: re.compile(f"[^ \t\r\n\x85\u2028\u2029{stop}]+")
    for style, stop in (("", ""), ("'", "'"), ('"', '"\\\\'))
}
_ESCAPE = re.compile(r"\\(?:x(..)|u(.{4})|U(.{8})|(\r\n|.))", re.DOTALL)
_ESCAPED = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_HEADER = re.compile("[|>]([-+]?)([1-9]?)([-+]?)[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029]|$)")
_MOST_INDENTS = 40


def place(node: Scalar, start: int, end: int) -> Place:
    """The place of `node.text[start:end]`."""
    return Place(node.source, *span(node, start, end))


def span(node: Scalar, start: int, end: int) -> tuple[int, int]:
    """Where `node.text[start:end]` stands in `node.source.text`; the whole scalar if that can't be told."""
    found = pieces(node)
    if found is None:
        return node.start, node.end
    begins = _begins(node)
    first, last = _covering(found, begins, start), _covering(found, begins, max(start, end - 1))
    if first is None:
        after = found[-1][2] if found else node.end
        return after, after
    if end <= start:
        return first[0], first[0]
    return first[0], (last or (0, found[-1][2]))[1]


def content(node: Scalar) -> int:
    """Where a scalar begins behind its anchor and its tag."""
    match = _PROPERTIES.match(node.source.text, node.start, node.end)
    return match.end() if match else node.start


@lru_cache(maxsize=16)  # one scalar is often asked for several of its names
def pieces(node: Scalar) -> list[Piece] | None:
    """The scalar in the pieces it was read from; None if its value can't be found in the source."""
    begin = content(node)
    text, value = node.source.text, node.text
    if not node.style and node.end - begin == len(value) and text.startswith(value, begin):
        return [(value, begin, node.end)]
    for attempt in _attempts(node, begin):
        found = list(attempt)
        if "".join(piece[0] for piece in found) == value:
            return found
    return None


def _attempts(node: Scalar, begin: int) -> Iterator[Iterable[Piece]]:
    text = node.source.text
    if node.style not in ("|", ">"):
        if not node.style or text.startswith(node.style, begin):
            yield _flow(text, begin + len(node.style), node.end, node.style)
        return
    header = _HEADER.match(text, begin)
    if header:
        for indent in _indents(text, header.end(), node):
            yield _block(text, header, node, indent)


@lru_cache(maxsize=16)
def _begins(node: Scalar) -> list[int]:
    """At which offset of the value each piece begins, and where the last one ends."""
    return list(accumulate((len(text) for text, _, _ in pieces(node) or ()), initial=0))


def _covering(found: list[Piece], begins: list[int], offset: int) -> tuple[int, int] | None:
    """The source span of one character of the value."""
    if offset >= begins[-1]:
        return None
    which = bisect_right(begins, offset) - 1
    text, start, stop = found[which]
    if len(text) != stop - start:
        return start, stop
    return start + offset - begins[which], start + offset - begins[which] + 1


def _flow(text: str, at: int, end: int, style: str) -> Iterator[Piece]:
    """Plain over several lines, or quoted."""
    run = _RUN[style]
    after_escaped_break = False
    while at < end:
        if match := run.match(text, at, end):
            yield match[0], at, match.end()
        elif match := _BLANKS.match(text, at, end):
            yield from _folded(text, at, match.end(), after_escaped_break)
        elif style == "'" and text.startswith("''", at):
            yield "'", at, at + 2
            at += 2
            continue
        elif match := (style == '"' and _ESCAPE.match(text, at, end)) or None:
            yield from _unescaped(match)
        else:
            return
        after_escaped_break = match[0][0] == "\\" and bool(_BREAK.match(match[0], 1))
        at = match.end()


def _unescaped(escape: re.Match[str]) -> Iterator[Piece]:
    code = escape[1] or escape[2] or escape[3]
    if code:
        yield chr(int(code, 16)), escape.start(), escape.end()
    elif not _BREAK.match(escape[4]):
        yield _ESCAPED.get(escape[4], escape[4]), escape.start(), escape.end()


def _folded(text: str, at: int, end: int, after_escaped_break: bool) -> Iterator[Piece]:
    """White space between words: kept on one line, else a break is a space, and each further one itself."""
    breaks = list(_BREAK.finditer(text, at, end))
    if not breaks and not after_escaped_break:
        yield text[at:end], at, end
        return
    rest = breaks if after_escaped_break else breaks[1:]
    if not after_escaped_break:
        if _read(breaks[0]) != "\n":
            yield breaks[0][0], breaks[0].start(), breaks[0].end()
        elif not rest:
            yield " ", breaks[0].start(), breaks[0].end()
    yield from map(_broken, rest)


def _broken(found: re.Match[str]) -> Piece:
    return _read(found), found.start(), found.end()


def _read(found: re.Match[str]) -> str:
    """A line break as YAML gives it."""
    return found[0] if found[0] in "\u2028\u2029" else "\n"


def _indents(text: str, at: int, node: Scalar) -> list[int]:
    """The indentations that a block scalar may have, likeliest first. Its parent's is not known here, but the
    first line that is not blank shows by its spaces in the value how many were cut from it in the source."""
    written = [_indentation(line) for line in _BREAK.split(text[at : node.end]) if line.strip(" ")]
    kept = next((_indentation(line) for line in _BREAK.split(node.text) if line.strip(" ")), 0)
    widest = max((len(line) for line in _BREAK.split(text[at : node.end])), default=0)
    likely = [written[0] - kept] if written else [widest]
    return list(dict.fromkeys([*likely, *range(min([widest, *written], default=0) + 1, -1, -1)]))[
        :_MOST_INDENTS
    ]


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _block(text: str, header: re.Match[str], node: Scalar, indent: int) -> Iterator[Piece]:
    """Literal or folded, read with a given indentation."""
    at, end, folds = header.end(), node.end, node.style == ">"
    before: Piece | None = None
    was_blank = False
    at, empty = _empty_lines(text, at, end, indent)
    while at < end:
        is_blank = text[at] in " \t"
        if folds and before and before[0] == "\n" and not was_blank and not is_blank:
            if not empty:
                yield " ", before[1], before[2]
        elif before:
            yield before
        yield from empty
        was_blank = is_blank
        found = _BREAK.search(text, at, end)
        stop = found.start() if found else end
        yield text[at:stop], at, stop
        before = _broken(found) if found else None
        at, empty = _empty_lines(text, found.end() if found else end, end, indent)
    chomp = header[1] or header[3]
    if before and chomp != "-":
        yield before
    if chomp == "+":
        yield from empty


def _empty_lines(text: str, at: int, end: int, indent: int) -> tuple[int, list[Piece]]:
    """Past the lines that hold nothing, and past the indentation of the next one that does."""
    found: list[Piece] = []
    while True:
        column = 0
        while column < indent and at < end and text[at] == " ":
            at, column = at + 1, column + 1
        if not (match := _BREAK.match(text, at, end)):
            return at, found
        found.append(_broken(match))
        at = match.end()
