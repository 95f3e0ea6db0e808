"""Where a cursor stands in a text that is being written: by a word put there that the parser finds again.

A text is seldom whole while one types. So it is read as it is, then with the brackets and quotes of the line closed,
then without what follows the line, and last without the lines that the parser stops at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from yamldag.compile import documents
from yamldag.compile.documents import File
from yamldag.syntax.tree import Map, Node, Scalar, Seq

MARK = "yamldag0cursor"
"""What the cursor's word is for the parser: an id and a name of an expression, as any other."""
_WORD = re.compile(r"[\w@./-]*")
_BEGINS_LINE = re.compile(r"[ \t]*(?:-[ \t]+)*\Z")
_IS_KEY = re.compile(r"[ \t]*:(?=[ \t\r\n]|\Z)")
_CLOSING = {"[": "]", "{": "}"}
_STOPS = 3
"""Lines that are left out, at most, so that the others can be read."""

Step = str | int


class Spot(NamedTuple):
    """The word at the cursor, and the way to it from the root of its document."""

    file: File
    """As it was read: the text with the mark in place of the word."""
    root: Map
    path: tuple[Step, ...]
    """Of a key, the way to its mapping."""
    node: Scalar
    holder: Map | Seq
    """What the node is in."""
    is_key: bool
    keyed: bool
    """A `:` follows already."""
    begins_line: bool
    word: str
    """What is written of it before the cursor."""
    rest: str
    """And behind it."""
    start: int
    end: int
    """Of the word in the text, in code points."""

    @property
    def siblings(self) -> set[str]:
        """The other keys of the mapping that a key is in."""
        return set(self.holder.items) - {MARK} if self.is_key and type(self.holder) is Map else set()


def find(path: str, text: str, offset: int) -> Spot | None:
    """The spot at an offset in code points; None in a comment, and where the text can't be read by any means."""
    offset = max(0, min(offset, len(text)))
    start, end = _word(text, offset)
    line = text[text.rfind("\n", 0, start) + 1 : start]
    keyed = _IS_KEY.match(text, end) is not None
    begins_line = _BEGINS_LINE.fullmatch(line) is not None
    for written in _attempts(text, start, end, with_colon=begins_line and not keyed):
        file = documents.from_bytes(path, path, written.encode("utf-8", "surrogatepass"))
        for root in file.documents:
            if type(root) is Map and (found := _marked(root)) is not None:
                way, node, holder, is_key = found
                word, rest = text[start:offset], text[offset:end]
                return Spot(file, root, way, node, holder, is_key, keyed, begins_line, word, rest, start, end)
    return None


def _word(text: str, offset: int) -> tuple[int, int]:
    """Of the word that the offset is in, or touches; a dash alone is none."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    before, after = _WORD.match(line[::-1]), _WORD.match(text, offset)
    word = line[len(line) - before.end() :] if before else ""
    return offset - len(word) if word.strip("-") else offset, after.end() if after else offset


def _attempts(text: str, start: int, end: int, *, with_colon: bool) -> Iterator[str]:
    """Texts with the mark in place of the word, the likeliest to be meant first."""
    before, after = text[:start], text[end:]
    rest_of_line, newline, below = after.partition("\n")
    closing = _closing(text[text.rfind("\n", 0, start) + 1 : start])
    marks = (f"{MARK}:", MARK) if with_colon else (MARK,)
    wholes = [f"{before}{mark}{after}" for mark in marks]
    yield from wholes
    if closing:
        yield f"{before}{MARK}{rest_of_line}{closing}{newline}{below}"
        yield f"{before}{MARK}{closing}{newline}{below}"
    for mark in marks:
        yield f"{before}{mark}{closing}"
    for whole in wholes:
        yield from _without_stops(whole)


def _without_stops(text: str) -> Iterator[str]:
    """The text without the line that its reader stops at; again without the next one."""
    for _ in range(_STOPS):
        found = documents.from_bytes("", "", text.encode("utf-8", "surrogatepass")).found
        lines = text.split("\n")
        number = found[0].place.source.place(found[0].place.start)[0] if found else 0
        if not 0 < number <= len(lines) or MARK in lines[number - 1] or not lines[number - 1].strip():
            return
        lines[number - 1] = ""
        text = "\n".join(lines)
        yield text


def _closing(line: str) -> str:
    """What closes the quotes, the template and the brackets that a line opens."""
    opened, quote, at = [""], "", 0
    while at < len(line):
        sign = line[at]
        if quote:
            at += quote == '"' and sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "\"'" and (at == 0 or line[at - 1] in " [{,:"):
            quote = sign
        elif line.startswith("{{", at):
            closed = line.find("}}", at)
            if closed < 0:
                return " }}" + "".join(reversed(opened))
            at = closed + 1
        elif sign in _CLOSING:
            opened.append(_CLOSING[sign])
        elif sign == opened[-1]:
            opened.pop()
        at += 1
    inside = " }}" if line.rfind("{{") > line.rfind("}}") else ""
    return inside + quote + "".join(reversed(opened))


def _marked(root: Node) -> tuple[tuple[Step, ...], Scalar, Map | Seq, bool] | None:
    """The way to the marked scalar, what it is in, and whether it is a key."""
    stack: list[tuple[tuple[Step, ...], Node]] = [((), root)]
    while stack:
        way, node = stack.pop()
        below: list[tuple[Step, Node]] = []
        if type(node) is Map:
            for name, (key, value) in node.items.items():
                if name == MARK:
                    return way, key, node, True
                below.append((name, value))
        elif type(node) is Seq:
            below += enumerate(node.items)
        for step, value in below:
            if type(value) is not Scalar:
                stack.append(((*way, step), value))
            elif MARK in value.text and (type(node) is Map or type(node) is Seq):
                return (*way, step), value, node, False
    return None
