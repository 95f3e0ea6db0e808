"""Who asks: the one place where a request becomes somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass

import sqlalchemy as sa
from starlette.requests import HTTPConnection

from yamldag.store import callers, sessions, tokens
from yamldag.store.database import Away, CannotOpen, Database, open_database
from yamldag.web.auth.roles import Role
from yamldag.web.auth.secrets import digest

_FRESH = 60.0
"""Seconds for which a use that was noted is not noted again."""
_LONGEST = 200
"""Characters of a secret that are looked at: ours are shorter."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody, or nobody: then its role is `PUBLIC`."""

    name: str
    role: Role
    via: str
    """`local`, `session` or `token`; empty: nobody."""
    secret: str | None = None
    """The digest of the session or token, for as long as which they are who they are."""

    def may(self, role: Role) -> bool:
        return self.role >= role


NOBODY = Who("", Role.PUBLIC, "")
LOCAL = Who("local", Role.ADMIN, "local")
"""Whoever is at this machine, as long as nobody has an account."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Knows who asks, anew for each request: what was revoked a moment ago opens nothing."""

    url: str
    reading: sa.Engine
    clock: Callable[[], float]
    cookie: str
    """The name of the one that holds the session."""
    loopback: bool
    """Only this machine reaches us, by no other name than its own."""

    def who(self, request: HTTPConnection) -> Who:
        """A header that names a token counts alone: neither a cookie nor this machine makes a bad one good."""
        now = self.clock()
        header = request.headers.getlist("authorization")
        with self.reading.connect() as db:
            if header:
                return self._by_token(db, header, now)
            found = self._by_session(db, request.cookies.get(self.cookie), now)
            if found is not None:
                return found
            return LOCAL if self.loopback and not callers.any_account(db) else NOBODY

    def _by_token(self, db: sa.Connection, header: list[str], now: float) -> Who:
        scheme, _, token = header[0].partition(" ")
        if len(header) != 1 or scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST:
            return NOBODY
        secret = digest(token)
        row = callers.by_token(db, secret, now)
        if row is None:
            return NOBODY
        if row.used is None or row.used < now - _FRESH:
            self._note(lambda database: tokens.use(database, secret, now))
        return Who(row.name, Role[row.role.upper()], "token", secret)

    def _by_session(self, db: sa.Connection, kept: str | None, now: float) -> Who | None:
        if not kept or len(kept) > _LONGEST:
            return None
        secret = digest(kept)
        row = callers.by_session(db, secret, now)
        if row is None:
            return None
        if row.seen < now - _FRESH:
            self._note(lambda database: sessions.see(database, secret, now))
        return Who(row.name, Role[row.role.upper()], "session", secret)

    def _note(self, what: Callable[[Database], None]) -> None:
        """When something was used last is worth no error."""
        with suppress(Away, CannotOpen), writing(self.url) as database:
            database.write(lambda: what(database))


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    try:
        yield database
    finally:
        database.close()


def writing(url: str) -> AbstractContextManager[Database]:
    """The database, to write to, on a connection of its own: pages are shown by several threads."""
    return _opened(url)
