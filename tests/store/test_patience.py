"""How long a database is waited for, and that nothing happens twice meanwhile."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from itertools import count, repeat
from typing import Any

import pytest

from tests.faults.long import much
from yamldag.store import moves
from yamldag.store.database import Away, Database, Fenced, Patience, open_database
from yamldag.store.drivers.contract import Driver

LIFE = moves.Life("serve", "here", 1, "x", 1.0)
POOL = "INSERT INTO pool (name, slots, source) VALUES (?, 1, 'command')"


class Time:
    """It passes by waiting alone."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.said: list[str] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, limit: float | None = None, over: Callable[[], bool] = lambda: False) -> Patience:
        return Patience(limit, self.said.append, over, self.clock, self.sleep)


def test_the_first_retry_follows_at_once_and_in_silence() -> None:
    time = Time()
    patience = time.patience()
    patience.wait("lost", gone=True)
    patience.through()
    assert (time.slept, time.said) == ([0.0], [])


def test_pauses_grow_to_a_second_and_a_word_is_said_at_either_end() -> None:
    time = Time()
    patience = time.patience()
    for _ in range(9):
        patience.wait("no route", gone=True)
    patience.through()
    patience.through()
    assert time.slept == [0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]
    assert time.said == [
        "the database is away: no route; what runs goes on, and is recorded when it is back",
        "the database is back after 4.5 s",
    ]
    patience.wait("again", gone=True)
    assert time.slept[-1] == 0.0


def test_others_that_are_in_the_way_for_a_moment_are_not_worth_a_word() -> None:
    time = Time()
    patience = time.patience()
    for _ in range(6):
        patience.wait("database is locked", gone=False)
    assert time.said == []
    for _ in range(3):
        patience.wait("database is locked", gone=False)
    assert len(time.said) == 1


def test_it_ends_at_the_limit_or_when_nobody_wants_to_wait() -> None:
    time = Time()
    patience = time.patience(limit=60)
    while time.now < 160:
        patience.wait("gone", gone=True)
    with pytest.raises(Away, match="gone"):
        patience.wait("gone", gone=True)
    assert 60 <= time.now - 100 < 62
    impatient = time.patience(over=lambda: True)
    with pytest.raises(Away):
        impatient.wait("gone", gone=True)
    with pytest.raises(Away):
        time.patience(limit=0).wait("gone", gone=True)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


class Cutting:
    """Loses the connection around every so many commits: before it is sent, or before its answer is heard."""

    def __init__(self, driver: Driver, fates: Iterator[str]) -> None:
        self._driver = driver
        self._fates = fates
        self.cuts = {"before": 0, "after": 0}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def commit(self) -> None:
        fate = next(self._fates)
        if fate == "well":
            self._driver.commit()
            return
        self.cuts[fate] += 1
        if fate == "after":
            self._driver.commit()
        self.lose()

    def lose(self) -> None:
        """What follows raises what the driver raises on a lost connection."""
        if self._driver.kind == "sqlite":
            self._driver.rollback()
            problem = sqlite3.OperationalError("disk I/O error")
            problem.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise problem
        self._driver.close()
        self._driver.execute("SELECT 1")


@pytest.mark.parametrize("seed", range(much(1, 10)))
def test_a_commit_of_unknown_outcome_happens_once(database: Database, seed: int) -> None:
    runner = moves.begin_runner(database, LIFE)
    database.live(runner)
    database.wait_by(Time().patience())
    chance = random.Random(seed)
    fates = (chance.choice(("before", "after", "well")) for _ in count())
    cutting = Cutting(database._driver, fates)
    database._driver = cutting  # type: ignore[assignment]
    number = 0
    while sum(cutting.cuts.values()) < (300 if database.kind == "sqlite" else 100):
        number += 1
        name = f"n{number}"
        # It would be False if it had happened before.

        def work(name: str = name) -> tuple[bool, str]:
            return database.add(POOL, (name,)), name

        assert database.write(work) == (True, name)
    assert min(cutting.cuts.values()) > 25
    assert database.execute("SELECT count(*) FROM pool").fetchone() == (number,)
    assert database.execute("SELECT step FROM runner WHERE id = ?", (runner,)).fetchone() == (number,)


