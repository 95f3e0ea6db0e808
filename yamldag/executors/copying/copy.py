"""Copies from one place to another, and says in words why that can't be."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO, cast

from sqlalchemy import exc

from yamldag.executors.copying import stores
from yamldag.executors.copying.loading import load, load_csv, reads_csv
from yamldag.executors.copying.places import StoreError, shown
from yamldag.executors.copying.tables import opened, rows_of
from yamldag.executors.databases import UselessError, is_gone, words_of
from yamldag.executors.query import TOO_LARGE, plain
from yamldag.executors.reach import OutOfReachError, Reach
from yamldag.executors.tabular.forms import MisshapenError, Row, is_packed
from yamldag.executors.tabular.reading import Rows, reading
from yamldag.executors.tabular.writing import writing

_BLOCK = 1 << 18
End = Mapping[str, Any]
"""A place (`url`, `connection`, `form`), or a table (`database`: its URL for SQLAlchemy, `table` or `query`, `params`,
`mode`, `key`)."""


def copy(spec: dict[str, Any]) -> dict[str, Any]:
    """The result `{state, output, reason, retry}`."""
    source, target = spec["from"], spec["to"]
    try:
        output = _Copy(Reach(**spec["reach"]), Reach(**spec["reach"])).carry_out(source, target)
    except (UselessError, MisshapenError, OutOfReachError) as error:
        return _failed(str(error), retry=False)
    except StoreError as error:
        return _failed(str(error), retry=error.retry)
    except exc.SQLAlchemyError as error:
        return _failed(_of_database(error), retry=True)
    except OverflowError:
        return _failed(TOO_LARGE, retry=False)
    except OSError as error:
        return _failed(f"the copy broke off: {(error.strerror or str(error)).lower()}", retry=True)
    except Exception as error:
        if (words := _of_driver(error)) is None:
            raise
        return _failed(words, retry=True)
    print(f"{_named(source)} -> {_named(target)}: {_counted(output)}", flush=True)
    return {"state": "success", "output": output}


def _failed(reason: str, *, retry: bool) -> dict[str, Any]:
    return {"state": "failed", "reason": reason, "retry": retry}


def _named(end: End) -> str:
    if "database" not in end:
        return shown(end["url"]).strip("`")
    return str(end.get("table") or "a query")


def _counted(output: Mapping[str, int | None]) -> str:
    rows = output["rows"]
    parts = [] if rows is None else [f"{rows} {'row' if rows == 1 else 'rows'}"]
    return ", ".join([*parts, *([] if output["bytes"] is None else [f"{output['bytes']} bytes"])])


class _Copy:
    def __init__(self, source: Reach, target: Reach) -> None:
        self._source = source
        self._target = target

    def carry_out(self, source: End, target: End) -> dict[str, int | None]:
        """`{rows, bytes}`: bytes read, or written where they come from a table; null where there were none."""
        if "database" in source:
            return self._from_table(source, target)
        if "database" in target:
            return self._into_table(source, target)
        if (source["form"], is_packed(source["url"])) == (target["form"], is_packed(target["url"])):
            return self._as_it_is(source, target)
        return self._rewritten(source, target)

    def _as_it_is(self, source: End, target: End) -> dict[str, int | None]:
        """The same bytes."""
        with self._read(source) as file, stores.writing(target, self._target) as into:
            shutil.copyfileobj(file, into, _BLOCK)
            return {"rows": None, "bytes": file.count}

    def _rewritten(self, source: End, target: End) -> dict[str, int | None]:
        """In another form, or packed otherwise."""
        with self._read(source) as file:
            if source["form"] == target["form"]:
                with (
                    _unpacked(source, file) as data,
                    stores.writing(target, self._target) as into,
                    _packing(target, into) as packed,
                ):
                    shutil.copyfileobj(data, packed, _BLOCK)
                return {"rows": None, "bytes": file.count}
            with self._rows(source, file) as rows:
                return {"rows": self._write(rows, target)[0], "bytes": file.count}

    def _into_table(self, source: End, target: End) -> dict[str, int | None]:
        with self._read(source) as file, opened(target["database"]) as connection, connection.begin():
            if source["form"] == "csv" and reads_csv(connection, target):
                with _unpacked(source, file) as data:
                    count = load_csv(connection, data, target)
            else:
                with self._rows(source, file) as rows:
                    count = load(connection, rows, target)
            return {"rows": count, "bytes": file.count}

    def _from_table(self, source: End, target: End) -> dict[str, int | None]:
        with opened(source["database"]) as connection, rows_of(connection, source) as rows:
            if "database" in target:
                with opened(target["database"]) as other, other.begin():
                    return {"rows": load(other, rows, target), "bytes": None}
            count, size = self._write(rows, target)
            return {"rows": count, "bytes": size}

    def _write(self, rows: Rows, target: End) -> tuple[int, int]:
        """Rows and bytes that were written."""
        count, form = 0, target["form"]
        stores.known(target)
        if form is None:
            raise UselessError(f"rows can't be written to {shown(target['url'])}: set its `format`")
        with stores.writing(target, self._target) as into:
            file = _Counting(into)
            with _packing(target, file) as packed, writing(packed, form, rows.columns) as take:
                for portion in rows.portions:
                    take(portion if form == "parquet" else _plain(portion, rows.columns))
                    count += len(portion)
            return count, file.count

    @contextmanager
    def _read(self, source: End) -> Iterator[_Counting]:
        with stores.reading(source, self._source) as file:
            yield _Counting(file)

    @contextmanager
    def _rows(self, source: End, file: _Counting) -> Iterator[Rows]:
        form = source["form"]
        if form is None:
            raise UselessError(
                f"what {shown(source['url'])} holds can't be told from its name: set its `format`"
            )
        with ExitStack() as open_files:
            data = open_files.enter_context(_unpacked(source, file))
            if form == "parquet" and not file.seekable():
                kept = open_files.enter_context(tempfile.TemporaryFile(dir=os.environ.get("YAMLDAG_RUN_DIR")))
                shutil.copyfileobj(data, kept, _BLOCK)
                kept.seek(0)
                data = kept
            yield reading(data, form)


def _plain(portion: list[Row], columns: list[str]) -> list[Row]:
    return [[plain(value, name) for name, value in zip(columns, row, strict=True)] for row in portion]


class _Counting:
    """A file, and how many bytes went through it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        self.count += len(data)
        return data

    read1 = read

    def write(self, data: Any) -> int:
        size = len(memoryview(data).cast("B"))
        self._file.write(data)
        self.count += size
        return size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def _unpacked(source: End, file: _Counting) -> Iterator[BinaryIO]:
    if not is_packed(source["url"]):
        yield cast(BinaryIO, file)
        return
    try:
        with gzip.GzipFile(fileobj=cast(BinaryIO, file), mode="rb") as data:
            yield cast(BinaryIO, data)
    except (gzip.BadGzipFile, EOFError):
        raise MisshapenError(f"{shown(source['url'])} is no whole gzip file") from None


@contextmanager
def _packing(target: End, file: Any) -> Iterator[BinaryIO]:
    if not is_packed(target["url"]):
        yield file
        return
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
        yield cast(BinaryIO, packed)


def _of_database(error: exc.SQLAlchemyError) -> str:
    words = words_of(error)
    return f"the database can't be reached: {words}" if is_gone(error) else words


def _of_driver(error: Exception) -> str | None:
    """What a driver said by itself, as psycopg does of a COPY; None: it was none."""
    if type(error).__module__.partition(".")[0] != "psycopg":
        return None
    diagnosis: Any = getattr(error, "diag", None)
    told = [getattr(diagnosis, name, None) for name in ("message_primary", "context")]
    lines = [part.partition("\n")[0] for part in told if part]
    return " in ".join(lines) if lines else str(error).partition("\n")[0] or "the database broke off"
