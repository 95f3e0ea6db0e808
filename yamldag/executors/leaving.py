"""Where a process of ours leaves the result of its call: in its runner's journal; one that is long, in a file.

The journal is there whoever dies, and a line more costs next to nothing. It is on the disk of all that the runner
has yet to tell, so that what is long has no place in it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:  # the module itself takes time
    from typing import Any

RESULT = b'["R",'
"""What the line of a result begins with: `["R", attempt, result as text]`."""
LONGEST = 1 << 13
"""Bytes of a result in a journal."""
CALL = "/proc/self/fd/3"
"""How a runner calls the file without a name that holds a call: there may be secrets in it."""
_NAMELESS = "/proc/self/fd/"
"""How a guard calls the files that hold what must not be on a disk."""


def leave(result: dict[str, Any], path: str, told: tuple[str, int] | None) -> None:
    """Whole or not at all. `told`: the journal, and the attempt in it; None: there is no runner. Raises OSError."""
    text = json.dumps(result, ensure_ascii=False)
    if told is None or not _write_down(text, *told):
        _put(text, path)


def refuse(journal: str, attempt: int) -> None:
    """Nothing of the call was carried out, and nothing will be: whoever asks for the attempt may start another."""
    _append(b'["N",%d]\n' % attempt, journal)


def _write_down(text: str, journal: str, attempt: int) -> bool:
    line = RESULT + b"%d,%b]\n" % (attempt, json.dumps(text).encode())
    return len(line) <= LONGEST and _append(line, journal)


def _append(line: bytes, journal: str) -> bool:
    """False: there is no journal, or no room in it."""
    with suppress(OSError):
        descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            # In one go, as all who write there do. The first newline ends what was cut off before, if anything was.
            return os.write(descriptor, b"\n" + line) == len(line) + 1
        finally:
            os.close(descriptor)
    return False


def _put(text: str, path: str) -> None:
    if path.startswith(_NAMELESS):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return
    with open(f"{path}.part", "w", encoding="utf-8", opener=_private) as file:
        file.write(text)
    os.rename(f"{path}.part", path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
