"""Tokens that know where they stand: Jinja counts lines, we count characters."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import NamedTuple

from jinja2 import TemplateSyntaxError
from jinja2.lexer import Lexer, Token, TokenStream

MAX_TOKENS = 5_000
MAX_BRACKETS = 100


class Mark(NamedTuple):
    """A token's place; `kind` is Jinja's name for it, before operators are told apart."""

    start: int
    end: int
    kind: str
    text: str


def locate(lexer: Lexer, source: str, state: str | None) -> Iterator[Mark]:
    """All tokens of the source, white space between them included.

    Raises TemplateSyntaxError with the offset as its line, where the lexer stops or a bound is reached.
    """
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    original = _back(source)
    at = depth = count = 0
    try:
        for _, kind, piece in lexer.tokeniter(text, None, None, state):
            at = text.index(piece, at)  # a "-" may have dropped white space here
            count += kind != "data"
            depth += (piece in ("(", "[", "{")) - (piece in (")", "]", "}")) if kind == "operator" else 0
            if count > MAX_TOKENS or depth > MAX_BRACKETS:
                raise TemplateSyntaxError("too large" if count > MAX_TOKENS else "too deep", original(at))
            yield Mark(original(at), original(at + len(piece)), kind, piece)
            at += len(piece)
    except TemplateSyntaxError as error:
        if error.message in ("too large", "too deep"):
            raise
        raise TemplateSyntaxError(error.message or "", original(at)) from error


def stream(lexer: Lexer, marks: Iterator[Mark], source: str) -> TokenStream:
    """What Jinja's parser reads: each token's line is its offset. Text keeps its own line ends."""
    return TokenStream(_kept(lexer, marks, source), None, None)


def _kept(lexer: Lexer, marks: Iterator[Mark], source: str) -> Iterator[Token]:
    ends: dict[int, int] = {}

    def plain() -> Iterator[tuple[int, str, str]]:
        for mark in marks:
            ends[mark.start] = mark.end
            yield mark.start, mark.kind, mark.text

    for token in lexer.wrap(plain()):
        if token.type == "data" and "\r" in source:
            yield Token(token.lineno, "data", source[token.lineno : ends[token.lineno]])
        else:
            yield token


def _back(source: str) -> Callable[[int], int]:
    """From an offset in the text with plain line ends to the one in the source."""
    if "\r\n" not in source:
        return int
    breaks = [match.start() - index for index, match in enumerate(re.finditer("\r\n", source))]
    return lambda offset: offset + bisect_left(breaks, offset)
