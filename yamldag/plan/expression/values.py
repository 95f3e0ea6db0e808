"""Values in templates: how they become JSON, text, and words for a person."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NoReturn, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_DEPTH = 100


class TemplateError(Exception):
    """A user's mistake that only a run can show; `str()` of it is meant for a person.

    `start` and `end` are offsets in the template's text, or both 0 where no place is known.
    """

    def __init__(self, message: str, start: int = 0, end: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


class Absent:
    """What a template gets for a name or key that is not there."""

    __slots__ = ()

    def fail(self) -> NoReturn:
        """Raises TemplateError: what is missing, in words, as far as it is known."""
        raise TemplateError("a name or a key that this needs is not there")


def _free(_: int) -> None:
    """Counts nothing."""


def json_of(value: Any, spend: Callable[[int], None] = _free, depth: int = 0) -> Json:
    """A template's value as JSON; dates become ISO 8601 text. Raises TemplateError if it is none."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        spend(len(value) // 16)
        return str(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _number(value.total_seconds())
    return _many(value, spend, depth)


def _many(value: Any, spend: Callable[[int], None], depth: int) -> Json:
    if depth > MAX_DEPTH:
        raise TemplateError(f"a value is nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        spend(len(value))
        return {_key(name): json_of(item, spend, depth + 1) for name, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, Absent | bytes):
        found = []
        for item in value:
            spend(1)
            found.append(json_of(item, spend, depth + 1))
        return found
    if isinstance(value, Absent):
        value.fail()
    raise TemplateError(f"{kind_of(value)} is no value that can be kept")


def _number(value: float) -> int | float:
    if isinstance(value, float) and not math.isfinite(value):
        raise TemplateError("a number is infinite, or none at all")
    return value


def _key(name: object) -> str:
    return name if isinstance(name, str) else text_of(name)


def text_of(value: Any, spend: Callable[[int], None] = _free) -> str:
    """How a value stands in text: text as it is, dates as ISO 8601, all else as JSON."""
    if isinstance(value, str):
        return str(value)
    found = json_of(value, spend)
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


_KINDS: tuple[tuple[type[Any] | tuple[type[Any], ...], str], ...] = (
    (bool, "a boolean"),
    (str, "text"),
    ((int, float), "a number"),
    (datetime, "a date with time"),
    (date, "a date"),
    (timedelta, "a span of time"),
    (Mapping, "a mapping"),
    ((list, tuple, set, range), "a list"),
)


def kind_of(value: object) -> str:
    """What a value is, in the words of the language."""
    if value is None:
        return "null"
    for kinds, words in _KINDS:
        if isinstance(value, kinds):
            return words
    return "a function" if callable(value) else "this"


_NUMBER = re.compile(r"-[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SIGNS = frozenset("_@%+=:,./-")


def unsafe_bare(value: Any) -> str | None:
    """Why a value may not go into a shell as it is, or None if it may. It is not shown: it may be secret."""
    text = text_of(value)
    for sign in text:
        if not (sign.isalnum() or sign in _SIGNS or sign in " \t"):
            return f"it holds {_shown(sign)}"
    for word in text.split():
        if word.startswith("-") and not _NUMBER.fullmatch(word):
            return "a word of it begins with `-`"
    return None


def _shown(sign: str) -> str:
    names = {"\n": "a line break", "\r": "a line break", "`": "a backtick"}
    return names.get(sign) or (f"`{sign}`" if sign.isprintable() else f"the character U+{ord(sign):04X}")
