"""Carries out the statements of an `sql` task, and says in words why that can't be."""

from __future__ import annotations

import datetime
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from yamldag.executors.databases import UselessError, engine_of, is_gone, words_of
from yamldag.executors.plain import number
from yamldag.executors.saving import saving
from yamldag.executors.statements import Statement, statements
from yamldag.executors.tabular.forms import MisshapenError
from yamldag.operators.contract import text

_LONGEST = 1 << 20
_PORTION = 1000
"""Rows that are fetched together."""


TOO_LARGE = "a number has more than the 64 bits that the database takes: give it as text"


class _MissedError(Exception):
    """The result is not what was expected: why, in words."""


def query(spec: dict[str, Any]) -> dict[str, Any]:
    """The result `{state, output, reason, retry}`. Of a look (`answer`), the output is whether it is met."""
    try:
        escapes = spec["url"].startswith(("mysql", "mariadb"))
        wanted = statements(spec["query"], by_position=isinstance(spec["params"], list), escapes=escapes)
        values = _values(wanted, spec["params"])
        engine = engine_of(spec["url"])
    except UselessError as error:
        return _failed(str(error), retry=False)
    try:
        with engine.connect() as connection:
            return {"state": "success", "output": _carried_out(connection, wanted, values, spec)}
    except (UselessError, MisshapenError) as error:
        return _failed(str(error), retry=False)
    except _MissedError as error:
        return {"state": "success", "output": False} if spec["answer"] else _failed(str(error), retry=True)
    except exc.SQLAlchemyError as error:
        return _refused(error, spec)
    except OverflowError:
        return _failed(TOO_LARGE, retry=False)
    except OSError as error:
        words = f"`{error.filename or spec['save_to']}` can't be written: {(error.strerror or '').lower()}"
        return _failed(words, retry=True)
    finally:
        engine.dispose()


def reach(url: str) -> tuple[bool, str]:
    """Whether the database lets us in, and words on it."""
    try:
        engine = engine_of(url)
        if engine.dialect.name == "sqlite" and not _is_there(engine.url.database):
            return False, f"there is no file `{engine.url.database}`; the first task that writes makes it"
        with engine.connect() as connection:
            version = ".".join(map(str, connection.dialect.server_version_info or ()))
        return True, f"it answers: {engine.dialect.name} {version}".strip()
    except UselessError as error:
        return False, str(error)
    except exc.SQLAlchemyError as error:
        return False, f"it can't be reached: {words_of(error)}"


def _is_there(path: str | None) -> bool:
    return not path or path == ":memory:" or os.path.exists(path)


def warm_up() -> None:
    """Load the drivers that are there, ahead of the first query."""
    from contextlib import suppress
    from importlib import import_module

    for name in ("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg", "psycopg",
                 "sqlalchemy.dialects.mysql.pymysql", "pymysql"):  # fmt: skip
        with suppress(ImportError):
            import_module(name)


def _failed(reason: str, *, retry: bool) -> dict[str, Any]:
    return {"state": "failed", "reason": reason, "retry": retry}


def _values(wanted: list[Statement], given: Any) -> dict[str, Any]:
    """What is bound, by name."""
    if not wanted:
        raise UselessError("there is no statement in it")
    names = {name for each in wanted for name in each.names}
    if isinstance(given, list):
        if len(given) != len(names):
            counted = f"{len(given)} {'value' if len(given) == 1 else 'values'}"
            raise UselessError(f"the query has {len(names)} `?`, and `params` has {counted}")
        return {f"_{number}": _bound(value) for number, value in enumerate(given, 1)}
    values = given or {}
    if missing := sorted(names - values.keys()):
        raise UselessError(f"the query names `:{missing[0]}`, and `params` has no `{missing[0]}`")
    if unused := sorted(values.keys() - names):
        raise UselessError(f"`params` has `{unused[0]}`, and the query has no `:{unused[0]}`")
    return {name: _bound(value) for name, value in values.items()}


