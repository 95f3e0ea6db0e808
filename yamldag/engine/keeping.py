"""Keeps secrets and connections in the database, encrypted. The audit log tells their names alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from yamldag.engine.refused import NOT_NOW, Refused
from yamldag.operators import strongbox
from yamldag.operators.secrets import KEYS, UnresolvedError
from yamldag.operators.strongbox import Strongbox
from yamldag.store import audit, stored
from yamldag.store.audit import Deed
from yamldag.store.database import Database
from yamldag.store.stored import Stored
from yamldag.syntax.nearest import nearest

Deeds = Callable[..., Deed]
"""Who does it: from an action and a target."""


class Machine(NamedTuple):
    """Where the keys are."""

    environment: Mapping[str, str]
    root: str

    @property
    def has_own_file(self) -> bool:
        """Whether the keys are in the project's file, and not given by the environment."""
        return not self.environment.get(KEYS)


def keep(database: Database, deed: Deeds, machine: Machine, row: tuple[str, str, str], now: float) -> bool:
    """Keep `(kind, name, value)` in place of what was there; whether a file of keys was made for it. Raises Refused."""
    kind, name, value = row
    if len(value.encode()) > strongbox.LONGEST:
        raise Refused(f"the {kind} `{name}` is longer than 64 KiB")
    try:
        made = machine.has_own_file and strongbox.make(machine.root)
        box = strongbox.of(machine.environment, machine.root)
        token = box.closed(kind, name, value)
    except UnresolvedError as problem:
        raise Refused(str(problem)) from None
    done = deed(f"{kind}.set", name)

    def work() -> None:
        stored.put(database, Stored(kind, name, token, now, done.who[:200]))
        audit.record(database, done, "done", now)

    database.write(work)
    return made


def remove(database: Database, deed: Deeds, kind: str, name: str, now: float) -> None:
    """Raises Refused: there is none."""

    def work() -> bool:
        gone = stored.remove(database, kind, name)
        if gone:
            audit.record(database, deed(f"{kind}.remove", name), "done", now)
        return gone

    if not database.write(work):
        known = [each.name for each in stored.every(database) if each.kind == kind]
        near = nearest(name, known)
        hint = f"; did you mean `{near}`?" if near else ""
        raise Refused(f"the database keeps no {kind} `{name}`{hint}", NOT_NOW)


def rotate(database: Database, deed: Deeds, machine: Machine, now: float) -> int:
    """Encrypt all that is kept by a new key, or by the first that the environment gives; how many values that were.

    Whatever it is stopped by, each value can be read by a key of the file. The key before stays in the file until the
    next rotation: tasks under way, and backups, know values by it. Raises Refused.
    """
    try:
        _can_be_read(database, machine)
        if machine.has_own_file:
            keys = strongbox.read(machine.root)
            strongbox.write(machine.root, [strongbox.new_key(), *keys])
        box = strongbox.of(machine.environment, machine.root)
        count = database.write(lambda: _again(database, deed, box, now))
        if machine.has_own_file:
            strongbox.write(machine.root, strongbox.read(machine.root)[:2])
    except UnresolvedError as problem:
        raise Refused(str(problem)) from None
    except OSError as problem:
        words = (problem.strerror or "no reason given").lower()
        raise Refused(f"`{strongbox.path(machine.root)}` can't be written: {words}") from None
    return count


def _can_be_read(database: Database, machine: Machine) -> None:
    """Raises UnresolvedError: a key is missing. A new one would open nothing, and hide that."""
    if rows := stored.every(database):
        box = strongbox.of(machine.environment, machine.root)
        for row in rows:
            box.opened(row.kind, row.name, row.token)


def _again(database: Database, deed: Deeds, box: Strongbox, now: float) -> int:
    rows = stored.every(database)
    pairs = [(row, box.closed(row.kind, row.name, box.opened(row.kind, row.name, row.token))) for row in rows]
    audit.record(database, deed("secret.rotate", "all", values=len(rows)), "done", now)
    return stored.replace(database, pairs)
