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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from yamldag.executors.leaving import RESULT
from yamldag.executors.local.protocol import EndRow, encode

_READ = 1 << 16
_CUT = 1 << 20
"""Bytes past which a journal is cut back as soon as nobody needs it."""


class Journal:
    """Of a runner that lives."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._head = self._read = os.fstat(fd).st_size

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

    def cut(self) -> None:
        """Nothing that it tells of is needed any more: what is running, and what is not stored."""
        if self._read > _CUT:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._head)
                self._read = self._head

    def _write(self, entry: list[Any]) -> None:
        data = b"\n" + encode(entry)
        if os.write(self._fd, data) < len(data):
            raise OSError(28, "the disk is full")


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
    with contextlib.suppress(FileNotFoundError):
        return [line for line in path.read_bytes().split(b"\n") if line]
    return []


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
