"""The diary of one runner: what it was about to start, what it started, what ended. Read when it is dead.

Processes of ours write their results in it themselves, before they end: see `executors.leaving`. All write without
fsync: write() survives the death of every process, and a machine that crashes takes the tasks along. Each entry
begins with a newline of its own, so that it does not go on a line that was cut off; such a line is no JSON, and
is passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from yamldag.executors.leaving import RESULT
from yamldag.executors.local.protocol import EndRow, encode

_READ = 1 << 16
_CUT = 1 << 20
"""Bytes past which a journal gives back what nobody needs any more."""
_PUNCH_HOLE = 3
"""FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE"""


class Journal:
    """Of a runner that lives."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._head = self._read = self._given_back = os.fstat(fd).st_size

    def starting(self, attempts: list[int]) -> None:
        """Before the processes are made. OSError if it cannot be written: then nothing may start."""
        self._write(["S", *attempts])

    def started(self, pids: Sequence[tuple[int, int, float]]) -> None:
        with contextlib.suppress(OSError):  # recovery finds them by their mark
            self._write(["P", *pids])

    def ended(self, rows: list[EndRow]) -> None:
        """Without the results: they are there already."""
        with contextlib.suppress(OSError):  # the scheduler hears of them nevertheless
            self._write(["E", *[row[:-1] for row in rows]])

    def results(self) -> dict[int, str]:
        """Those that were written since the last call, by attempt."""
        found: dict[int, str] = {}
        while data := os.pread(self._fd, _READ, self._read):
            end = data.rfind(b"\n") + 1
            if not end:  # half a line: of a disk that is full, or longer than ours are
                end = len(data) if len(data) == _READ else 0
            found.update(_results(data[:end]))
            self._read += end
            if len(data) < _READ:
                break
        return found

    @property
    def is_long(self) -> bool:
        return self._read - self._given_back > _CUT

    def cut(self) -> None:
        """Nothing that it tells of is needed any more: what is running, and what is not stored."""
        if self._read > _CUT:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._head)
                self._read = self._given_back = self._head

    def tell_again(
        self, running: Sequence[tuple[int, int, float]], results: dict[int, str], ends: list[EndRow]
    ) -> None:
        """This alone is still needed: (attempt, process id, started) of what runs, what some of these have told
        already, and the ends that are not stored. Once it stands at the end, the room of all before goes back to
        the disk. The file stays the same one: tasks write there, and its lock tells that the runner lives.
        """
        told, self._given_back = self._read, self._read
        results = results | {end[0]: end[-1] for end in ends if end[-1] is not None}
        with contextlib.suppress(OSError):
            for attempt, text in results.items():
                self._write(["R", attempt, text])
            self._write(["S", *[attempt for attempt, _, _ in running]])
            self._write(["P", *running])
            self._write(["E", *[end[:-1] for end in ends]])
            _punch(self._fd, self._head, told)

    def _write(self, entry: list[Any]) -> None:
        data = b"\n" + encode(entry)
        if os.write(self._fd, data) < len(data):
            raise OSError(28, "the disk is full")


def _punch(fd: int, start: int, end: int) -> None:
    """Raises OSError: not every file system can."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(fd, _PUNCH_HOLE, ctypes.c_int64(start), ctypes.c_int64(end - start)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Story:
    """What a journal tells."""

    def __init__(self) -> None:
        self.boot = ""
        self.runner = 0
        """The runner's process id."""
        self.begun: set[int] = set()
        self.pids: dict[int, tuple[int, float]] = {}
        """attempt → (process id, when it was started)"""
        self.refused: set[int] = set()
        """Those whose process had not begun them when the runner died, and went away."""
        self.results: dict[int, str] = {}
        self.ends: dict[int, EndRow] = {}
        """Whole: with the results."""


def header(boot: str, runner: int) -> bytes:
    """The first line: when the machine was booted, and which process the runner is."""
    return json.dumps(["H", boot, runner]).encode() + b"\n"


def read(path: Path) -> Story:
    """The journal at `path`; an empty story if it is gone."""
    story = Story()
    for line in _lines(path):
        with contextlib.suppress(ValueError):
            _tell(story, json.loads(line))
    return story


def _lines(path: Path) -> list[bytes]:
    with contextlib.suppress(FileNotFoundError), path.open("rb", buffering=0) as file:
        return [line for line in b"".join(_pieces(file.fileno())).split(b"\n") if line]
    return []


def _pieces(fd: int) -> Iterator[bytes]:
    """Without the holes. What is left of a block with a hole is zeros up to a newline: no line of ours."""
    end = 0
    with contextlib.suppress(OSError):  # there is no data past that
        while True:
            start = os.lseek(fd, end, os.SEEK_DATA)
            end = os.lseek(fd, start, os.SEEK_HOLE)
            yield os.pread(fd, end - start, start)


def _results(lines: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    if RESULT in lines:
        for line in lines.split(b"\n"):
            if line.startswith(RESULT):
                with contextlib.suppress(ValueError):
                    _, attempt, text = json.loads(line)
                    found[attempt] = text
    return found


def _tell(story: Story, entry: list[Any]) -> None:
    kind, *rest = entry
    if kind == "H":
        story.boot, story.runner = rest
    elif kind == "S":
        story.begun.update(rest)
    elif kind == "P":
        story.pids.update({attempt: (pid, started) for attempt, pid, started in rest})
    elif kind == "N":
        story.refused.update(rest)
    elif kind == "R":
        story.results[rest[0]] = rest[1]
    elif kind == "E":
        story.ends.update({row[0]: [*row, story.results.get(row[0])] for row in rest})
