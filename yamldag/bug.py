"""The log of a mistake of ours, for a report: written where we catch one instead of dying of it."""

from __future__ import annotations

import sys
import tempfile
import traceback

from yamldag import __version__


def write_log(about: str, problem: BaseException) -> str:
    """The path of a new file with the traceback. `about`: what was asked for, on one line."""
    with tempfile.NamedTemporaryFile("w", prefix="yamldag-bug-", suffix=".log", delete=False) as log:
        log.write(f"yamldag {__version__}, Python {sys.version}\n{about}\n\n")
        traceback.print_exception(problem, file=log)
    return log.name
