"""The folders that runs write to: what they hold is for their user alone."""

from __future__ import annotations

import contextlib
import os


def refusal(problem: OSError) -> str:
    """Why a folder or file of an attempt could not be made, in words."""
    return f"its files can't be written: {(problem.strerror or 'unknown reason').lower()}"


def make(path: str) -> None:
    """The folder and all that is missing above it, each of them 0700."""
    if not os.path.isdir(path):
        make(os.path.dirname(path))
        with contextlib.suppress(FileExistsError):  # someone else was first
            os.mkdir(path, 0o700)
