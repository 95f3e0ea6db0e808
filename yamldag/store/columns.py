"""Kinds of columns on each kind of database, as migrations declare them: what is written here never changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql


def _string(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


NAME = _string(200)
WORD = _string(20)
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
OPTIONS: dict[str, Any] = {
    f"{dialect}_{key}": value
    for dialect in ("mysql", "mariadb")
    for key, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
"""Of a table."""


def one_of(column: str, words: Iterable[str]) -> str:
    """The condition that it holds one of these. Spelt out: for an IN of more than two SQLite makes a table at each
    write."""
    return " OR ".join(f"{column} = '{word}'" for word in words)
