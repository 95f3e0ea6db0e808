"""Makes stdout and stderr fit to be written to: open, and able to take every character."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from io import TextIOWrapper

_ESCAPING = "yamldag-escaping"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def make_ready() -> None:
    """Call this before anything is opened: a file would get the number of a stream that is closed."""
    for number in range(3):
        _open_at(number)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 as long as the process
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115 as long as the process
    codecs.register_error(_ESCAPING, _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_ESCAPING)


def refused(problem: OSError) -> bool:
    """Whether it says that what was written finds no room."""
    return problem.errno in _NO_ROOM


def _open_at(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _escape(problem: UnicodeError) -> tuple[str, int]:
    """As JSON writes what ASCII lacks: a document stays one."""
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    units = problem.object[problem.start : problem.end].encode("utf-16-be", "surrogatepass")
    pairs = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    return "".join(f"\\u{pair}" for pair in pairs), problem.end
