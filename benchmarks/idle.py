"""What a scheduler costs that has nothing to do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import ROOT

_SETTLE, _WATCH = 8.0, 20.0
"""Seconds before, and while, the CPU time is taken."""


def idle(folder: Path) -> str:
    many = folder / "scheduled"
    (many / "pipelines").mkdir(parents=True)
    (many / "yamldag.yml").touch()
    for number in range(10_000):
        head = f"pipeline: p{number:05}\nschedule: '{number % 60} 0 1 1 *'\n"
        text = head + "tasks:\n  a: {bash: 'true'}\n  b: {needs: a, bash: 'true'}\n"
        (many / "pipelines" / f"p{number:05}.yml").write_text(text)
    examples = folder / "examples"
    examples.mkdir()
    (examples / "pipelines").symlink_to(ROOT / "pipelines")
    lines = [
        "\n## Waiting\n",
        "`yamldag serve` with nothing to do: until it says that it serves; then its memory, and its CPU time.\n",
        "| project | start | memory | of a core |",
        "|---|---|---|---|",
        _row("the examples", examples),
        _row("10,000 scheduled pipelines", many),
        _row("the same, started again", many),
    ]
    return "\n".join(lines) + "\n"


def _row(what: str, folder: Path) -> str:
    begun = time.perf_counter()
    words = [sys.executable, "-m", "yamldag", "serve", "--port", "0"]
    served = subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, text=True)
    assert served.stderr is not None
    with served, served.stderr:
        while "yamldag serves" not in served.stderr.readline():
            if served.poll() is not None:
                raise SystemExit(f"yamldag serve ended with {served.returncode}")
        start = time.perf_counter() - begun
        time.sleep(_SETTLE)
        before = _cpu(served.pid)
        time.sleep(_WATCH)
        part, memory = (_cpu(served.pid) - before) / _WATCH, _memory(served.pid)
        served.send_signal(signal.SIGTERM)
        served.communicate()
    return f"| {what} | {start:.1f} s | {memory:.0f} MB | {part:.2%} |"


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise SystemExit("there is no VmRSS")
