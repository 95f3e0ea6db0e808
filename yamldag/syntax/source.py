"""A text and the places in it."""

import re
from bisect import bisect_right


class Source:
    """One file as text. Offsets count code points; lines and columns are worked out only for what is shown."""

    __slots__ = ("_starts", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        """As it is shown to the user: relative to where the command was started, where possible."""
        self.text = text
        self._starts: list[int] | None = None

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1; a tab is one column."""
        starts = self._line_starts()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def offset(self, line: int) -> int:
        """Where a line (from 1) begins; the last one where there are fewer."""
        starts = self._line_starts()
        return starts[min(line, len(starts)) - 1]

    def line(self, number: int) -> str:
        """The text of a line (from 1), without its end."""
        starts = self._line_starts()
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            self._starts = _line_starts(self.text)
        return self._starts


def _line_starts(text: str) -> list[int]:
    """Lines end at LF, CRLF and CR, as editors count them; not at the other breaks that YAML knows."""
    starts = [0]
    if "\r" in text:
        starts += [match.end() for match in re.finditer(r"\r\n|\r|\n", text)]
        return starts
    at = text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts
