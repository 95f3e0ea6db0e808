"""Requests between their rows and what the step is told."""

from __future__ import annotations

import json
from functools import partial

from yamldag.engine.memory.reading import Unreadable, reading
from yamldag.engine.step.choice import Wish
from yamldag.engine.step.world import Asked
from yamldag.store import requests
from yamldag.store.database import Database
from yamldag.store.requests import StoredRequest


def asked_of(database: Database, owner: int, now: float) -> list[Asked]:
    """What is asked of the runs of that life. What can't be read is answered by that at once."""
    found = []
    for row in database.read(lambda: requests.asked_of(database, owner)):
        try:
            found.append(
                Asked(row.id, row.run, row.kind, wish_of(row) if row.kind in ("clear", "mark") else None)
            )
        except Unreadable as unreadable:
            database.write(partial(requests.answer, database, row.id, str(unreadable), now))
    return found


def wish_of(row: StoredRequest) -> Wish:
    """What a request wants to be cleared. Raises Unreadable."""
    with reading("what is asked of it"):
        said = json.loads(row.detail)
        units = [(task, index) for task, index in said.pop("units")]
        wish = Wish(tuple(units), **said)
        hash(wish)
        return wish


def detail_of(wish: Wish) -> str:
    """The text that `wish_of` reads."""
    return json.dumps({name: getattr(wish, name) for name in wish.__struct_fields__})