def test_without_a_life_a_commit_of_unknown_outcome_is_not_repeated(database: Database) -> None:
    if database.kind == "sqlite":
        pytest.skip("there a commit that fails has not happened")
    database.wait_by(Time().patience())
    cutting = Cutting(database._driver, repeat("after"))
    database._driver = cutting  # type: ignore[assignment]
    with pytest.raises(Away):
        database.write(lambda: database.add(POOL, ("a",)))
    assert database.execute("SELECT count(*) FROM pool").fetchone() == (1,)


def test_a_connection_that_is_cut_in_the_middle_is_made_anew(database: Database) -> None:
    if database.kind == "sqlite":
        pytest.skip("there is nobody to cut it")
    time = Time()
    database.wait_by(time.patience())
    other = open_database(database.url)
    asked: list[int] = []

    def work() -> bool:
        database.add(POOL, ("a",))
        if len(asked) < 3:
            asked.append(1)
            cut(database, other)
        return database.add(POOL, ("b",))

    assert database.write(work)
    assert len(asked) == 3
    cut(database, other)
    assert database.execute("SELECT count(*) FROM pool").fetchone() == (2,)
    other.close()


def cut(database: Database, other: Database) -> None:
    """As an administrator does."""
    own = "pg_backend_pid()" if database.kind == "postgresql" else "connection_id()"
    (number,) = database.execute(f"SELECT {own}").fetchone() or (0,)
    if database.kind == "postgresql":
        other.execute("SELECT pg_terminate_backend(?, 10000)", (number,))
    else:
        other.execute(f"KILL {number}")


def test_who_has_lost_its_life_meanwhile_is_told_so(database: Database) -> None:
    if database.kind == "sqlite":
        pytest.skip("there is nobody to cut it")
    runner = moves.begin_runner(database, LIFE)
    database.live(runner)
    database.wait_by(Time().patience())
    other = open_database(database.url)

    def work() -> None:
        database.add(POOL, ("a",))
        cut(database, other)
        moves.end_runner(other, runner)
        database.add(POOL, ("b",))

    with pytest.raises(Fenced):
        database.write(work)
    assert database.execute("SELECT count(*) FROM pool").fetchone() == (0,)
    other.close()


def test_a_lock_that_others_hold_is_waited_for(database: Database) -> None:
    holder = open_database(database.url)
    holder.add(POOL, ("a",))
    time = Time()

    def release(seconds: float) -> None:
        time.sleep(seconds)
        if len(time.slept) == 3:
            holder._driver.rollback()

    patience = time.patience()
    patience.sleep = release
    database.wait_by(patience)
    for setting in {
        "sqlite": ("PRAGMA busy_timeout = 0",),
        "postgresql": ("SET lock_timeout = '20ms'",),
        "mysql": ("SET SESSION innodb_lock_wait_timeout = 1",),
    }[database.kind]:
        database.execute(setting)
    holder._driver.begin()
    holder.execute("UPDATE pool SET slots = 7 WHERE name = 'a'")
    database.write(lambda: database.execute("UPDATE pool SET slots = 8 WHERE name = 'a'"))
    assert len(time.slept) == 3
    assert database.execute("SELECT slots FROM pool").fetchone() == (8,)
    holder.close()


def test_a_full_disk_is_waited_for(tmp_path: Any) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'y.db'}")
    (pages,) = database.execute("PRAGMA page_count").fetchone() or (0,)
    database.execute(f"PRAGMA max_page_count = {pages}")
    time = Time()

    def make_room(seconds: float) -> None:
        time.sleep(seconds)
        if len(time.slept) == 9:
            database.execute("PRAGMA max_page_count = 100000")

    patience = time.patience()
    patience.sleep = make_room
    database.wait_by(patience)
    row = {"name": "a", "slots": 1, "source": "command", "description": "x" * 100_000}
    database.write(lambda: database.put("pool", row, key=("name",)))
    assert time.said[0].startswith("the database is away: database or disk is full; ")
    assert time.said[1].startswith("the database is back")
    assert database.damage() == []
    database.close()
