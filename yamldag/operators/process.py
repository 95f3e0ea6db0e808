"""The command line of a task that runs in a Python process of ours."""

from __future__ import annotations

import sys
from pathlib import Path

_TASK = str(Path(__file__).parents[1] / "executors" / "task.py")


def argv(spec_path: str) -> tuple[str, ...]:
    """Prints at once (-u), and imports nothing by chance from the current folder (-P)."""
    return (sys.executable, "-u", "-P", _TASK, spec_path)
