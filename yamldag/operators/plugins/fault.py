"""What a plug-in's own code has raised, for a person."""

from __future__ import annotations

import os
import traceback

_LONGEST = 300
"""Characters."""


def words(fault: BaseException) -> str:
    """A line that says what was raised."""
    if isinstance(fault, SystemExit):
        return f"it ends the process{f': {fault}' if isinstance(fault.code, str) else ''}"[:_LONGEST]
    said = fault.msg if isinstance(fault, SyntaxError) else str(fault)
    return (said.strip().partition("\n")[0] or "no reason given")[:_LONGEST]


def place(fault: BaseException, own: str | None = None) -> tuple[str, int] | None:
    """The last line that is in a file, as far as the traceback knows; if the file `own` has a part in it, its last
    one."""
    if isinstance(fault, SyntaxError) and fault.filename:
        return fault.filename, fault.lineno or 1
    frames = [each for each in traceback.extract_tb(fault.__traceback__) if os.path.isfile(each.filename)]
    frames = [each for each in frames if each.filename == own] or frames
    return (frames[-1].filename, frames[-1].lineno or 1) if frames else None