def _bound(value: Any) -> Any:
    """Lists and mappings go as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _carried_out(
    connection: sa.Connection, wanted: list[Statement], values: Mapping[str, Any], spec: dict[str, Any]
) -> Any:
    """The output. All is committed at the end, and nothing of it if anything goes wrong."""
    with connection.begin():
        for each in wanted[:-1]:
            with _executed(connection, each, values, stream=False) as result:
                _tell(result)
        with _executed(connection, wanted[-1], values, stream=spec["save_to"] is not None) as result:
            output = _output(result, spec)
        _tell_count(output["rowcount"], rows=wanted[-1])
        if spec["expect"] is not None:
            _check(spec["expect"], output)
            return True if spec["answer"] else output
        return _is_met(output["rows"]) if spec["answer"] else output


def _executed(
    connection: sa.Connection, each: Statement, values: Mapping[str, Any], *, stream: bool
) -> sa.CursorResult[Any]:
    if stream:
        connection = connection.execution_options(stream_results=True, max_row_buffer=_PORTION)
    return connection.execute(sa.text(each.text), {name: values[name] for name in each.names})


def _tell(result: sa.CursorResult[Any]) -> None:
    if not result.returns_rows and result.rowcount >= 0:
        print(f"{result.rowcount} rows")


def _tell_count(count: int, rows: Statement) -> None:
    first = rows.text.lstrip("( \n\t").partition(" ")[0].lower().strip()
    print(f"{first}: {count} {'row' if count == 1 else 'rows'}", flush=True)


def _output(result: sa.CursorResult[Any], spec: dict[str, Any]) -> dict[str, Any]:
    if not result.returns_rows:
        return {"rows": [], "rowcount": max(result.rowcount, 0)}
    columns = _columns(result)
    if spec["save_to"] is not None:
        return {"rows": [], "rowcount": _saved(result, columns, spec["save_to"])}
    rows = list(_rows(result, columns))
    return {"rows": rows, "rowcount": len(rows)}


def _columns(result: sa.CursorResult[Any]) -> list[str]:
    columns = list(result.keys())
    doubled = next((name for name in columns if columns.count(name) > 1), None)
    if doubled is not None:
        raise UselessError(f"two columns are called `{doubled}`: tell them apart with `as`")
    return columns


def _rows(result: sa.CursorResult[Any], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    size = len('{"rows": [], "rowcount": 0000000}')
    for portion in result.partitions(_PORTION):
        for row in portion:
            made = {name: plain(value, name) for name, value in zip(columns, row, strict=True)}
            size += len(json.dumps(made, ensure_ascii=False).encode("utf-8", "surrogatepass")) + 2
            if size > _LONGEST:
                words = "the rows are longer than 1 MiB: keep them in a file with `save_to`, or select fewer"
                raise UselessError(words)
            yield made


def _saved(result: sa.CursorResult[Any], columns: Sequence[str], path: str) -> int:
    count = 0
    with saving(path, columns) as take:
        for portion in result.partitions(_PORTION):
            take([[plain(value, name) for name, value in zip(columns, row, strict=True)] for row in portion])
            count += len(portion)
    return count


def plain(value: Any, column: str = "") -> Any:
    """A value of a database in JSON's types: numbers that a double can't hold, dates and the like are text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UselessError(f"the column `{column}` holds `{value}`, which JSON does not have")
        return value
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _text(bytes(value))
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each, column) for each in value]
    if isinstance(value, dict):
        return {str(name): plain(each, column) for name, each in value.items()}
    return str(value)  # an interval, a UUID, an address …


def _text(value: bytes) -> str:
    """Bytes that are no UTF-8 are base64."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        import base64

        return base64.b64encode(value).decode()


def _is_met(rows: list[dict[str, Any]]) -> bool:
    """Whether the first cell counts as yes: null, false, 0, `""` and `"0"` do not, nor does no row."""
    if not rows:
        return False
    first = next(iter(rows[0].values()), None)
    return bool(first) and first != "0"


# What was expected


def _check(expect: Any, output: dict[str, Any]) -> None:
    """Raises _MissedError."""
    rows, count = output["rows"], output["rowcount"]
    if isinstance(expect, str):
        _check_expression(expect, output)
    elif isinstance(expect, bool) or not isinstance(expect, (int, dict, list)):
        raise UselessError(
            f"`expect` can't be `{text(expect)}`: give a number of rows, a row, rows or an expression"
        )
    elif isinstance(expect, int):
        if count != expect:
            raise _MissedError(f"expected {expect} {'row' if expect == 1 else 'rows'}, found {count}")
    elif isinstance(expect, dict):
        _check_row(expect, rows[0] if rows else None)
    elif rows != expect:
        raise _MissedError(f"expected the rows {_short(expect)}, found {_short(rows)}")


def _check_row(expect: dict[str, Any], row: dict[str, Any] | None) -> None:
    if row is None:
        raise _MissedError("expected a row, found none")
    for name, value in expect.items():
        if name not in row:
            raise UselessError(f"`expect` names the column `{name}`, which the result does not have")
        if row[name] != value:
            raise _MissedError(f"expected `{name}` to be {_short(value)}, found {_short(row[name])}")


def _check_expression(expect: str, output: dict[str, Any]) -> None:
    from yamldag.plan.expression import TemplateError, condition

    try:
        holds = condition(expect, output)
    except TemplateError as error:
        raise UselessError(f"`expect`: {error}") from None
    if not holds:
        raise _MissedError(f"expected `{expect}`, found a rowcount of {output['rowcount']}")


def _short(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return f"`{written if len(written) <= 200 else written[:199] + '…'}`"


# What the database says


def _refused(error: exc.SQLAlchemyError, spec: dict[str, Any]) -> dict[str, Any]:
    words = words_of(error)
    if is_gone(error):
        told = f"the database can't be reached: {words}"
        if spec["answer"]:
            print(told, flush=True)  # it is looked again
            return {"state": "success", "output": False}
        return _failed(told, retry=True)
    return _failed(words, retry=True)
