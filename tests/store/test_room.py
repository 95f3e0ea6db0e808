"""Room made in SQLite's log ahead of commits: nothing that is stored depends on it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

from yamldag.store.database import open_database
from yamldag.store.drivers.sqlite import SQLite

ADD = "INSERT INTO pool (name, slots, source) VALUES (?, 1, 'command')"
WRITER = """
import os, sys
from yamldag.store.database import open_database
db = open_database(sys.argv[1])
for number in range(30):
    db.make_room()
    db.write(lambda: db.execute({add!r}, (f"p{{number}}",)))
os.kill(os.getpid(), 9)
"""


def names(path: Path) -> list[str]:
    with sqlite3.connect(path) as reader:
        return [row[0] for row in reader.execute("SELECT name FROM pool ORDER BY rowid")]


def test_all_that_was_committed_outlives_a_kill_between_rooms(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    ended = subprocess.run(
        [sys.executable, "-c", WRITER.format(add=ADD), f"sqlite:///{path}"], check=False, capture_output=True
    )
    assert ended.returncode == -9, ended.stderr.decode()
    assert names(path) == [f"p{number}" for number in range(30)]


def test_others_read_and_write_between_rooms(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    one, other = open_database(f"sqlite:///{path}"), open_database(f"sqlite:///{path}")
    for number in range(20):
        writer = (one, other)[number % 2]
        writer.make_room()
        writer.write(partial(writer.execute, ADD, (f"p{number}",)))
    assert names(path) == [f"p{number}" for number in range(20)]
    assert one.damage() == []
    one.close()
    other.close()


def test_the_log_grows_by_portions_to_where_it_begins_anew(tmp_path: Path) -> None:
    driver = SQLite(str(tmp_path / "some.db"))
    driver.connect()
    assert not driver.make_room()  # there is no log to speak of yet
    driver.execute("CREATE TABLE t (x)")
    lengths = []
    while driver.make_room():
        lengths.append(os.path.getsize(tmp_path / "some.db-wal"))
    assert lengths == sorted(set(lengths))
    assert 1000 * 4120 <= lengths[-1] < 1100 * 4120
    assert not driver.make_room()
    driver.close()


def test_a_log_that_cannot_be_made_longer_is_no_trouble(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'some.db'}")
    other = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    db.execute("PRAGMA busy_timeout = 0")
    db.make_room()
    other.execute("ROLLBACK")
    db.write(lambda: db.execute(ADD, ("p",)))
    assert names(tmp_path / "some.db") == ["p"]
    db.close()
