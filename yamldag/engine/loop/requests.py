"""Requests between their rows and what the step is told."""

from __future__ import annotations

import json

from yamldag.engine.step.choice import Wish
from yamldag.engine.step.world import Asked
from yamldag.store import requests
from yamldag.store.database import Database
from yamldag.store.requests import StoredRequest


def asked_of(database: Database, owner: int) -> list[Asked]:
    """What is asked of the runs of that life."""
    return [_asked(row) for row in requests.asked_of(database, owner)]


def _asked(row: StoredRequest) -> Asked:
    wish = wish_of(row) if row.kind in ("clear", "mark") else None
    return Asked(row.id, row.run, row.kind, wish)


def wish_of(row: StoredRequest) -> Wish:
    """What a request wants to be cleared."""
    said = json.loads(row.detail)
    return Wish(tuple((task, index) for task, index in said.pop("units")), **said)


def detail_of(wish: Wish) -> str:
    """The text that `wish_of` reads."""
    return json.dumps({name: getattr(wish, name) for name in wish.__struct_fields__})
