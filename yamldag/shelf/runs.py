"""The plan of one file, for a command that runs it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from yamldag.plan.pipeline import Plan, from_text
from yamldag.root import database_url, locate, names_file, state_folder, variable
from yamldag.shelf import grounds, place, record

if TYPE_CHECKING:
    from yamldag.operators.plugins.chosen import Chosen


class Kept(NamedTuple):
    """A pipeline that can be run as it is, with what running it wants of its project."""

    plan: Plan
    database: str
    state_folder: str
    pools: dict[str, int]
    executor: Chosen | None = None
    """The plug-in that carries its tasks out: what comes of plug-ins is never kept."""


class Shelf(Struct, frozen=True):
    """Where the plan of one file is kept: for one project, one environment and one compiler."""

    root: str
    path: str
    database: str | None
    """The URL that the environment gives."""

    @classmethod
    def of(cls, target: str, environment: str | None, around: Mapping[str, str]) -> Shelf | None:
        """For a file that is run from the current folder. None: it is no file, or nothing can be kept of it."""
        if not os.path.isfile(target) or not names_file(target):
            return None
        root, file = locate(os.getcwd())
        chosen = environment or around.get("YAMLDAG_ENV") or None
        path = place.of(root, file, chosen, around, f"run {os.path.abspath(target)}")
        return None if path is None else cls(root, path, around.get(variable("database")))

    def find(self) -> Kept | None:
        """What was kept, if all that it rests on is as it was then."""
        body = record.read(self.path)
        if body is None:
            return None
        head, _, text = body.partition(b"\n")
        noted = json.loads(head)
        if not grounds.hold(noted["grounds"]):
            return None
        plan = from_text(text.decode("utf-8", "surrogatepass"))
        given = noted["database"] if self.database is None else self.database
        database = database_url(self.root, given)
        return Kept(plan, database, state_folder(self.root), noted["pools"])

    def keep(self, noted: Mapping[str, Any], rests_on: Mapping[str, Any], text: str) -> None:
        """`noted`: the `database` that the project's file gives, or None, and its `pools`; `text` is the plan's."""
        head = json.dumps({**noted, "grounds": rests_on})
        record.write(self.path, b"%s\n%s" % (head.encode(), text.encode("utf-8", "surrogatepass")))
