"""The plans of a project's files, for a scheduler that starts: all in one file."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from yamldag.shelf import grounds, place, record
from yamldag.shelf.grounds import Stamp


class Leaf(NamedTuple):
    """What one file compiled to, without errors or warnings."""

    grounds: Mapping[str, Any]
    plans: tuple[str, ...]
    """As they are stored, in the order of the file."""

    @property
    def files(self) -> Collection[str]:
        """All that it rests on."""
        files: Collection[str] = self.grounds["files"]
        return files


class ProjectShelf(Struct, frozen=True):
    path: str

    @classmethod
    def of(
        cls, root: str, file: str | None, environment: str | None, around: Mapping[str, str]
    ) -> ProjectShelf | None:
        """For a project in an environment. None: nothing can be kept."""
        path = place.of(root, file, environment, around, "project")
        return None if path is None else cls(path)

    def find(self, project_file: str | None) -> dict[str, Leaf]:
        """What was kept of each file, by its path; nothing if the project's own file is not as it was. Whether a leaf's
        own grounds hold is for the caller to ask."""
        body = record.read(self.path)
        try:
            lines = zlib.decompress(body).split(b"\n") if body else []
        except zlib.error:
            return {}
        if not lines:
            return {}
        head = json.loads(lines[0])
        if not grounds.hold(head["project"]) or (project_file is not None) != bool(head["project"]["files"]):
            return {}
        texts = iter(lines[1:])
        return {
            path: Leaf(noted, tuple(next(texts).decode("utf-8", "surrogatepass") for _ in range(number)))
            for path, noted, number in head["leaves"]
        }

    def keep(
        self, project_file: str | None, seen: Stamp, since: int, leaves: Iterable[tuple[str, Leaf]]
    ) -> None:
        """All of them, in the place of what was kept before. `seen` is the project file as it was read, `since` when
        that was, in nanoseconds."""
        rests_on = grounds.of({project_file: seen} if project_file else {}, (), since)
        if rests_on is None:
            return
        noted: list[tuple[str, Mapping[str, Any], int]] = []
        texts: list[str] = []
        for path, leaf in leaves:
            noted.append((path, leaf.grounds, len(leaf.plans)))
            texts += leaf.plans
        head = json.dumps({"project": rests_on, "leaves": noted})
        body = "\n".join([head, *texts]).encode("utf-8", "surrogatepass")
        record.write(self.path, zlib.compress(body, 1))
