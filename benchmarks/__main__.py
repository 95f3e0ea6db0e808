"""`python -m benchmarks [SECTION …]`: measure and print; without one all of them, and write docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.checking import checking
from benchmarks.idle import idle
from benchmarks.measure import ROOT
from benchmarks.running import running
from benchmarks.scale import scale
from benchmarks.starting import starting
from benchmarks.web import web

SECTIONS: dict[str, Callable[[Path], str]] = {
    "checking": checking,
    "starting": starting,
    "running": running,
    "scale": scale,
    "idle": idle,
    "web": web,
}


def main() -> None:
    os.environ["PYTHONPATH"] = str(ROOT)
    wanted = sys.argv[1:] or list(SECTIONS)
    if unknown := [name for name in wanted if name not in SECTIONS]:
        raise SystemExit(f"there is no section {' or '.join(unknown)}; there are {', '.join(SECTIONS)}")
    parts = []
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            parts.append(SECTIONS[name](Path(folder)))
        sys.stdout.write(parts[-1])
        sys.stdout.flush()
    if not sys.argv[1:]:
        (ROOT / "docs" / "benchmarks.md").write_text(_heading() + "\n".join(parts))


def _heading() -> str:
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`; `python -m benchmarks SECTION` measures one section. Whole commands, start-up\n"
        "included, medians of rounds in which the commands took turns; CPU is user and system time. Machines differ\n"
        "and are noisy: read the ratios.\n\n"
        f"Python {platform.python_version()}, {os.cpu_count()} cores, SQLite {sqlite3.sqlite_version}. "
        f"Sections: {', '.join(SECTIONS)}.\n\n"
    )


if __name__ == "__main__":
    main()
