"""A database file that one process has open several times, beside another process."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from subprocess import run

from yamldag.store.database import open_database

ADD = "INSERT INTO pool (name, slots, source) VALUES (?, 1, 'command')"
ELSEWHERE = f"""
import sqlite3, sys
with sqlite3.connect(sys.argv[1], isolation_level=None) as database:
    database.execute({ADD!r}, ("elsewhere",))
database.close()
"""


def test_one_that_opens_it_again_takes_no_lock_away_from_who_has_it_open(tmp_path: Path) -> None:
    """Without its lock, another process takes itself for the last one, and deletes the log that is written here."""
    path = tmp_path / "y.db"
    database = open_database(f"sqlite:///{path}")
    open_database(f"sqlite:///{path}").close()
    run([sys.executable, "-c", ELSEWHERE, str(path)], check=True)
    database.write(lambda: database.execute(ADD, ("here",)))
    with closing(sqlite3.connect(path)) as reader:
        seen = reader.execute("SELECT name FROM pool ORDER BY name").fetchall()
    database.close()
    assert [name for (name,) in seen] == ["elsewhere", "here"]


def test_a_new_one_is_for_its_user_alone(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path}/y.db").close()
    assert (tmp_path / "y.db").stat().st_mode & 0o777 == 0o600
