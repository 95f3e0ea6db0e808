"""Puts rows into a table, all of them or none: by COPY on PostgreSQL, by many at once elsewhere."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import sqlalchemy as sa

from yamldag.executors.copying.tables import Table, described, fitted
from yamldag.executors.query import plain
from yamldag.executors.tabular.forms import Row
from yamldag.executors.tabular.reading import Rows, header

_STAGING = "yamldag_staging"
_ORDER = "yamldag_row"
"""The column of the staging table that tells which of two rows with one key came later."""
_BLOCK = 1 << 16


def load(connection: sa.Connection, rows: Rows, end: Mapping[str, Any]) -> int:
    """Put them in; how many there were. Nothing is committed here."""
    table = described(connection, end["table"])
    columns = rows.columns
    fitted(table, columns or list(end["key"] or ()), end)
    if end["mode"] == "replace":
        connection.execute(sa.text(f"delete from {_escaped(table.name)}"))
    if not columns:
        return 0
    if connection.dialect.name == "postgresql":
        with _target(connection, table, columns, end) as into, _copy(connection, into, columns) as copy:
            return _counted(_written(copy, table, columns, rows.portions))
    insert = _insert(connection, table, columns, end)
    return _counted(insert(portion) for portion in rows.portions)


def reads_csv(connection: sa.Connection, end: Mapping[str, Any]) -> bool:
    """Whether the database reads a file of CSV by itself as it is meant: in ours, lists are JSON."""
    if connection.dialect.name != "postgresql":
        return False
    kinds = described(connection, end["table"]).columns.values()
    return not any(isinstance(kind, sa.ARRAY) for kind in kinds)


def load_csv(connection: sa.Connection, file: BinaryIO, end: Mapping[str, Any]) -> int:
    """PostgreSQL reads CSV by itself, once it is told which columns come."""
    table = described(connection, end["table"])
    columns, begun = header(file)
    fitted(table, columns, end)
    if end["mode"] == "replace":
        connection.execute(sa.text(f"delete from {_escaped(table.name)}"))
    with _target(connection, table, columns, end) as into:
        with _copy(connection, into, columns, "format csv, encoding 'UTF8'") as copy:
            block = begun
            while block:
                copy.write(block)
                block = file.read(_BLOCK)
        return copy.count


def _counted(numbers: Iterable[int]) -> int:
    return sum(numbers)


def _escaped(text: str) -> str:
    return text.replace(":", "\\:")


# PostgreSQL


@contextmanager
def _target(
    connection: sa.Connection, table: Table, columns: Sequence[str], end: Mapping[str, Any]
) -> Iterator[str]:
    """Where rows are copied to: the table itself, or one beside it that is merged into it at the end."""
    if end["mode"] != "upsert":
        yield table.name
        return
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(map(quote, columns))
    made = f"create temp table {_STAGING} on commit drop as select {names} from {table.name} with no data"
    connection.execute(sa.text(_escaped(made)))
    connection.execute(sa.text(f"alter table {_STAGING} add column {_ORDER} bigserial"))
    yield _STAGING
    key = ", ".join(map(quote, end["key"]))
    rest = [quote(name) for name in columns if name not in end["key"]]
    then = f"update set {', '.join(f'{each} = excluded.{each}' for each in rest)}" if rest else "nothing"
    merge = (
        f"insert into {table.name} ({names}) select distinct on ({key}) {names} from {_STAGING}"
        f" order by {key}, {_ORDER} desc on conflict ({key}) do {then}"
    )
    connection.execute(sa.text(_escaped(merge)))


@contextmanager
def _copy(
    connection: sa.Connection, into: str, columns: Sequence[str], options: str = "format text"
) -> Iterator[_Copy]:
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(map(quote, columns))
    cursor: Any = connection.connection.cursor()
    try:
        with cursor.copy(f"copy {into} ({names}) from stdin with ({options})") as copy:
            made = _Copy(copy.write, copy.write_row)
            yield made
        made.count = int(cursor.rowcount)
    finally:
        cursor.close()


class _Copy:
    def __init__(self, write: Callable[[bytes], None], write_row: Callable[[Row], None]) -> None:
        self.write = write
        self.write_row = write_row
        self.count = 0
        """Rows that were copied, once it is over."""


def _written(copy: Any, table: Table, columns: Sequence[str], portions: Iterable[list[Row]]) -> Iterator[int]:
    lists = [isinstance(table.columns[name], sa.ARRAY) for name in columns]
    for portion in portions:
        for row in portion:
            copy.write_row([_storable(value, one) for value, one in zip(row, lists, strict=True)])
        yield len(portion)


def _storable(value: Any, is_array: bool) -> Any:
    if is_array:
        return _list_in(value) if isinstance(value, str) and value.lstrip().startswith("[") else value
    return _as_json(value)


def _list_in(text: str) -> Any:
    """Of a file in which lists are JSON; the database says what is wrong with any other text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


