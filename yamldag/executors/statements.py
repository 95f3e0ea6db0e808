"""Reads SQL just far enough to tell statements from each other, and names of values from all else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

_QUOTED = r"""'(?:[^']|'')*' | "(?:[^"]|"")*" """
_ESCAPED = r"""'(?:[^'\\]|''|\\.)*' | "(?:[^"\\]|""|\\.)*" """
"""The same where a backslash keeps a quote from ending it: in MySQL and MariaDB."""
_REST = r"""
  | `(?:[^`]|``)*`
  | (?P<comment>--[^\n]* | /\*.*?\*/)
  | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$)
  | (?P<cast>::)
  | (?P<name>(?<![\w:\\]):(?P<word>[A-Za-z_]\w*))
  | (?P<mark>\?)
  | (?P<end>;)
"""
_TOKENS = {
    escapes: re.compile(start + _REST, re.DOTALL | re.VERBOSE)
    for escapes, start in ((False, _QUOTED), (True, _ESCAPED))
}
_BLOCK = re.compile(
    r"\s*create\s+(temp\w*\s+)?(or\s+replace\s+)?(definer\s*=\s*\S+\s+)?(trigger|procedure|function|event)\b",
    re.I,
)
_EDGE = re.compile(
    r"\b(?:(?P<opens>begin|case)|end\b(?P<other>\s+(?:if|loop|while|repeat|for)\b)?(?:\s+case\b)?)", re.I
)
"""What opens a part of the body of a trigger or a procedure, or closes one; others close what is not counted."""


class Statement(Struct, frozen=True):
    """One statement as SQLAlchemy's `text` takes it: every colon that names no value is escaped."""

    text: str
    names: tuple[str, ...]
    """The values that it wants, in their order; of `?`, `_1`, `_2` …"""


def statements(script: str, *, by_position: bool, escapes: bool) -> list[Statement]:
    """Those of a script, without their `;`. With `by_position`, a `?` stands for the next value of a list; with
    `escapes`, a backslash in a text escapes what follows."""
    found: list[Statement] = []
    pieces: list[str] = []
    words: list[str] = []
    names: list[str] = []
    number, done = 0, 0
    for match in _TOKENS[escapes].finditer(script):
        pieces.append(_escaped(script[done : match.start()]))
        words.append(script[done : match.start()])
        done = match.end()
        if match["end"]:
            if _is_open(" ".join(words)):
                pieces.append(";")
                words.append(";")
                continue
            found += _made(pieces, names)
            pieces, words, names = [], [], []
        elif match["word"] and not by_position:
            pieces.append(f":{match['word']}")
            names.append(match["word"])
        elif match["mark"] and by_position:
            number += 1
            pieces.append(f":_{number}")
            names.append(f"_{number}")
        else:
            pieces.append(_escaped(match[0]))
    pieces.append(_escaped(script[done:]))
    return found + list(_made(pieces, names))


def _made(pieces: list[str], names: list[str]) -> Iterator[Statement]:
    text = "".join(pieces).strip()
    if re.sub(r"--[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL).strip():
        yield Statement(text, tuple(dict.fromkeys(names)))


def _is_open(words: str) -> bool:
    """Whether a `;` stands inside the body of a trigger or a procedure. `words` are all but what is in quotes or a
    comment."""
    if not _BLOCK.match(words):
        return False
    edges = [edge for edge in _EDGE.finditer(words) if not edge["other"]]
    return sum(1 if edge["opens"] else -1 for edge in edges) > 0


def _escaped(text: str) -> str:
    return text.replace(":", "\\:")
