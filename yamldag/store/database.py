"""Opens the database at the right revision, and gives transactions on the driver's own connection.

A local run must not wait for SQLAlchemy to load, so SQLite is opened here by its driver alone: a new file
gets `schema.sql`, which is what the migrations come to. Only an older database, or a server's new one, makes
SQLAlchemy and Alembic load.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from yamldag.store.drivers.choose import driver_of
from yamldag.store.drivers.contract import CannotOpen, Cursor, Driver, Taken, Trouble
from yamldag.store.names import REVISION
from yamldag.store.patience import Away, Patience
from yamldag.store.tally import Tally

__all__ = [
    "Away", "CannotOpen", "Cursor", "Database", "Fenced", "Patience", "Taken", "open_database", "revision",
]  # fmt: skip

_HERE = os.path.dirname(os.path.abspath(__file__))

T = TypeVar("T")

_BEAT = "UPDATE runner SET step = ?, seen = {clock} WHERE id = ? AND step = ? AND ended IS NULL"


class Fenced(Exception):  # noqa: N818
    """Another engine has taken this life for dead and its runs over: nothing more may be written by it."""


class Unheard(Away):
    """The connection was lost in a commit that is of no life: nobody can find out whether it happened."""


class Database:
    """One connection. Writes go through `write`; the caller says what belongs together.

    Statements have `?` where values go, on every kind of database.
    """

    def __init__(self, url: str, driver: Driver) -> None:
        self.url = url
        self._driver = driver
        self._beat = _BEAT.format(clock=driver.clock)
        self._life: int | None = None
        self._step = 0
        self._written = time.monotonic()
        self._patience = Patience(limit=0)
        self._inside = False
        self._writing = False
        self.spent = Tally()
        """How long transactions took that were written."""
        self._broken = False
        self._roomy = False

    @property
    def kind(self) -> str:
        """`sqlite`, `postgresql` or `mysql` (MariaDB too)."""
        return self._driver.kind

    @property
    def clock(self) -> str:
        """The SQL expression of the database's own clock: Unix seconds."""
        return self._driver.clock

    @property
    def for_update(self) -> str:
        """Ends a SELECT below `write` whose rows nobody else may change until its commit."""
        return self._driver.for_update

    @property
    def skip_locked(self) -> str:
        """Like `for_update`, of those rows alone that nobody else holds."""
        return self._driver.skip_locked

    def live(self, runner: int) -> None:
        """From now on every write is one of this life's: it beats its heart, and is refused once the life has
        ended. It is also how a commit whose outcome was not heard of is found to have happened."""
        self._life, self._step = runner, 0
        self._written = time.monotonic()

    @property
    def quiet(self) -> float:
        """Seconds since the last write."""
        return time.monotonic() - self._written

    def wait_by(self, patience: Patience) -> None:
        """From now on a database that goes away is waited for; without it, it is not."""
        self._patience = patience
        self._driver.be_brief()

    def write(self, work: Callable[[], T]) -> T:
        """All or nothing of what `work` executes. Raises Fenced, Away.

        If the database goes away, `work` is called again when it is back, unless it turns out to be committed:
        it must read and write nothing but SQL and variables of its own. Below a `write`, it is part of that.
        """
        if self._writing:
            return work()
        unheard: list[T] = []
        begun = time.perf_counter()
        self._writing = True
        try:
            made = self._repeat(lambda: self._transaction(work, unheard))
        finally:
            self._writing = False
            self.spent.add(time.perf_counter() - begun)
        self._step += self._life is not None
        self._written = time.monotonic()
        return made

    def make_room(self) -> None:
        """Make later commits cheaper, for about a millisecond in which nothing else is to be done."""
        if self._roomy:
            return
        try:
            self._roomy = not self._driver.make_room()
        except (OSError, self._driver.error):
            self._roomy = True  # no room, or others in the way: commits will say so where it matters

    def read(self, work: Callable[[], T]) -> T:
        """What `work` reads by this connection or another one, again if the database goes away meanwhile."""
        return self._repeat(work)

    def _transaction(self, work: Callable[[], T], unheard: list[T]) -> T:
        """`unheard`: what an earlier call of `work` made whose commit may have happened."""
        driver = self._driver
        driver.begin()
        try:
            if not self._beats():
                if unheard and self._stored_step() == self._step + 1:
                    driver.rollback()
                    return unheard[0]
                raise Fenced
            made = work()
            unheard[:] = [made]
            self._commit()
        except BaseException:
            self._roll_back()
            raise
        return made

    def _commit(self) -> None:
        try:
            self._driver.commit()
        except self._driver.error as problem:
            if self._life is None and self._driver.trouble(problem) is Trouble.AWAY:
                raise Unheard(self._driver.words(problem)) from problem
            raise

    def _beats(self) -> bool:
        """Also waits for what may be left of this life's last transaction, on a connection that was lost: its
        row is held until that has ended one way or the other."""
        if self._life is None:
            return True
        return self._driver.execute(self._beat, (self._step + 1, self._life, self._step)).rowcount == 1

    def _stored_step(self) -> int | None:
        row = self._driver.execute("SELECT step FROM runner WHERE id = ?", (self._life,)).fetchone()
        return None if row is None else int(row[0])

    def _roll_back(self) -> None:
        try:
            self._driver.rollback()
        except self._driver.error:
            self._broken = True

    def _repeat(self, work: Callable[[], T]) -> T:
        """Until it goes through. What `work` executes on this connection is not repeated on its own."""
        if self._inside:
            return work()
        self._inside = True
        try:
            while True:
                try:
                    made = self._try(work)
                except Unheard:
                    raise
                except Away as away:
                    self._patience.wait(str(away), gone=self._broken)
                else:
                    self._patience.through()
                    return made
        finally:
            self._inside = False

    def _try(self, work: Callable[[], T]) -> T:
        """Raises Away, after which it may be tried again."""
        if self._broken:
            self._mend()
        try:
            return work()
        except self._driver.error as problem:
            trouble = self._driver.trouble(problem)
            if trouble not in (Trouble.BUSY, Trouble.AWAY):
                raise
            self._broken |= trouble is Trouble.AWAY
            raise Away(self._driver.words(problem)) from problem

    def _mend(self) -> None:
        """Whatever a server says that begins or ends, it is to be asked again."""
        try:
            self._driver.connect()
            self._driver.be_brief()
        except (OSError, self._driver.error) as problem:
            raise Away(self._driver.words(problem)) from problem
        self._broken = False

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        """Outside of `write` it is a transaction of its own."""
        if self._inside or not statement.startswith("SELECT"):
            return self._driver.execute(statement, values)
        return self._repeat(lambda: self._driver.execute(statement, values))

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """The number of rows that were written; of an UPDATE those that its conditions matched. Raises Taken."""
        return self._driver.many(statement, rows)

    def insert(self, statement: str, values: Sequence[Any]) -> int:
        """An INSERT of one row; the `id` that the database gave to it."""
        return self._driver.insert(statement, values)

    def add(self, statement: str, values: Sequence[Any]) -> bool:
        """An INSERT of one row. False if a unique key of it is taken: then all is as before."""
        return self._driver.add(statement, values)

    def put(self, table: str, row: Mapping[str, Any], key: tuple[str, ...]) -> None:
        """Insert that row, or overwrite the one that has its key."""
        columns = tuple(row)
        self._driver.execute(self._driver.put(table, key, columns), tuple(row.values()))

    @property
    def error(self) -> type[Exception]:
        """What the driver raises for whatever went wrong."""
        return self._driver.error

    def damage(self) -> list[str]:
        """What the database's own check finds wrong with it."""
        return self._driver.damage()

    def orphans(self) -> list[str]:
        """Rows that point nowhere."""
        return self._driver.orphans()

    def shown(self) -> str:
        """Where it is, for a person: a path, or a URL without its password."""
        return self._driver.shown()

    def close(self) -> None:
        self._driver.close()


