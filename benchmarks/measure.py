"""Whole commands, timed from outside by the kernel's own accounting."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
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


def once(argv: Sequence[str], folder: str) -> Sample:
    """Run a command to its end; it must succeed."""
    begun = time.perf_counter()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        child = subprocess.Popen(argv, cwd=folder, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(argv)} ended with {child.returncode}")
    return Sample(usage.ru_utime + usage.ru_stime, time.perf_counter() - begun, usage.ru_maxrss / 1024)


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
