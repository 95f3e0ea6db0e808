"""A scheduler in a process of its own, and what the kernel says of it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import YAMLDAG


@dataclass
class Served:
    process: subprocess.Popen[str]
    start: float
    """Seconds until it said that it is ready."""
    start_cpu: float

    @property
    def cpu(self) -> float:
        """Seconds of user and system time until now."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> float:
        """MB: its own, and its part of what it shares with its runner and others."""
        for line in Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise SystemExit("there is no Pss")

    def until(self, words: str) -> None:
        """Read what it says until it says that."""
        assert self.process.stderr is not None
        while words not in self.process.stderr.readline():
            if self.process.poll() is not None:
                raise SystemExit(f"it ended with {self.process.returncode}")

    def drain(self) -> None:
        """Read on to the end: once the pipe is full, the next line would hold the scheduler up."""
        assert self.process.stderr is not None
        for _ in self.process.stderr:
            pass


@contextmanager
def served(folder: Path, *words: str) -> Iterator[Served]:
    """`yamldag serve` in that folder, or the command that is given, once it is ready."""
    command: Sequence[str] = words or ("serve", "--port", "0")
    begun = time.perf_counter()
    process = subprocess.Popen([*YAMLDAG, *command], cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        one = Served(process, 0.0, 0.0)
        one.until("yamldag s")
        one.start, one.start_cpu = time.perf_counter() - begun, one.cpu
        threading.Thread(target=one.drain, daemon=True).start()
        yield one
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
