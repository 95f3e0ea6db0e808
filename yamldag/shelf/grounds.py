"""What a result rests on: files and their content, files that are missing, modules that can be imported.

Noted when it is kept, and looked at again before it is used.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from yamldag.operators.signature import importable
from yamldag.shelf.record import digest

Stamp = tuple[int, ...] | None
"""Of a file that was seen: size, mtime and ctime in ns, inode. None: it was not there."""
FRESH = 20_000_000
"""Nanoseconds: a file that changed so shortly before it was read may change again unnoticed."""


def of(files: Mapping[str, Stamp], modules: Collection[str], since: int) -> dict[str, Any] | None:
    """As JSON data. `since` is when compiling began, in nanoseconds; `files` are as they were seen then. None: a file
    has changed since, or might have."""
    noted: dict[str, str | None] = {}
    for path, seen in files.items():
        if seen is None:
            noted[path] = None
            if _there(path):
                return None
            continue
        content = _content(path)
        if content is None or stamp(path) != seen or seen[2] > since - FRESH:
            return None
        noted[path] = content
    return {"files": noted, "modules": {name: importable(name) for name in sorted(modules)}}


def hold(grounds: Mapping[str, Any], read: dict[str, str | None] | None = None) -> bool:
    """Whether all is as it was noted. `read`: the content of files that were read for others just before."""
    known = {} if read is None else read
    for path, content in grounds["files"].items():
        if path not in known:
            known[path] = _content(path) if content is not None or _there(path) else None
        if known[path] != content:
            return False
    return all(importable(name) is noted for name, noted in grounds["modules"].items())


def stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _there(path: str) -> bool:
    return stamp(path) is not None


def _content(path: str) -> str | None:
    """A hash of what is in a file, or of the names in a folder; None: it can't be read."""
    try:
        if os.path.isdir(path):
            return digest("\0".join(sorted(os.listdir(path))).encode(errors="surrogateescape"))
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            with open(descriptor, "rb", closefd=False) as file:
                return digest(file.read())
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return None
