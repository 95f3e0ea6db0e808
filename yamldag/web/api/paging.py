"""Cursors: where a page of a list ends, written so that nobody is tempted to make one up."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class BadCursor(ValueError):  # noqa: N818
    """It is none that we gave."""


def cursor(*place: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place(text: str, *types: type) -> tuple[Any, ...]:
    """What `cursor` was given. Raises BadCursor."""
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise BadCursor from None
    if not isinstance(found, list) or len(found) != len(types):
        raise BadCursor
    if not all(type(value) is wanted and _is_sane(value) for value, wanted in zip(found, types, strict=True)):
        raise BadCursor
    return tuple(found)


def _is_sane(value: object) -> bool:
    """Whether a database can be asked for it: no number of more than 63 bits, no text that is none."""
    if isinstance(value, str):
        return value.isprintable() and len(value) <= 500
    return not isinstance(value, int) or abs(value) < 2**63


def page(
    rows: Sequence[T], limit: int, shown: Callable[[T], Any], key: Callable[[T], tuple[Any, ...]]
) -> Any:
    """A page of rows of which one more than `limit` was read; `key` leads behind one."""
    more = cursor(*key(rows[limit - 1])) if len(rows) > limit else None
    return {"items": [shown(row) for row in rows[:limit]], "next": more}


def portion(rows: Sequence[Any], limit: int, after: str | None) -> Any:
    """A page of a list that is whole in memory: by place. Raises BadCursor."""
    first = place(after, int)[0] if after is not None else 0
    if not 0 <= first <= len(rows):
        raise BadCursor
    end = first + limit
    return {"items": list(rows[first:end]), "next": cursor(end) if end < len(rows) else None}
