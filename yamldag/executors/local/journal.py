"""The diary of one runner: what it was about to start, what it started, what ended. Read when it is dead.

Written without fsync: write() survives the death of every process, and a machine that crashes takes the
tasks along. A line that was cut off is no JSON, and is passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from yamldag.executors.local.protocol import EndRow


class Journal:
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._torn = False

    def starting(self, attempts: list[int]) -> None:
        """Before the processes are made. OSError if it cannot be written: then nothing may start."""
        self._write(["S", *attempts])

    def started(self, pids: list[tuple[int, int, float]]) -> None:
        with contextlib.suppress(OSError):  # recovery finds them by their mark
            self._write(["P", *pids])

    def ended(self, rows: list[EndRow]) -> None:
        with contextlib.suppress(OSError):  # the scheduler hears of them nevertheless
            self._write(["E", *rows])

    def _write(self, entry: list[Any]) -> None:
        data = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        if self._torn:
            data = b"\n" + data
        self._torn = True
        if os.write(self._fd, data) < len(data):
            raise OSError(28, "the disk is full")
        self._torn = False


class Story:
    """What a journal tells."""

    def __init__(self) -> None:
        self.boot = ""
        self.runner = 0
        """The runner's process id."""
        self.begun: set[int] = set()
        self.pids: dict[int, tuple[int, float]] = {}
        """attempt → (process id, when it was started)"""
        self.ends: dict[int, EndRow] = {}


def header(boot: str, runner: int) -> bytes:
    """The first line: when the machine was booted, and which process the runner is."""
    return json.dumps(["H", boot, runner]).encode() + b"\n"


def read(path: Path) -> Story:
    """The journal at `path`; an empty story if it is gone."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Story()
    story = Story()
    for line in lines:
        with contextlib.suppress(ValueError):
            _tell(story, json.loads(line))
    return story


def _tell(story: Story, entry: list[Any]) -> None:
    kind, *rest = entry
    if kind == "H":
        story.boot, story.runner = rest
    elif kind == "S":
        story.begun.update(rest)
    elif kind == "P":
        story.pids.update({attempt: (pid, started) for attempt, pid, started in rest})
    elif kind == "E":
        story.ends.update({row[0]: row for row in rest})
