"""Writes rows to a file as they come."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, BinaryIO

from yamldag.executors.tabular.forms import NO_PARQUET, MisshapenError, Row

Take = Callable[[list[Row]], None]
_DIGITS = 38
"""The most that a decimal of Parquet has."""
_SPECIAL = re.compile(r'[",\r\n]')


@contextmanager
def writing(file: BinaryIO, form: str, columns: Sequence[str]) -> Iterator[Take]:
    """What takes rows of the columns' values, some at a time. Raises MisshapenError, OSError."""
    with _FORMS[form](file, columns) as take:
        yield take


@contextmanager
def _as_text(file: BinaryIO) -> Iterator[io.TextIOWrapper]:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", errors="surrogatepass", write_through=False)
    try:
        yield text
        text.flush()
    finally:
        text.detach()


@contextmanager
def _csv(file: BinaryIO, columns: Sequence[str]) -> Iterator[Take]:
    with _as_text(file) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)

        def take(rows: list[Row]) -> None:
            for row in rows:
                cells = [_cell(value) for value in row]
                if "" in cells:
                    text.write(",".join(map(_quoted, cells)) + "\n")
                else:
                    writer.writerow(cells)

        yield take


def _cell(value: Any) -> Any:
    """Null is nothing at all; lists and mappings are JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _quoted(cell: Any) -> str:
    """With an empty text told apart from null, which the library does not do."""
    if cell is None:
        return ""
    text = str(cell)
    return '"' + text.replace('"', '""') + '"' if text == "" or _SPECIAL.search(text) else text


@contextmanager
def _json(file: BinaryIO, columns: Sequence[str]) -> Iterator[Take]:
    begun = False
    with _as_text(file) as text:
        text.write("[")

        def take(rows: list[Row]) -> None:
            nonlocal begun
            for row in rows:
                text.write(",\n" if begun else "\n")
                begun = True
                json.dump(dict(zip(columns, row, strict=True)), text, ensure_ascii=False)

        yield take
        text.write("\n]\n" if begun else "]\n")


@contextmanager
def _lines(file: BinaryIO, columns: Sequence[str]) -> Iterator[Take]:
    with _as_text(file) as text:

        def take(rows: list[Row]) -> None:
            for row in rows:
                text.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n")

        yield take


@contextmanager
def _parquet(file: BinaryIO, columns: Sequence[str]) -> Iterator[Take]:
    """The first portion of rows decides on the types of the columns."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MisshapenError(NO_PARQUET) from None
    writer: Any = None
    schema: Any = arrow.schema([(name, arrow.null()) for name in columns])

    def take(rows: list[Row]) -> None:
        nonlocal writer, schema
        known = {} if writer is None else {each.name: each.type for each in schema}
        turned = {
            name: _column(arrow, [_storable(row[at]) for row in rows], known.get(name))
            for at, name in enumerate(columns)
        }
        try:
            if writer is None:
                table = arrow.table(turned)
                schema = _widened(arrow, table.schema)
                writer = parquet.ParquetWriter(file, schema)
                writer.write_table(table.cast(schema))
            else:
                writer.write_table(arrow.table(turned, schema=schema))
        except (arrow.ArrowException, OverflowError):
            raise MisshapenError(_misfit(arrow, turned, schema)) from None

    try:
        yield take
        if writer is None:
            writer = parquet.ParquetWriter(file, schema)
    finally:
        if writer is not None:
            writer.close()


def _misfit(arrow: Any, turned: Mapping[str, list[Any]], schema: Any) -> str:
    """Which column does not have one type, and by which value."""
    for name, values in turned.items():
        kind = schema.field(name).type
        first = next((value for value in values if value is not None), None)
        for value in values:
            try:
                arrow.array([first, value]) if kind == arrow.null() else arrow.array([value], kind)
            except (arrow.ArrowException, OverflowError):
                if kind == arrow.null() and value is first:
                    return f"Parquet has no type for `{value}` in the column `{name}`: cast it, or write CSV or JSON"
                began = f"with `{first}`" if kind == arrow.null() else f"as {kind}"
                return (
                    f"the column `{name}` began {began} and goes on with `{value}`: "
                    "Parquet has one type for a column; cast it, or write CSV or JSON"
                )
    return "the rows don't fit the types that Parquet has; cast them, or write CSV or JSON"


def _column(arrow: Any, values: list[Any], kind: Any) -> list[Any]:
    """Its values, lists as JSON unless all are lists, and of one kind of value: a column of JSON may hold anything."""
    lists = [value for value in values if isinstance(value, list)]
    if not lists or (kind is not None and arrow.types.is_list(kind)):
        return values
    others = any(value is not None and not isinstance(value, list) for value in values)
    if kind is None and not others and _are_alike(arrow, lists):
        return values
    return [json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value for value in values]


def _are_alike(arrow: Any, lists: list[Any]) -> bool:
    try:
        kind = arrow.array(lists).type
    except (arrow.ArrowException, OverflowError):
        return False
    while arrow.types.is_list(kind):
        kind = kind.value_type
    return not arrow.types.is_struct(kind)  # whose keys would be those of all


def _storable(value: Any) -> Any:
    """What Arrow has no type for is text; mappings, whose keys may differ from row to row, are JSON."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    known = (bool, int, float, str, bytes, list, Decimal, datetime.date, datetime.time, datetime.timedelta)
    return value if value is None or isinstance(value, known) else str(value)


def _widened(arrow: Any, schema: Any) -> Any:
    """A column that begins with nulls alone may hold text later, and decimals may grow."""

    def wide(kind: Any) -> Any:
        if kind == arrow.null():
            return arrow.string()
        return arrow.decimal128(_DIGITS, kind.scale) if arrow.types.is_decimal(kind) else kind

    return arrow.schema([arrow.field(each.name, wide(each.type)) for each in schema])


_FORMS: dict[str, Callable[[BinaryIO, Sequence[str]], Any]] = {
    "csv": _csv,
    "json": _json,
    "jsonl": _lines,
    "parquet": _parquet,
}
