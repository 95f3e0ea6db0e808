"""Bounds on what one template may cost: a pipeline's author may be mistaken, or hostile."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from yamldag.plan.expression.values import TemplateError, kind_of

MAX_TEXT = 2 * 1024 * 1024
"""Characters of any one text, the rendered one included. An output, at most 1 MiB, fits with room."""
MAX_WRITTEN = 32 * 1024 * 1024
"""Characters that one rendering may make, with all that it throws away."""
MAX_ITEMS = 100_000
"""Items of any one list."""
MAX_STEPS = 1_000_000
"""Items that one rendering may look at, with all loops and filters."""
MAX_WIDTH = 100_000
"""Any number given to a filter or method that makes something of that size."""
MAX_BITS = 4_096
"""Size of a whole number: some 1,200 digits."""


class _Budget:
    __slots__ = ("characters", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.characters = MAX_WRITTEN


_current: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def budget() -> Iterator[None]:
    """One rendering's bounds; a rendering within it shares them."""
    if _current.get() is not None:
        yield
        return
    token = _current.set(_Budget())
    try:
        yield
    finally:
        _current.reset(token)


def spend(steps: int) -> None:
    """Counts items looked at; raises TemplateError beyond the bound."""
    left = _current.get()
    if left is None:
        return
    left.steps -= steps
    if left.steps < 0:
        raise TemplateError(f"the template looks at more than {MAX_STEPS:,} items")


def write(characters: int) -> None:
    """Counts characters made; raises TemplateError beyond the bound."""
    if characters > MAX_TEXT:
        raise TemplateError(f"a text of the template would be longer than {MAX_TEXT:,} characters")
    make(characters)


def make(characters: int) -> None:
    """Counts characters of which no single text is made."""
    left = _current.get()
    if left is None:
        return
    left.characters -= characters
    if left.characters < 0:
        raise TemplateError(f"the template makes more than {MAX_WRITTEN:,} characters")


def count(items: int) -> None:
    """Bounds the length of a list that is about to be made."""
    if items > MAX_ITEMS:
        raise TemplateError(f"a list of the template would be longer than {MAX_ITEMS:,} items")
    spend(items)


def paid(value: Any) -> Any:
    """A value that was just made, its size counted; an iterator becomes a list."""
    if isinstance(value, str):
        write(len(value))
        return str(value)
    if isinstance(value, Iterator):
        return _listed(value)
    if isinstance(value, list | tuple):
        count(len(value))
    return value


def _listed(found: Iterator[Any]) -> list[Any]:
    items = []
    for item in found:
        spend(1)
        items.append(item)
        if len(items) > MAX_ITEMS:
            count(len(items))
    return items


def looked_at(value: object) -> None:
    """Counts what an operation is about to walk over."""
    if isinstance(value, str):
        spend(1 + len(value) // 64)
    elif isinstance(value, Sized):
        spend(1 + len(value))


def width(number: object) -> None:
    """Bounds a number that sets the size of what a filter makes."""
    if isinstance(number, int | float) and not -MAX_WIDTH <= number <= MAX_WIDTH:
        raise TemplateError(f"{_written(number)} is too large here: at most {MAX_WIDTH:,}")


def _written(number: float) -> str:
    return f"`{number}`" if abs(number) < 2**63 else "a number"


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "**": operator.pow,
    "%": operator.mod,
}


def calculate(sign: str, left: Any, right: Any) -> Any:
    """`left sign right`, within bounds. Raises TemplateError where Python would fail."""
    _weigh(sign, left, right)
    try:
        return paid(_OPERATIONS[sign](left, right))
    except ZeroDivisionError:
        raise TemplateError("a number is divided by zero") from None
    except OverflowError:
        raise TemplateError(f"the result of `{sign}` is too large") from None
    except TypeError:
        raise TemplateError(f"`{sign}` can't stand between {kind_of(left)} and {kind_of(right)}") from None


def _weigh(sign: str, left: Any, right: Any) -> None:
    if sign in "**":
        for many, times in ((left, right), (right, left)):
            if isinstance(times, int) and isinstance(many, str):
                write(len(many) * max(times, 0))
            elif isinstance(times, int) and isinstance(many, list | tuple):
                count(len(many) * max(times, 0))
        if isinstance(left, int) and isinstance(right, int):
            _bits(left, right, power=sign == "**")
    elif sign == "+" and isinstance(left, list | tuple) and isinstance(right, list | tuple):
        count(len(left) + len(right))
    elif sign == "+" and isinstance(left, str) and isinstance(right, str):
        write(len(left) + len(right))


def _bits(left: int, right: int, power: bool) -> None:
    size = left.bit_length() * max(right, 1) if power else left.bit_length() + right.bit_length()
    if size > MAX_BITS:
        raise TemplateError(f"the result of `{'**' if power else '*'}` is too large")


_WIDE = re.compile(r"%[^a-zA-Z%]*(?:[0-9]{4,}|\*)|\{[^}]*:[^}]*[0-9]{4,}")


def check_pattern(pattern: str) -> None:
    """Bounds the widths in a format such as `%05d`, `%Y` or `{:>10}`."""
    if _WIDE.search(pattern):
        raise TemplateError("a width in a format is too large")
