"""What somebody asks for is in the audit log before it is done; how it went is there after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from yamldag.engine.refused import Refused
from yamldag.store import audit
from yamldag.store.database import Database


@contextmanager
def begun(database: Database, deed: audit.Deed, now: float) -> Iterator[Callable[[str], None]]:
    """What is done within. It tells its outcome; what it raises is told of, and goes on."""
    row = database.write(lambda: audit.begin(database, deed, now))

    def told(outcome: str) -> None:
        database.write(lambda: audit.end(database, row, outcome))

    try:
        yield told
    except Exception as problem:
        told(f"refused: {problem}" if isinstance(problem, Refused) else "failed")
        raise
