"""The command line of a task that runs in a Python process of ours."""

from __future__ import annotations

import sys
from pathlib import Path

STDIN = "-"
"""In place of the path of its spec: that comes by standard input."""
_FOLDER = Path(__file__).parents[1] / "executors"
_TASK, _ENVIRONMENT = (str(_FOLDER / f"{name}.py") for name in ("task", "environment"))


def argv(spec_path: str, *, own_environment: bool = False) -> tuple[str, ...]:
    """Prints at once (-u), and imports nothing by chance from the current folder (-P). With an environment of its own
    it is built before, if need be."""
    return (sys.executable, "-u", "-P", _ENVIRONMENT if own_environment else _TASK, spec_path)
