"""Paths that come from outside: a param that was given, an output, an item. They lead where the pipeline's own words
let them, see `yamldag.engine.loop.fencing`."""

from __future__ import annotations

import os
from collections.abc import Iterable

from msgspec import Struct

_PROJECT_FILES = ("yamldag.yml", "yamldag.yaml")


class Fence(Struct, frozen=True):
    """What a path must begin with, links followed."""

    beginnings: tuple[str, ...]
    project: str | None = None
    """A folder in which it may lead to all but what is hidden, and the project's own file."""


def refusal(path: str, fence: Fence | None) -> str | None:
    """Why it may not lead there, in words. Without a fence it may lead anywhere."""
    if fence is None:
        return None
    real = os.path.realpath(path)
    if real.startswith(fence.beginnings) or _is_shown(real, fence.project):
        return None
    return (
        f"`{os.path.normpath(path)}` is given from outside (a param, an output, an item), and may not lie there: name "
        "the folder in the pipeline, before what is given, or list it under `allow_paths` in yamldag.yml"
    )


def first_refusal(paths: Iterable[str], fence: Fence | None) -> str | None:
    return next(filter(None, (refusal(path, fence) for path in paths)), None)


def _is_shown(path: str, project: str | None) -> bool:
    if project is None or not path.startswith(f"{project}/"):
        return False
    parts = path[len(project) + 1 :].split("/")
    return not any(part.startswith(".") for part in parts) and parts[-1] not in _PROJECT_FILES
