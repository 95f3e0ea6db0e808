"""Whole commands, timed from outside by the kernel's own accounting."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
YAMLDAG = [sys.executable, "-m", "yamldag"]


@dataclass(frozen=True)
class Sample:
    """CPU and wall seconds, and the peak memory of the process in MB."""

    cpu: float
    wall: float
    peak: float


_LAUNCH = """
import json, os, sys, time
begun = time.perf_counter()
nowhere = os.open(os.devnull, os.O_WRONLY)
files = [(os.POSIX_SPAWN_DUP2, nowhere, 1), (os.POSIX_SPAWN_DUP2, nowhere, 2)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=files)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - begun
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024]))
"""
"""The kernel's peak of a process begins with the memory of the one that made it: so a small one does."""


def once(argv: Sequence[str], folder: str) -> Sample:
    """Run a command to its end; it must succeed."""
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCH, *argv]
    code, *figures = json.loads(
        subprocess.run(launcher, cwd=folder, check=True, stdout=subprocess.PIPE).stdout
    )
    if code != 0:
        raise SystemExit(f"{' '.join(argv)} ended with {code}")
    return Sample(*figures)


def in_turn(rounds: int, *commands: Callable[[], Sample]) -> list[Sample]:
    """Each command `rounds` times, A B C A B C …, after a warm-up of each: the medians."""
    taken: list[list[Sample]] = [[] for _ in commands]
    for number in range(rounds + 1):
        for which, command in enumerate(commands):
            sample = command()
            if number:
                taken[which].append(sample)
    return [_median(samples) for samples in taken]


def _median(samples: list[Sample]) -> Sample:
    return Sample(
        statistics.median(sample.cpu for sample in samples),
        statistics.median(sample.wall for sample in samples),
        max(sample.peak for sample in samples),
    )
