"""Writes rows to a file as they come, in constant memory: CSV, JSON, JSON lines, Parquet."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Row = Sequence[Any]
Take = Callable[[list[Row]], None]
NO_PARQUET = "`save_to` of Parquet needs one more package: pip install 'yamldag[parquet]'"


class UnsaveableError(Exception):
    """Why the rows can't be written, in words."""


@contextmanager
def saving(path: str, columns: Sequence[str]) -> Iterator[Take]:
    """What takes rows of JSON values, some at a time. The file is there whole, or not at all. Raises OSError,
    UnsaveableError."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    part = f"{path}.part"
    try:
        with _FORMATS[os.path.splitext(path)[1].lower()](part, columns) as take:
            yield take
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.unlink(part)
        raise


@contextmanager
def _csv(path: str, columns: Sequence[str]) -> Iterator[Take]:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        yield lambda rows: writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    """Null is nothing at all; lists and mappings are JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


@contextmanager
def _json(path: str, columns: Sequence[str]) -> Iterator[Take]:
    begun = False
    with open(path, "w", encoding="utf-8") as file:
        file.write("[")

        def take(rows: list[Row]) -> None:
            nonlocal begun
            for row in rows:
                file.write(",\n" if begun else "\n")
                begun = True
                json.dump(dict(zip(columns, row, strict=True)), file, ensure_ascii=False)

        yield take
        file.write("\n]\n" if begun else "]\n")


@contextmanager
def _lines(path: str, columns: Sequence[str]) -> Iterator[Take]:
    with open(path, "w", encoding="utf-8") as file:

        def take(rows: list[Row]) -> None:
            for row in rows:
                file.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n")

        yield take


@contextmanager
def _parquet(path: str, columns: Sequence[str]) -> Iterator[Take]:
    """The first portion of rows decides on the types of the columns."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise UnsaveableError(NO_PARQUET) from None
    writer: Any = None
    schema: Any = arrow.schema([(name, arrow.null()) for name in columns])

    def take(rows: list[Row]) -> None:
        nonlocal writer, schema
        turned = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
        try:
            table = arrow.table(turned, schema=None if writer is None else schema)
            if writer is None:
                schema = _widened(arrow, table.schema)
                writer = parquet.ParquetWriter(path, schema)
            writer.write_table(table.cast(schema))
        except (arrow.ArrowInvalid, arrow.ArrowTypeError, arrow.ArrowNotImplementedError) as error:
            raise UnsaveableError(f"the rows don't fit Parquet's types: {error}") from None

    try:
        yield take
        if writer is None:
            writer = parquet.ParquetWriter(path, schema)
    finally:
        if writer is not None:
            writer.close()


def _widened(arrow: Any, schema: Any) -> Any:
    """A column that begins with nulls alone may hold text later."""
    fields = [
        arrow.field(each.name, arrow.string() if each.type == arrow.null() else each.type) for each in schema
    ]
    return arrow.schema(fields)


_FORMATS: dict[str, Callable[[str, Sequence[str]], Any]] = {
    ".csv": _csv,
    ".json": _json,
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".parquet": _parquet,
}
