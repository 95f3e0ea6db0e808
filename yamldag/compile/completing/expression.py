"""The end of an expression that is being written: what it wants next."""

from __future__ import annotations

import re
from typing import NamedTuple

from yamldag.compile import documents
from yamldag.compile.completing import part as schemas
from yamldag.compile.completing.around import Around
from yamldag.compile.completing.spot import MARK, Spot

_OPENS = re.compile(r"\{[{%]-?")
_CLOSES = re.compile(r"-?[}%]\}")
_CHAIN = re.compile(r"(?<![\w.\])'\"])([A-Za-z_]\w*)((?:\.\w+|\['[^']*'\]|\[\"[^\"]*\"\])*)\.(\w*)\Z")
_STEP = re.compile(r"\.(\w+)|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_FILTER = re.compile(r"\|\s*(\w*)\Z")
_TEST = re.compile(r"\bis\s+(?:not\s+)?(\w*)\Z")
_STATEMENT = re.compile(r"\A\s*(\w*)\Z")
_ROOT = re.compile(r"(?<![\w.\])'\"])([A-Za-z_]\w*|)\Z")
_REST = re.compile(r"\w*")


class Unfinished(NamedTuple):
    """What an expression ends with at the cursor."""

    wants: str
    """`name`, `filter`, `test` or `statement`."""
    chain: tuple[str, ...]
    """What stands before the last dot: `tasks`, `load`, `output`."""
    word: str
    """What is written of the name."""
    start: int
    """Of the word in the text, in code points."""
    end: int


def unfinished(spot: Spot, around: Around) -> Unfinished | None:
    """None where the cursor is in no expression."""
    if spot.is_key:
        return None
    before = spot.node.text.partition(MARK)[0] + spot.word
    opened = list(_OPENS.finditer(before))
    inside = before[opened[-1].end() :] if opened else before
    if opened and _CLOSES.search(inside):
        return None
    if not opened and not _is_expression(spot, around):
        return None
    statement = bool(opened) and opened[-1][0].startswith("{%")
    return _end(inside, spot, is_statement=statement)


def _is_expression(spot: Spot, around: Around) -> bool:
    """Whether an expression may stand there without its braces."""
    part = schemas.at(documents.kind_of(spot.root) or "pipeline", spot.path)
    return part is not None and bool(part.schema.get("x-expression")) and around.is_task


def _end(inside: str, spot: Spot, *, is_statement: bool) -> Unfinished | None:
    if _is_quoted(inside):
        return None
    if is_statement and (found := _STATEMENT.search(inside)):
        return _wanting("statement", (), found[1], spot)
    if found := _FILTER.search(inside):
        return _wanting("filter", (), found[1], spot)
    if found := _TEST.search(inside):
        return _wanting("test", (), found[1], spot)
    if found := _CHAIN.search(inside):
        steps = ["".join(step) for step in _STEP.findall(found[2])]
        return _wanting("name", (found[1], *steps), found[3], spot)
    if found := _ROOT.search(inside):
        return _wanting("name", (), found[1], spot)
    return None


def _wanting(wants: str, chain: tuple[str, ...], word: str, spot: Spot) -> Unfinished:
    offset = spot.start + len(spot.word)
    rest = _REST.match(spot.rest)
    end = offset + (rest.end() if rest else 0)
    return Unfinished(wants, chain, word, offset - len(word), end)


def _is_quoted(inside: str) -> bool:
    """Whether the end is within a text of the expression."""
    quote = ""
    for sign in inside:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
    return bool(quote)
