"""YAML as spans of text with a class each, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import yaml

_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")


class Part(NamedTuple):
    text: str
    kind: str
    """`k` a key, `v` a value, `j` an expression, `cm` a comment, or empty."""
    wrong: bool
    """A diagnostic is about it."""


class _Span(NamedTuple):
    start: int
    end: int
    kind: str


def lines(text: str, wrong: Sequence[tuple[int, int]] = ()) -> list[list[Part]]:
    """The lines of a text, broken as it may be. `wrong`: from which offset to which something is wrong."""
    spans = _spans(text)
    kinds = [""] * len(text)
    for span in spans:
        kinds[span.start : span.end] = [span.kind] * (span.end - span.start)
    bad = bytearray(len(text) + 1)
    for start, end in wrong:
        for at in range(max(0, start), min(end, len(text))):
            bad[at] = 1
    found: list[list[Part]] = []
    start = 0
    for line in text.split("\n"):
        found.append(list(_parts(text, start, start + len(line), kinds, bad)))
        start += len(line) + 1
    if found and not found[-1]:
        found.pop()
    return found


def _parts(text: str, start: int, end: int, kinds: Sequence[str], bad: bytearray) -> Iterator[Part]:
    at = start
    while at < end:
        to = at + 1
        while to < end and kinds[to] == kinds[at] and bad[to] == bad[at]:
            to += 1
        yield Part(text[at:to].rstrip("\r"), kinds[at], bool(bad[at]))
        at = to


def _spans(text: str) -> list[_Span]:
    """Scalars as the scanner finds them, up to where it gives up; expressions in them; comments between."""
    found: list[_Span] = []
    end = 0
    try:
        is_key = False
        for token in yaml.scan(text):
            if isinstance(token, yaml.KeyToken):
                is_key = True
            elif isinstance(token, yaml.ValueToken):
                is_key = False
            elif isinstance(token, yaml.ScalarToken):
                start, stop = token.start_mark.index, token.end_mark.index
                found += _comments(text, end, start)
                found.append(_Span(start, stop, "k" if is_key else "v"))
                end = stop
                is_key = False
    except yaml.YAMLError:
        pass
    found += _comments(text, end, len(text))
    found += [_Span(*match.span(), "j") for match in _EXPRESSION.finditer(text)]
    return found


def _comments(text: str, start: int, end: int) -> list[_Span]:
    """Comments stand between scalars."""
    begin = text.rfind("\n", 0, start) + 1
    return [
        _Span(match.start(), match.end(), "cm")
        for line in re.finditer(r"[^\n]+", text[begin:end])
        if (match := _found(line, begin, start)) is not None
    ]


class _At(NamedTuple):
    first: int
    last: int

    def start(self) -> int:
        return self.first

    def end(self) -> int:
        return self.last


def _found(line: re.Match[str], begin: int, start: int) -> _At | None:
    found = _COMMENT.search(line[0])
    if found is None or begin + line.start() + found.start() < start:
        return None
    return _At(begin + line.start() + found.start(), begin + line.end())
