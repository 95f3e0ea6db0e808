"""What the handlers of all requests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from yamldag.compile.project import Project, find
from yamldag.engine.asking.secrets import keys_of
from yamldag.engine.status import Board
from yamldag.executors.guard.keyring import Keyring
from yamldag.store import stored
from yamldag.store.address import reading
from yamldag.store.database import Database
from yamldag.web.address import Address
from yamldag.web.auth.oidc import Provider
from yamldag.web.auth.who import Gate, writing
from yamldag.web.frame import Frame
from yamldag.web.kept import Column, Kept, columns
from yamldag.web.live.hub import Hub
from yamldag.web.route import Table

T = TypeVar("T")
_JOINED: ContextVar[Database | None] = ContextVar("joined", default=None)
"""The database that this thread is in a transaction of."""


@dataclass(frozen=True, slots=True)
class Site:
    """Made once, used by many threads."""

    board: Board
    database: str
    """Its URL."""
    folder: Path
    """The project's `.yamldag`."""
    address: Address
    clock: Callable[[], float]
    table: Table
    engine: sa.Engine
    gate: Gate
    hub: Hub
    frame: Frame
    provider: Provider | None = None
    """Of OpenID Connect; None: nobody logs in elsewhere."""
    columns: Kept[Column] = field(default_factory=columns)

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def project(self) -> Project:
        """The project's settings, as the scheduler read them last."""
        return self.board.status.project or find(str(self.folder.parent), None, os.environ)

    def keys(self) -> Keyring:
        """What resolves secrets and connections on this machine. For a page, nobody elsewhere is asked."""
        with self.reading() as db:
            return keys_of(self.project, stored.of(db), far=False)

    def reading(self) -> sa.Connection:
        """A connection to read by, from one moment: `with site.reading() as db`. Raises Away."""
        return self.engine.connect()

    def writing(self) -> AbstractContextManager[Database]:
        """The database, to write to: `with site.writing() as database`. Raises Away, CannotOpen."""
        joined = _JOINED.get()
        return writing(self.database) if joined is None else nullcontext(joined)

    def in_one(self, work: Callable[[Database], T]) -> T:
        """All that `work` does, in this thread, by `writing` is one transaction. Raises what it raises."""
        with writing(self.database) as database:
            before = _JOINED.set(database)
            try:
                return database.write(lambda: work(database))
            finally:
                _JOINED.reset(before)


def site_of(
    board: Board,
    database: str,
    folder: Path,
    address: Address,
    clock: Callable[[], float],
    table: Table,
    provider: Provider | None = None,
) -> Site:
    engine = reading(database)
    gate = Gate(database, engine, clock, address.cookie, address.loopback)
    hub, frame = Hub(engine, board, clock), Frame(table)
    return Site(board, database, folder, address, clock, table, engine, gate, hub, frame, provider)
