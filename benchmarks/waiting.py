"""Ten thousand tasks that wait: what `yamldag serve` costs while they do, and how soon it is back after a kill."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NUMBER = 10_000
WATCHED = 60.0
"""Seconds."""
KINDS = {
    "time": "{until: 2100-01-01}",
    "file": '{file: "in/{{ item }}.csv"}',
    "run": '{pipeline: other, date: "{{ logical_date | add_days(item) }}"}',
}
_TICKS = os.sysconf("SC_CLK_TCK")
_ENDED = "SELECT count(*) FROM task_instance WHERE state = 'deferred'"


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else NUMBER
    print(f"| {number:,} waits for a | all wait after | CPU | memory | back after a kill |")
    print("|---|---|---|---|---|")
    for kind, wait in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            print(_row(kind, wait, number, Path(folder)), flush=True)


def _row(kind: str, wait: str, number: int, folder: Path) -> str:
    (folder / "pipelines").mkdir()
    (folder / "pipelines" / "other.yml").write_text("pipeline: other\ntasks: {a: {noop: }}\n")
    (folder / "pipelines" / "waits.yml").write_text(
        "pipeline: waits\nschedule: '@once'\ntasks:\n"
        f"  wait: {{wait: {wait}, foreach: '{{{{ range({number}) | list }}}}'}}\n"
    )
    begun = time.monotonic()
    served = _serve(folder)
    _until_all_wait(folder, number)
    started = time.monotonic() - begun
    before, since = _cpu(served.pid), time.monotonic()
    time.sleep(WATCHED)
    share = (_cpu(served.pid) - before) / (time.monotonic() - since)
    memory = _memory(served.pid)
    served.kill()
    served.wait()
    begun = time.monotonic()
    served = _serve(folder)
    assert served.stderr is not None
    while b"goes on" not in (line := served.stderr.readline()):
        assert line, "it has ended"
    back = time.monotonic() - begun
    served.send_signal(signal.SIGTERM)
    served.communicate()
    return f"| {kind} | {started:.1f} s | {share:.1%} of a core | {memory:.0f} MB | {back:.1f} s |"


def _serve(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "yamldag", "serve", "--port", "0"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE)


def _until_all_wait(folder: Path, number: int) -> None:
    path = folder / ".yamldag" / "yamldag.db"
    while True:
        time.sleep(0.2)
        try:
            with sqlite3.connect(path) as database:
                if database.execute(_ENDED).fetchone()[0] == number:
                    return
        except sqlite3.OperationalError:  # not there yet
            continue


def _cpu(pid: int) -> float:
    """Seconds that the process, its threads and those of its children that have ended have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _memory(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no VmRSS")


if __name__ == "__main__":
    main()
