"""Which files a command is about, and what is in them."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator

from yamldag.root import NAMES

ENDINGS = (".yml", ".yaml")
IGNORE_FILE = ".yamldagignore"


def below(folder: str, root: str) -> list[str]:
    """The pipeline files of a folder of the project at `root`, sorted; hidden ones, those that a `.yamldagignore` there
    or further up matches, and project files aside."""
    outer = tuple(pattern for above in _from(root, folder) for pattern in _patterns(above))
    return sorted(_walk(folder, outer))


def _from(root: str, folder: str) -> list[str]:
    """The folders from the root down to the one that holds `folder`; none if that lies elsewhere."""
    above = []
    here = os.path.abspath(folder)
    while here != root and here != os.path.dirname(here):
        here = os.path.dirname(here)
        above.append(here)
    return above[::-1] if here == root else []


def _walk(folder: str, outer: tuple[tuple[str, str], ...]) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    patterns = outer + tuple(_patterns(folder))
    for entry in entries:
        if entry.name.startswith(".") or _ignored(entry.path, patterns):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, patterns)
        elif entry.name.endswith(ENDINGS) and entry.name not in NAMES and _is_file(entry):
            yield entry.path


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Or a link that leads nowhere, or in a circle: that is told of, like any file that can't be read."""
    if not entry.is_symlink():
        return entry.is_file()
    return os.path.isfile(entry.path) or not os.path.exists(entry.path)


def _patterns(folder: str) -> Iterator[tuple[str, str]]:
    path = os.path.join(folder, IGNORE_FILE)
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            pattern = line.strip()
            if pattern and not pattern.startswith("#"):
                yield folder, pattern.rstrip("/")


def _ignored(path: str, patterns: Iterable[tuple[str, str]]) -> bool:
    """As git reads such lines: with a slash, from the file's folder; without, any part of the path."""
    for folder, pattern in patterns:
        inside = os.path.relpath(path, folder)
        if "/" in pattern:
            if fnmatch.fnmatchcase(inside, pattern.lstrip("/")):
                return True
        elif fnmatch.fnmatchcase(os.path.basename(path), pattern):
            return True
    return False


def shown(path: str) -> str:
    """A path as the user would write it: relative to the current folder where it lies below it."""
    relative = os.path.relpath(path)
    return in_utf8(path if relative.startswith("..") else relative)


def in_utf8(path: str) -> str:
    """With `\\xff` for each byte that is not part of a character, so that it can be printed and stored."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
