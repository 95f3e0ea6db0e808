"""Heirs on a server: one wins, and one that stands still within a transaction holds nobody up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.e2e.serving import wait_until
from yamldag.store import lives, moves
from yamldag.store.database import Away, Database, Fenced, open_database
from yamldag.store.drivers import mysql, postgresql
from yamldag.store.lives import Seen
from yamldag.store.moves import Life


@pytest.fixture
def database(server_url: str) -> Iterator[Database]:
    with closing(open_database(server_url)) as opened:
        yield opened


def begin(database: Database) -> int:
    return moves.begin_runner(database, Life("scheduler", "h", 1, "x", 1.0, "b", 4))


def one(database: Database, life: int) -> Seen:
    return next(each for each in lives.seen(database, 0) if each.id == life)


def test_one_that_writes_is_not_inherited_from_and_writes_no_more_once_it_is(database: Database) -> None:
    dead, heir = begin(database), begin(database)
    life = one(database, dead)
    with closing(open_database(database.url)) as other:
        other.live(dead)

        def work() -> None:
            assert not database.write(lambda: lives.inherit(database, life, heir)), "its row is locked"

        other.write(work)
        assert database.write(lambda: lives.inherit(database, life, heir))
        with pytest.raises(Fenced):
            other.write(lambda: None)


def test_one_that_stands_still_within_a_transaction_holds_nobody_up(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for driver in (mysql, postgresql):
        monkeypatch.setattr(driver, "IDLE", 1)
    with closing(open_database(server_url)) as database, closing(open_database(server_url)) as still:
        dead, heir = begin(database), begin(database)
        life = one(database, dead)
        still.live(dead)

        def work() -> None:
            wait_until(lambda: database.write(lambda: lives.inherit(database, life, heir)))
            still.execute("DELETE FROM event")

        with pytest.raises((Away, Fenced)):
            still.write(work)
        assert database.execute("SELECT step FROM runner WHERE id = ?", (dead,)).fetchone() == (0,)


def test_of_several_that_want_to_lead_one_does(database: Database) -> None:
    first, second = begin(database), begin(database)
    with closing(open_database(database.url)) as other:

        def work() -> float | None:
            return lives.lead(database, first)

        assert database.write(work) == 0.0
        assert other.write(lambda: lives.lead(other, second)) is None
        moves.end_runner(database, first)
        assert other.write(lambda: lives.lead(other, second)) is not None
