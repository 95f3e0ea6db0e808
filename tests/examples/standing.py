"""The stand-in as a process of its own, on a free port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "pipelines.standin", "--port", "0")


@contextmanager
def standing(*, slow: float = 0) -> Iterator[str]:
    """Its URL, while it is up."""
    process = subprocess.Popen([*COMMAND, "--slow", str(slow)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
