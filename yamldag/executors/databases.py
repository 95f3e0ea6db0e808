"""Databases as SQLAlchemy reaches them, and what they say in words."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

_EXTRAS = {"psycopg": "postgres", "pymysql": "mysql"}
"""The extras of yamldag that bring a driver."""
_GONE = (
    "SELECT set_config(name, '5s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'"
)
"""So that PostgreSQL ends a query whose task was killed."""


class UselessError(Exception):
    """Why the task can't have what it wants, in words: trying again is of no use."""


def engine_of(url: str) -> sa.Engine:
    try:
        made = sa.create_engine(url, poolclass=sa.NullPool, connect_args=_settings(url))
    except exc.NoSuchModuleError:
        kind = url.partition(":")[0]
        raise UselessError(f"there is no SQLAlchemy dialect `{kind}` installed here") from None
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "")
        package = f"'yamldag[{extra}]'" if extra else error.name
        raise UselessError(f"this kind of database needs one more package: pip install {package}") from None
    except (exc.ArgumentError, ValueError):
        raise UselessError("the connection is no URL that SQLAlchemy understands") from None
    if made.dialect.name == "postgresql":
        sa.event.listen(made, "connect", _mind_the_client)
    return made


def _settings(url: str) -> dict[str, Any]:
    """What the driver is told besides: that of MySQL would give bits as bytes, which are no number, and a time as a
    span of Python's, which no database reads again if it is negative or has more than a day."""
    if "+pymysql:" not in url:
        return {}
    from pymysql.constants import FIELD_TYPE
    from pymysql.converters import conversions

    told = {FIELD_TYPE.BIT: lambda bits: int.from_bytes(bits, "big"), FIELD_TYPE.TIME: str}
    return {"conv": {**conversions, **told}}


def _mind_the_client(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_GONE)
    connection.commit()


def is_gone(error: exc.SQLAlchemyError) -> bool:
    """Whether the database was not there, or went; what it refuses is another matter, and so is what it has given and
    Python has no value for."""
    return (
        isinstance(error, exc.DBAPIError)
        and not isinstance(error, exc.DataError)
        and (error.statement is None or error.connection_invalidated)
    )


def words_of(error: exc.SQLAlchemyError) -> str:
    """What the driver said, in one line."""
    cause: BaseException = error.orig if isinstance(error, exc.DBAPIError) and error.orig else error
    said = cause.args[-1] if cause.args and isinstance(cause.args[-1], str) else str(cause)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = (lines[0] if lines else "the database gave no reason")[:1000]
    if isinstance(error, exc.DataError) and error.statement is None:
        return f"{told}: a value that can't be read as it is; cast it to text in the query"
    return told
