"""The same promises on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from yamldag.store import moves, schedules, tables, views
from yamldag.store import statements as sql
from yamldag.store.address import engine
from yamldag.store.database import CannotOpen, Database, Fenced, Taken, open_database, revision
from yamldag.store.drivers.contract import formatted
from yamldag.store.drivers.urls import without_password
from yamldag.store.names import REVISION
from yamldag.store.rows import NewInstance, NewRun, Output

DAY = "2026-11-20T00:00:00.000000Z"
LIFE = moves.Life("local", "here", 1, "x", 1.0)
POOL = "INSERT INTO pool (name, slots, source) VALUES (?, ?, 'command')"


def new_row(name: str, **more: Any) -> NewRun:
    row = NewRun(name, "p", "v", "manual", "running", DAY, DAY, DAY, None, "{}", None, 1.0, 1.0, 1)
    return row._replace(**more)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def with_run(database: Database) -> Database:
    """With run `r` of pipeline `p`, whose instance 7 is task `a`."""
    moves.begin_runner(database, LIFE)
    moves.save_version(database, moves.Version("p", "p.yml", "v", "{}", 1.0))
    assert moves.create_run(database, new_row("r"))
    database.many(sql.NEW_INSTANCE, [instance(7, "a")])
    return database


def instance(number: int, task: str) -> NewInstance:
    return NewInstance(number, "r", task, -1, None, "none", 0, 0, None, None, None, None, None, None)


def names(database: Database) -> list[tuple[str, int]]:
    return sorted(tuple(row) for row in database.execute("SELECT name, slots FROM pool"))


def test_a_server_s_new_database_gets_the_tables(server_url: str) -> None:
    database = open_database(server_url)
    assert revision(database) == REVISION
    database.close()
    with engine(server_url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_processes_that_open_a_new_database_at_once_make_its_tables_once(server_url: str) -> None:
    gate, found = threading.Barrier(4), []

    def open_it() -> None:
        gate.wait()
        database = open_database(server_url)
        found.append(revision(database))
        database.close()

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [REVISION] * 4


def test_a_server_s_database_of_a_newer_version_is_refused(server_url: str) -> None:
    database = open_database(server_url)
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(CannotOpen, match="made by a newer one"):
        open_database(server_url)


TEXTS = [
    "%s ? %% 'quoted' \"twice\" \\n \\",
    "😀 зоопарк 東京 \u0301",
    "line\nline\r\n\ttab",
    "",
    "x" * 2**20,
]


@pytest.mark.parametrize("text", TEXTS, ids=["signs", "letters", "blanks", "nothing", "1 MiB"])
def test_a_text_comes_back_as_it_was(with_run: Database, text: str) -> None:
    assert with_run.many(sql.OUTPUT, [Output(7, text)]) == 1
    assert with_run.execute("SELECT value FROM output WHERE instance = ?", (7,)).fetchone() == (text,)
    with views.reading(with_run.url) as db:
        assert [row.output for row in views.instances(db, "r")] == [text]


@pytest.mark.parametrize("moment", [0.1 + 0.2, 1_795_223_536.9800165, math.pi * 1e-300, 2.0**53 - 1])
def test_an_instant_comes_back_to_the_last_bit(with_run: Database, moment: float) -> None:
    with_run.execute("UPDATE run SET started = ? WHERE id = 'r'", (moment,))
    assert with_run.execute("SELECT started FROM run WHERE id = 'r'").fetchone() == (moment,)


def test_an_id_may_have_more_than_32_bits(with_run: Database) -> None:
    with_run.many(sql.NEW_INSTANCE, [instance(2**60 + 1, "b")])
    assert [row[0] for row in with_run.execute("SELECT id FROM task_instance ORDER BY id")] == [7, 2**60 + 1]


def test_names_that_differ_in_case_or_an_accent_alone_are_two(database: Database) -> None:
    for name in ("gpu", "GPU", "gpü", "gpu\u0308"):
        assert database.add(POOL, (name, 1))
    assert not database.add(POOL, ("GPU", 2))
    assert len(names(database)) == 4
    assert database.execute("SELECT count(*) FROM pool WHERE name = ?", ("gpu",)).fetchone() == (1,)


def test_what_is_put_overwrites_what_has_its_key(database: Database) -> None:
    for slots in (1, 5, 5):
        row = {"name": "a", "slots": slots, "source": "command", "description": None}
        database.put("pool", row, key=("name",))
    database.put("pool", {"name": "b", "slots": 2, "source": "project"}, key=("name",))
    assert names(database) == [("a", 5), ("b", 2)]


def test_a_key_that_is_taken_spoils_nothing_of_its_transaction(database: Database) -> None:
    def work() -> list[bool]:
        return [database.add(POOL, each) for each in (("a", 1), ("a", 2), ("b", 3))]

    assert database.write(work) == [True, False, True]
    assert names(database) == [("a", 1), ("b", 3)]


@pytest.mark.parametrize(
    ("what", "values"),
    [
        (POOL, ("a", -1)),
        ("INSERT INTO pool (name, slots, source) VALUES (?, ?, 'nobody')", ("a", 1)),
        ("INSERT INTO pool (name, slots, source) VALUES (?, ?, NULL)", ("a", 1)),
        ("INSERT INTO schedule_position (pipeline, decided_until, schedule, changed) VALUES (?, 'x', '', ?)", ("-", 1)),
    ],
    ids=["check", "word", "null", "foreign key"],
)  # fmt: skip
def test_only_a_taken_key_is_passed_over(database: Database, what: str, values: tuple[object, ...]) -> None:
    with pytest.raises(database.error):
        database.add(what, values)
    with pytest.raises(database.error):
        database.many(what, [values])


def test_many_rows_with_a_key_that_is_taken_say_so(database: Database) -> None:
    with pytest.raises(Taken):
        database.write(lambda: database.many(POOL, [("a", 1), ("b", 1), ("a", 1)]))
    assert names(database) == []


def test_rows_that_an_update_found_are_counted_whether_they_change_or_not(database: Database) -> None:
    database.many(POOL, [("a", 1), ("b", 2)])
    update = "UPDATE pool SET slots = ? WHERE name = ?"
    assert database.many(update, [(1, "a"), (2, "b"), (9, "nobody")]) == 2
    assert database.execute(update, (2, "b")).rowcount == 1


def test_many_updates_each_find_their_row_or_none(database: Database) -> None:
    names_ = [f"n{number};%s'" for number in range(450)]
    assert database.many(POOL, [(name, 1) for name in names_]) == 450
    update = "UPDATE pool SET slots = ? WHERE name = ? AND slots = ?"
    rows = [(number, name, number % 2) for number, name in enumerate(names_)]
    assert database.many(update, rows) == 225
    (total,) = database.execute("SELECT SUM(slots) FROM pool").fetchone() or (None,)
    assert total == sum(range(1, 450, 2)) + 225
    assert type(total) is int


def test_the_database_gives_new_ids(database: Database) -> None:
    first, second = moves.begin_runner(database, LIFE), moves.begin_runner(database, LIFE)
    assert 0 < first < second


def test_what_breaks_off_leaves_nothing(database: Database) -> None:
    def work() -> None:
        database.add(POOL, ("a", 1))
        raise KeyError

    with pytest.raises(KeyError):
        database.write(work)
    assert names(database) == []
    assert database.write(lambda: database.add(POOL, ("a", 1)))


def test_a_life_that_has_ended_writes_no_more(database: Database) -> None:
    runner = moves.begin_runner(database, LIFE)
    database.live(runner)
    database.write(lambda: database.add(POOL, ("a", 1)))
    database.execute("UPDATE runner SET ended = 5 WHERE id = ?", (runner,))
    with pytest.raises(Fenced):
        database.write(lambda: database.add(POOL, ("b", 1)))
    assert names(database) == [("a", 1)]
    assert database.execute("SELECT step FROM runner").fetchone() == (1,)


def test_the_heart_beats_by_the_clock_of_the_database(database: Database) -> None:
    runner = moves.begin_runner(database, LIFE)
    database.live(runner)
    before = time.time()
    database.write(lambda: None)
    (seen,) = database.execute("SELECT seen FROM runner").fetchone() or (0.0,)
    assert before - 1 < seen < time.time() + 1  # SQLite's is of this machine, and the servers' here too
    late = f"SELECT count(*) FROM runner WHERE seen < {database.clock} - ?"
    assert database.execute(late, (3600.0,)).fetchone() == (0,)
    assert database.execute(late, (-3600.0,)).fetchone() == (1,)


def test_rows_that_are_held_are_passed_over_by_others(database: Database) -> None:
    if database.kind == "sqlite":
        pytest.skip("whoever writes there is alone")
    database.many(POOL, [("a", 1), ("b", 2)])
    other = open_database(database.url)

    def free() -> list[Any]:
        return list(other.execute(f"SELECT name FROM pool{other.skip_locked}"))

    def work() -> list[Any]:
        database.execute(f"SELECT name FROM pool WHERE name = 'a'{database.for_update}")
        return other.write(free)

    assert database.write(work) == [("b",)]
    assert other.write(free) == [("a",), ("b",)]
    other.close()


def test_a_tick_has_one_run(with_run: Database) -> None:
    queued = schedules.QueuedRun("s1", "p", "scheduled", DAY, DAY, DAY, "{}", 1.0)
    assert schedules.queue_run(with_run, queued)
    assert not schedules.queue_run(with_run, queued._replace(id="s2"))
    assert [row.id for row in schedules.queued_runs(with_run)] == ["s1"]


def test_reading_sees_one_moment(with_run: Database) -> None:
    with views.reading(with_run.url) as db:
        assert len(views.runs(db)) == 1
        assert moves.create_run(with_run, new_row("later"))
        assert len(views.runs(db)) == 1
    with views.reading(with_run.url) as db:
        assert len(views.runs(db)) == 2


def test_a_sound_database_has_no_damage(with_run: Database) -> None:
    assert with_run.damage() == []
    assert with_run.orphans() == []


def test_a_nul_in_a_text_does_no_harm(with_run: Database) -> None:
    with_run.execute("UPDATE run SET reason = ? WHERE id = 'r'", ("a\0b",))
    (found,) = with_run.execute("SELECT reason FROM run WHERE id = 'r'").fetchone() or ("",)
    assert found in ("a\0b", "a\ufffdb")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cr3t@127.0.0.1:1/db",
        "postgresql://me:s3/cr3t@127.0.0.1/db",
        "postgresql://me:s3cr3t@127.0.0.1:port/db",
        "postgresql://127.0.0.1:1/db?user=me&password=s3cr3t",
        "mysql://me:s3cr3t@127.0.0.1:1/db",
        "mysql://me:s3cr3t@127.0.0.1:1/db?colour=red",
        "mariadb://me:s3/cr3t@127.0.0.1/db",
        "mariadb://me:s3cr3t@127.0.0.1:port/db",
        "mysql://me:s3cr3t@127.0.0.1",
    ],
)
def test_what_cannot_be_opened_is_told_without_its_password(url: str) -> None:
    with pytest.raises(CannotOpen) as told:
        open_database(url)
    said = str(told.value)
    assert "127.0.0.1" in said
    assert "cr3t" not in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        (
            "postgresql://me:a@b:c/d@host:5/db?sslmode=require",
            "postgresql://me:***@host:5/db?sslmode=require",
        ),
        ("postgresql:///db?user=me&password=a%40b&x=y", "postgresql:///db?user=me&password=***&x=y"),
        ("sqlite:////a/b:c.db", "sqlite:////a/b:c.db"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_only_the_marks_of_values_are_translated() -> None:
    assert (
        formatted("a = ? AND b = 'why? 100 %' AND c LIKE ?") == "a = %s AND b = 'why? 100 %%' AND c LIKE %s"
    )
