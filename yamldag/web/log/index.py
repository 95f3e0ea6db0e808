"""Where the lines of a log are: one number per block of bytes, so that a window of a hundred megabytes is a short read.

A log only grows. What was counted once is kept, by the file's inode, and only what has come since is read.
"""

from __future__ import annotations

import os
import re
import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

BLOCK = 1 << 18
"""Bytes."""
_KEPT = 64
"""Logs whose numbers are kept."""
_OVERLAP = 64
"""Bytes of the block before that are looked at again: a word may stand across."""
_SIGNS = (b"error", b"exception", b"fatal", b"panic", b"traceback")
_ERROR = re.compile(rb"(?i)(?<![\w-])\w*(?:error|exception|fatal|panic|traceback)(?![\w=-])")


def tells_of_an_error(line: str) -> bool:
    return _ERROR.search(line.encode(errors="replace")) is not None


class Line(NamedTuple):
    number: int
    """From 1 on."""
    data: bytes
    """Without its newline."""
    more: int
    """Bytes of it that were left out."""


@dataclass
class Index:
    """Of one file. `marks[k]` newlines stand before the byte `k * BLOCK`; all blocks before the last mark are whole."""

    marks: list[int] = field(default_factory=lambda: [0])
    error: int | None = None
    """The first line that tells of an error, in whole blocks."""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Log:
    """An opened log. Not for several threads at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        stats = os.fstat(file.fileno())
        self.size = stats.st_size
        self._index = _index_of((stats.st_dev, stats.st_ino), self.size)
        newlines, self.error = self._count()
        self.whole = self.size == 0 or self._read(self.size - 1, 1) == b"\n"
        """Whether its last line has come to its end."""
        self.lines = newlines + (not self.whole)

    def window(self, first: int, last: int, most: int, longest: int = 2000) -> list[Line]:
        """The lines from `first` to `last`, the first ones until `most` bytes are full, each cut at `longest`."""
        first, last = max(first, 1), min(last, self.lines)
        found: list[Line] = []
        if first > last:
            return found
        self._file.seek(self._start(first))
        for number in range(first, last + 1):
            data = self._file.readline(longest)
            more = 0
            while data and not data.endswith(b"\n") and (rest := self._file.readline(BLOCK)):
                more += len(rest.rstrip(b"\n"))
                if rest.endswith(b"\n"):
                    break
            most -= len(data)
            if most < 0 and found:
                break
            found.append(Line(number, data.removesuffix(b"\n"), more))
        return found

    def search(self, words: str, most: int) -> list[int]:
        """The numbers of the lines that hold the words, upper or lower case, at most so many."""
        wanted = words.encode().lower()
        found: list[int] = []
        line, kept = 1, b""
        for at in range(0, self.size if wanted else 0, BLOCK):
            # What is kept of the block before has no newline: its line is the one in which this block begins.
            data = kept + self._read(at, BLOCK)
            for number, _ in _lines_with(data.lower(), wanted, line):
                if not found or found[-1] != number:
                    found.append(number)
                if len(found) == most:
                    return found
            line += data.count(b"\n")
            kept = data[data.rfind(b"\n") + 1 :][-(len(wanted) - 1) :] if len(wanted) > 1 else b""
        return found

    def _start(self, number: int) -> int:
        """The byte at which a line begins."""
        if number == 1:
            return 0
        block = max(0, bisect_left(self._index.marks, number - 1) - 1)
        data, place = self._read(block * BLOCK, BLOCK), -1
        for _ in range(number - 1 - self._index.marks[block]):
            place = data.index(b"\n", place + 1)
        return block * BLOCK + place + 1

    def _count(self) -> tuple[int, int | None]:
        """The newlines of the whole, and the first line that tells of an error."""
        index = self._index
        with index.lock:
            known = len(index.marks) - 1
            before = self._read(max(0, known * BLOCK - _OVERLAP), _OVERLAP) if known else b""
            error = index.error
            for at in range(known * BLOCK, self.size, BLOCK):
                data = self._read(at, BLOCK)
                newlines = index.marks[-1]
                if error is None:
                    error = _first_error(before, data, newlines + 1)
                before = data[-_OVERLAP:]
                if len(data) < BLOCK or at + BLOCK > self.size:
                    return newlines + data.count(b"\n"), error
                index.marks.append(newlines + data.count(b"\n"))
                index.error = error
            return index.marks[-1], error

    def _read(self, at: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), min(size, self.size - at), at)


def _lines_with(data: bytes, wanted: bytes, line: int) -> Iterator[tuple[int, int]]:
    """(number, place) of each line of the data that holds it, once."""
    seen, at = 0, data.find(wanted)
    while at >= 0:
        line += data.count(b"\n", seen, at)
        yield line, at
        end = data.find(b"\n", at)
        if end < 0:
            return
        seen, at = end, data.find(wanted, end)


def _first_error(before: bytes, data: bytes, line: int) -> int | None:
    """The number of the first line in `data` that tells of one; `before` stands right before it."""
    whole = (before + data).lower()
    first: int | None = None
    for sign in _SIGNS:
        end = len(whole) if first is None else first
        at = whole.find(sign, 0, end)
        while at >= 0:
            start = whole.rfind(b"\n", 0, at) + 1
            if _ERROR.search(whole, start, whole.find(b"\n", at) if b"\n" in whole[at:] else len(whole)):
                first = at
                break
            at = whole.find(sign, at + 1, end)
    return None if first is None else line + data.count(b"\n", 0, max(0, first - len(before)))


_indexes: OrderedDict[tuple[int, int], tuple[int, Index]] = OrderedDict()
_lock = threading.Lock()


def _index_of(key: tuple[int, int], size: int) -> Index:
    """What is known of a file. One that has become shorter is another one by the same number."""
    with _lock:
        was, index = _indexes.pop(key, (0, Index()))
        if size < was:
            index = Index()
        _indexes[key] = (size, index)
        while len(_indexes) > _KEPT:
            _indexes.popitem(last=False)
        return index
