"""What a function returned, as JSON: tuples are lists, dates ISO text; what JSON lacks is refused."""

from __future__ import annotations

import datetime
import json
import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from decimal import Decimal
    from typing import Any

_DEEPEST = 100
_LONGEST = 1 << 20


class NotPlainError(Exception):
    """What in the value JSON does not have, and where, in words."""


def plain(value: object) -> Any:
    """The value in JSON's own types. Raises NotPlainError."""
    made = _plain(value, "", 0)
    try:
        size = len(json.dumps(made, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        raise NotPlainError("the return value holds half a character (a lone surrogate)") from None
    if size > _LONGEST:
        raise NotPlainError("the return value is longer than 1 MiB: write it to a file and return its path")
    return made


def number(value: Decimal) -> int | float | str:
    """A database's number as JSON has it; as text where JSON's would be another."""
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value():
        return int(value)
    near = float(value)
    return near if type(value)(repr(near)) == value else str(value)


def _plain(value: object, where: str, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return _number(float.__float__(value), where)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if depth == _DEEPEST:
        raise NotPlainError("the return value is nested deeper than 100")
    if isinstance(value, (list, tuple)):
        return [_plain(each, f"{where}[{index}]", depth + 1) for index, each in enumerate(value)]
    if isinstance(value, dict):
        return {_key(key, where): _plain(each, f"{where}.{key}", depth + 1) for key, each in value.items()}
    raise NotPlainError(f"{_place(where)} is a `{type(value).__name__}`, which JSON does not have")


def _number(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise NotPlainError(f"{_place(where)} is `{value}`, which JSON does not have")
    return value


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise NotPlainError(f"{_place(where)} has the key `{key!r}`; in JSON keys are text")
    return str.__str__(key)


def _place(where: str) -> str:
    return f"`{where.removeprefix('.')}` in the return value" if where else "the return value"
