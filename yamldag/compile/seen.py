"""What a result depends on, beside the compiler itself: noted while one compiles, for those who keep results."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

Stamp = tuple[int, int, int, int] | None


def stamp(path: str) -> Stamp:
    """Size, times and inode: what tells that a file is not what it was. None: it is not there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # a name with a NUL in it names no file
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


@dataclass(slots=True)
class Seen:
    """Of one file's result, or of several."""

    files: dict[str, Stamp] = field(default_factory=dict)
    """By path, as they were just before they were looked at: files that were read, and those that were only sought:
    modules, queries, templates that are not there."""
    modules: set[str] = field(default_factory=set)
    """Python modules that are in no file of the project, and that could be imported."""
    beyond: bool = False
    """Whether all files of the project had a say."""

    def look(self, path: str) -> None:
        """To be called before a file is read, or sought."""
        if path not in self.files:
            self.files[path] = stamp(path)
