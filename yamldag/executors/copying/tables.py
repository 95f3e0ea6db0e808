"""Tables of a database as the two ends of a copy: rows that come out, and rows that go in within one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import exc

from yamldag.executors.databases import UselessError, engine_of
from yamldag.executors.statements import statements
from yamldag.executors.tabular.forms import Row
from yamldag.executors.tabular.reading import Rows
from yamldag.syntax.nearest import nearest

PORTION = 1000
"""Rows that are fetched together."""


class Table(NamedTuple):
    """A table that is there, as its database describes it."""

    name: str
    """Quoted, with its schema."""
    columns: dict[str, sa.types.TypeEngine[Any]]
    keys: frozenset[frozenset[str]]
    """Sets of columns, each of which tells all rows apart."""


@contextmanager
def opened(url: str) -> Iterator[sa.Connection]:
    """A connection that nobody else has. Raises UselessError, SQLAlchemyError."""
    engine = engine_of(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def rows_of(connection: sa.Connection, end: Mapping[str, Any]) -> Iterator[Rows]:
    """Those of a table or a query, as the driver gives them."""
    streamed = connection.execution_options(stream_results=True, max_row_buffer=PORTION)
    with streamed.execute(*_query(connection, end)) as result:
        if not result.returns_rows:
            raise UselessError("the query gives no rows")
        columns = list(result.keys())
        doubled = next((name for name in columns if columns.count(name) > 1), None)
        if doubled is not None:
            raise UselessError(f"two columns are called `{doubled}`: tell them apart with `as`")
        yield Rows(columns, _portions(result))


def _portions(result: sa.CursorResult[Any]) -> Iterator[list[Row]]:
    for portion in result.partitions(PORTION):
        yield [tuple(row) for row in portion]


def _query(connection: sa.Connection, end: Mapping[str, Any]) -> tuple[sa.TextClause, dict[str, Any]]:
    if end.get("table") is not None:
        table = described(connection, end["table"])
        quote = connection.dialect.identifier_preparer.quote
        return sa.text(_escaped(f"select {', '.join(map(quote, table.columns))} from {table.name}")), {}
    given = end.get("params") or {}
    by_position = isinstance(given, list)
    found = statements(
        end["query"], by_position=by_position, escapes=connection.dialect.name in ("mysql", "mariadb")
    )
    if len(found) != 1:
        raise UselessError(f"`query` should be one statement that gives rows, found {len(found)}")
    values = {f"_{number}": value for number, value in enumerate(given, 1)} if by_position else dict(given)
    wanted = set(found[0].names)
    if missing := sorted(wanted - values.keys()):
        raise UselessError(f"the query names `:{missing[0]}`, and `params` has no `{missing[0]}`")
    if unused := sorted(values.keys() - wanted):
        raise UselessError(f"`params` has `{unused[0]}`, and the query has no `:{unused[0]}`")
    return sa.text(found[0].text), values


def _escaped(text: str) -> str:
    return text.replace(":", "\\:")


def described(connection: sa.Connection, written: str) -> Table:
    """The table of that name, `schema.table` or `table`. Raises UselessError."""
    schema, _, name = written.rpartition(".")
    inspector = sa.inspect(connection)
    try:
        found = inspector.get_columns(name, schema or None)
    except exc.NoSuchTableError:
        found = []
    if not found:
        near = nearest(name, inspector.get_table_names(schema or None))
        help_ = f"; did you mean `{f'{schema}.' if schema else ''}{near}`?" if near else ""
        raise UselessError(f"there is no table `{written}`{help_}")
    quote = connection.dialect.identifier_preparer.quote
    full = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
    return Table(full, {each["name"]: each["type"] for each in found}, _keys(inspector, name, schema or None))


def _keys(inspector: sa.Inspector, name: str, schema: str | None) -> frozenset[frozenset[str]]:
    found = [inspector.get_pk_constraint(name, schema)["constrained_columns"]]
    found += [each["column_names"] for each in inspector.get_unique_constraints(name, schema)]
    found += [
        [column for column in each["column_names"] if column is not None]
        for each in inspector.get_indexes(name, schema)
        if each["unique"] and not each.get("dialect_options", {}).get("postgresql_where")
    ]
    return frozenset(frozenset(each) for each in found if each)


def _apart(header: str) -> str:
    """What a header is taken for that is more than one."""
    mark = next((each for each in (";", "\t", "|") if each in header), None)
    return (
        "" if mark is None else f": values are to be separated by commas, found `{mark}`".replace("\t", "\\t")
    )


def fitted(table: Table, columns: Sequence[str], end: Mapping[str, Any]) -> None:
    """Raises UselessError unless the columns are the table's, and its key is one of them that tells rows apart."""
    for name in columns:
        if name not in table.columns:
            near = nearest(name, table.columns)
            help_ = f"; did you mean `{near}`?" if near else _apart(name)
            raise UselessError(f"the table `{end['table']}` has no column `{name}`{help_}")
    if end["mode"] != "upsert":
        return
    for name in end["key"]:
        if name not in columns:
            raise UselessError(f"the key `{name}` is none of the columns that come: {', '.join(columns)}")
    if frozenset(end["key"]) not in table.keys:
        named = ", ".join(f"`{name}`" for name in end["key"])
        raise UselessError(
            f"`upsert` needs a primary key or a unique index on {named}, and `{end['table']}` has none"
        )
