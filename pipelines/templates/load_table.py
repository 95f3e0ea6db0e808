"""What the tasks of load_table.yml do: modules are sought beside the file that names them."""

from __future__ import annotations

import csv
import sqlite3

import yamldag


def count_rows(path: str, at_least: int) -> dict[str, int]:
    """How many rows the file has. Too few will not become more by trying again."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = sum(1 for _ in csv.DictReader(file))
    if rows < at_least:
        raise yamldag.Fail(f"{path} has {rows} rows, expected at least {at_least}")
    return {"rows": rows}


def load(path: str, table: str, database: str) -> dict[str, int]:
    """Load the file into a table of its own. A second attempt finds nothing of the first."""
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    columns, places = ", ".join(f'"{name}"' for name in header), ", ".join("?" * len(header))
    with sqlite3.connect(database, timeout=30) as connection:
        connection.execute(f'DROP TABLE IF EXISTS "{table}"')
        connection.execute(f'CREATE TABLE "{table}" ({columns})')
        connection.executemany(f'INSERT INTO "{table}" VALUES ({places})', rows)  # noqa: S608  (names are checked)
    connection.close()
    return {"rows": len(rows)}
