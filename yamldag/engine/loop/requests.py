"""Requests between their rows and what the step is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from yamldag.engine.memory.newer import Newer
from yamldag.engine.memory.reading import Unreadable, read_plan, reading
from yamldag.engine.step.choice import Wish
from yamldag.engine.step.world import Asked, Reply
from yamldag.store import requests
from yamldag.store.database import Database
from yamldag.store.requests import StoredRequest

_VERSION = "version"


def asked_of(
    database: Database, owner: int, now: float, known: Callable[[StoredRequest], bool] = lambda _: False
) -> list[Asked]:
    """What is asked of the runs of that life, and not `known` yet. What can't be read is answered by that at once."""
    found = []
    for row in database.read(lambda: requests.asked_of(database, owner)):
        if known(row):
            continue
        try:
            found.append(_asked(database, row))
        except Unreadable as unreadable:
            database.write(partial(requests.answer, database, row.id, str(unreadable), now))
    return found


def _asked(database: Database, row: StoredRequest) -> Asked:
    """Raises Unreadable."""
    if row.kind == "answer":
        return Asked(row.id, row.run, row.kind, reply=reply_of(row))
    wish = wish_of(row) if row.kind in ("clear", "mark") else None
    newer = newer_of(database, row) if wish else None
    return Asked(row.id, row.run, row.kind, wish, newer is not None)


def reply_of(row: StoredRequest) -> Reply:
    """A person's answer. Raises Unreadable."""
    with reading("an answer"):
        said = json.loads(row.detail)
        return Reply(int(said["attempt"]), bool(said["yes"]), str(said["by"]), said["value"])


def wish_of(row: StoredRequest) -> Wish:
    """What a request wants to be cleared. Raises Unreadable."""
    with reading("what is asked of it"):
        said = json.loads(row.detail)
        said.pop(_VERSION, None)
        units = [(task, index) for task, index in said.pop("units")]
        wish = Wish(tuple(units), **said)
        hash(wish)
        return wish


def newer_of(database: Database, row: StoredRequest) -> Newer | None:
    """The plan that the run is to go on by, if it is not its own. Raises Unreadable."""
    version = version_in(row.detail)
    if version is None:
        return None
    text = database.read(lambda: requests.plan_of(database, version))
    return Newer(read_plan(text, version), version)


def version_in(detail: str) -> str | None:
    """The hash of the plan that the run is to go on by, if it is not its own. Raises Unreadable."""
    with reading("what is asked of it"):
        version = json.loads(detail).get(_VERSION)
        if version is not None and not isinstance(version, str):
            raise TypeError
        return version


def detail_of(wish: Wish, version: str | None = None) -> str:
    """The text that is read here. `version`: the hash of a plan to go on by."""
    said = {name: getattr(wish, name) for name in wish.__struct_fields__}
    return json.dumps(said if version is None else {**said, _VERSION: version})
