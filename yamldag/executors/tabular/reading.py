"""Reads rows from a file: their columns first, then some rows at a time."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple

from yamldag.executors.tabular.forms import NO_PARQUET, MisshapenError, Row

_LONGEST = 64 << 20
"""Characters that one value may have."""
csv.field_size_limit(_LONGEST)
_PORTION = 1000
"""Rows that are given together."""
_BLOCK = 1 << 16
_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)', re.DOTALL)
"""One cell of a record: with its quotes, or without any."""


_FIRST, _NEXT = re.compile(r"\s*\[\s*"), re.compile(r"\s*,\s*")


class Rows(NamedTuple):
    """A table on its way. Of a file of JSON without rows the columns are not known, and empty."""

    columns: list[str]
    portions: Iterator[list[Row]]


def reading(file: BinaryIO, form: str) -> Rows:
    """The rows of an open file. All values of CSV are text, or null where there is nothing. Raises MisshapenError,
    here and while rows are asked for."""
    if form == "parquet":
        return _parquet(file)
    if form == "csv":
        return _csv(file)
    return _of_mappings(_mappings_in_lines(file) if form == "jsonl" else _mappings_in_list(file))


class _Text(io.TextIOWrapper):
    """Leaves the file to whoever has opened it."""

    def __del__(self) -> None:
        with suppress(ValueError):
            self.detach()


def _text(file: BinaryIO) -> io.TextIOWrapper:
    return _Text(file, encoding="utf-8-sig", newline="")


def _portions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    portion: list[Row] = []
    for row in rows:
        portion.append(row)
        if len(portion) == _PORTION:
            yield portion
            portion = []
    if portion:
        yield portion


# CSV


def _csv(file: BinaryIO) -> Rows:
    records = _Records(_text(file))
    try:
        columns = next(records, None)
    except (csv.Error, UnicodeDecodeError) as error:
        raise _bad_csv(error, 1) from None
    if not columns:
        raise MisshapenError("the file is empty: its first line should name the columns")
    doubled = next((name for name in columns if columns.count(name) > 1), None)
    if doubled is not None:
        raise MisshapenError(f"two columns are called `{doubled}`")
    return Rows(columns, _portions(_cells(records, len(columns))))


def header(file: BinaryIO) -> tuple[list[str], bytes]:
    """The columns that the first line of a file of CSV names, and what was read of the file after it."""
    held, end = b"", -1
    while end < 0:
        block = file.read(_BLOCK)
        held += block
        end = _line_end(held)
        if end < 0 and (not block or len(held) > _LONGEST):
            end = len(held)
    return _csv(io.BytesIO(held[:end])).columns, held[end:]


def _line_end(data: bytes) -> int:
    """Where the first line ends that is not inside quotes; -1: not in here."""
    quoted, at = False, 0
    while (at := data.find(b"\n", at) + 1) > 0:
        quoted = data.count(b'"', 0, at) % 2 == 1
        if not quoted:
            return at
    return -1


class _Records:
    """The records of a text, and of the newest one the characters that it was read from."""

    def __init__(self, text: Iterable[str]) -> None:
        self._lines = iter(text)
        self._seen: list[str] = []
        self._reader = csv.reader(self._heard(), strict=True)

    def _heard(self) -> Iterator[str]:
        for line in self._lines:
            self._seen.append(line)
            yield line

    def __iter__(self) -> _Records:
        return self

    def __next__(self) -> list[str]:
        self._seen.clear()
        return next(self._reader)

    @property
    def written(self) -> str:
        return "".join(self._seen)

    @property
    def line(self) -> int:
        return self._reader.line_num


def _cells(records: _Records, width: int) -> Iterator[Row]:
    while True:
        try:
            record = next(records, None)
        except (csv.Error, UnicodeDecodeError) as error:
            raise _bad_csv(error, records.line) from None
        if record is None:
            return
        if len(record) != width:
            if not record:
                continue  # an empty line
            counted = f"{len(record)} {'value' if len(record) == 1 else 'values'}"
            raise MisshapenError(f"line {records.line} has {counted}, and the first one {width}")
        yield record if "" not in record else _with_nulls(record, records.written)


def _with_nulls(record: list[str], written: str) -> Row:
    """Nothing is null, and two quotes are an empty text."""
    if '""' not in written:
        return [cell or None for cell in record]
    cells = [match[1] for match in _CELL.finditer(written.rstrip("\r\n"))]
    return [None if cell == "" and cells[at] is None else cell for at, cell in enumerate(record)]


def _bad_csv(error: Exception, line: int) -> MisshapenError:
    why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
    why = "a quote is never closed" if why == "unexpected end of data" else why
    return MisshapenError(f"line {line} is no CSV: {why}")


# JSON


def _of_mappings(found: Iterator[tuple[int, Any]]) -> Rows:
    """The first one decides on the columns."""
    first = next(found, None)
    if first is None:
        return Rows([], iter(()))
    columns = list(_mapping(*first))
    known = frozenset(columns)

    def rows() -> Iterator[Row]:
        yield list(first[1].values())
        for number, each in found:
            if more := _mapping(number, each).keys() - known:
                name = sorted(more)[0]
                raise MisshapenError(f"row {number} has `{name}`, which the first row does not have")
            yield [each.get(name) for name in columns]

    return Rows(columns, _portions(rows()))


def _mapping(number: int, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise MisshapenError(f"row {number} should be a mapping of columns to values")
    return found


def _mappings_in_lines(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    try:
        for number, line in enumerate(_text(file), 1):
            if line.strip():
                yield number, json.loads(line)
    except json.JSONDecodeError as error:
        raise MisshapenError(f"line {number} is not JSON: column {error.colno} is not understood") from None
    except (ValueError, RecursionError):
        raise MisshapenError("the file is not JSON lines in UTF-8") from None


def _mappings_in_list(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    """The members of one list, without the whole of it in memory."""
    text, decode = _text(file), json.JSONDecoder().raw_decode
    held, number, ended = "", 0, False
    try:
        while True:
            match = (_NEXT if number else _FIRST).match(held)
            if match and match.end() < len(held):
                if held[match.end()] == "]" and not number:
                    return
                try:
                    value, end = decode(held, match.end())
                    if end < len(held) or ended:
                        number += 1
                        yield number, value
                        held = held[end:]
                        continue
                except json.JSONDecodeError:
                    if ended or len(held) > _LONGEST:
                        break
            elif held.lstrip().startswith("]") and number:
                return
            if ended:
                break
            block = text.read(max(_BLOCK, len(held)))
            held, ended = held + block, not block
    except (ValueError, RecursionError):
        pass
    raise MisshapenError(f"the file is no list of rows in JSON: what follows row {number} is not understood")


# Parquet


def _parquet(file: BinaryIO) -> Rows:
    """The file must be one that can be sought in."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MisshapenError(NO_PARQUET) from None
    try:
        opened = parquet.ParquetFile(file)
    except arrow.ArrowInvalid:
        raise MisshapenError("the file is no Parquet") from None
    columns = list(opened.schema_arrow.names)

    def portions() -> Iterator[list[Row]]:
        for batch in opened.iter_batches(_PORTION):
            yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))

    return Rows(columns, portions())