# Elsewhere

Insert = Callable[[list[Row]], int]


def _insert(
    connection: sa.Connection, table: Table, columns: Sequence[str], end: Mapping[str, Any]
) -> Insert:
    """What puts a portion of rows in; how many they are."""
    dialect = connection.dialect.name
    turn = [_turn(dialect, table.columns[name]) for name in columns]
    merge = _MERGES.get(dialect) if end["mode"] == "upsert" else None
    quote = connection.dialect.identifier_preparer.quote
    names = [quote(name) for name in columns]
    tail = merge(names, [quote(name) for name in end["key"]]) if merge else ""
    delete = _delete(connection, table, columns, end) if end["mode"] == "upsert" and merge is None else None
    marks = ", ".join(f":v{at}" for at in range(len(columns)))
    text = sa.text(
        f"insert into {_escaped(table.name)} ({_escaped(', '.join(names))}) values ({marks}) {_escaped(tail)}"
    )

    def insert(portion: list[Row]) -> int:
        rows = [[change(value) for change, value in zip(turn, row, strict=True)] for row in portion]
        if delete is not None:
            rows = delete(rows)
        connection.execute(text, [{f"v{at}": value for at, value in enumerate(row)} for row in rows])
        return len(portion)

    return insert


def _on_conflict(names: Sequence[str], key: Sequence[str]) -> str:
    rest = [name for name in names if name not in key]
    then = f"update set {', '.join(f'{name} = excluded.{name}' for name in rest)}" if rest else "nothing"
    return f"on conflict ({', '.join(key)}) do {then}"


def _on_duplicate(names: Sequence[str], _key: Sequence[str]) -> str:
    return f"on duplicate key update {', '.join(f'{name} = values({name})' for name in names)}"


_MERGES = {"sqlite": _on_conflict, "mysql": _on_duplicate, "mariadb": _on_duplicate}


def _delete(
    connection: sa.Connection, table: Table, columns: Sequence[str], end: Mapping[str, Any]
) -> Callable[[list[list[Any]]], list[list[Any]]]:
    """In a database that has no word for it: what has one of the keys goes first; the rows less those that others
    with the same key come after."""
    quote = connection.dialect.identifier_preparer.quote
    places = [columns.index(name) for name in end["key"]]
    where = " and ".join(f"{_escaped(quote(name))} = :k{at}" for at, name in enumerate(end["key"]))
    text = sa.text(f"delete from {_escaped(table.name)} where {where}")

    def delete(rows: list[list[Any]]) -> list[list[Any]]:
        last = {tuple(row[place] for place in places): row for row in rows}
        connection.execute(text, [{f"k{at}": value for at, value in enumerate(key)} for key in last])
        return list(last.values())

    return delete


def _turn(dialect: str, kind: sa.types.TypeEngine[Any]) -> Callable[[Any], Any]:
    """From a value as it came to one that the column takes."""
    if dialect == "sqlite":
        return _for_sqlite
    if dialect in ("mysql", "mariadb"):
        if isinstance(kind, sa.Boolean) or getattr(kind, "display_width", None) == 1:
            return _boolean
        if isinstance(kind, sa.DateTime | sa.TIMESTAMP):
            return _moment
        if kind.__visit_name__ == "BIT":
            return _bits
    return _as_json


def _as_json(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _for_sqlite(value: Any) -> Any:
    return _as_json(value if isinstance(value, bytes) else plain(value))


def _boolean(value: Any) -> Any:
    return (
        {"true": 1, "t": 1, "false": 0, "f": 0}.get(value.lower(), value) if isinstance(value, str) else value
    )


def _bits(value: Any) -> Any:
    """A text would be taken for the bits of its letters."""
    value = _boolean(value)
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _moment(value: Any) -> Any:
    """Without an offset, for it has no place for one: what had one is told in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            return value
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value