def open_database(url: str) -> Database:
    """The database at `url`, made or brought to this version's tables if need be. Raises `CannotOpen`."""
    driver = driver_of(url)
    try:
        driver.connect()
    except (OSError, driver.error) as problem:
        raise _closed(driver, driver.words(problem)) from problem
    database = Database(url, driver)
    try:
        _upgrade(database, driver)
    except BaseException as problem:
        driver.close()
        if isinstance(problem, Away):
            raise _closed(driver, str(problem)) from problem
        if isinstance(problem, (OSError, driver.error)):
            raise _closed(driver, driver.words(problem)) from problem
        raise
    return database


def _closed(driver: Driver, words: str) -> CannotOpen:
    return CannotOpen(f"the database `{driver.shown()}` can't be opened: {words}")


def revision(database: Database) -> str | None:
    """The revision of its tables: None for an empty database, "" for one that was emptied again."""
    if not database._driver.has_table("alembic_version"):
        return None
    row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def _upgrade(database: Database, driver: Driver) -> None:
    found = revision(database)
    if found == REVISION:
        return
    if found is None and driver.kind == "sqlite":
        _create(database)
        return
    from yamldag.store import migrate

    with driver.alone():
        found = revision(database)  # another process may have been first
        if found is None:
            migrate.create(database.url)
        elif found != REVISION:
            if found and not migrate.knows(found):
                raise CannotOpen(
                    f"the database is at revision {found}, which this version of yamldag does not know: "
                    "it was made by a newer one"
                )
            migrate.upgrade(database.url)


def _create(database: Database) -> None:
    with open(os.path.join(_HERE, "schema.sql"), encoding="utf-8") as file:
        statements = file.read().split(";\n")

    def create() -> None:
        if revision(database) is None:  # another process may have been first
            for statement in filter(str.strip, statements):
                database.execute(statement)

    database.write(create)
