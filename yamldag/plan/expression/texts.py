"""Operations that make text out of text; the size of the result is weighed before it is made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from string import Formatter
from typing import Any

from yamldag.plan.expression import limits
from yamldag.plan.expression.values import TemplateError, text_of


def replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    """The first `count` places of `old`, or all, replaced."""
    text, was, becomes = text_of(value), text_of(old), text_of(new)
    times = text.count(was) if count is None or count < 0 else min(text.count(was), count)
    limits.write(len(text) + times * max(len(becomes) - len(was), 0))
    return text.replace(was, becomes, times)


def joined(pieces: Iterable[Any], between: str = "") -> str:
    """One text of many; what is no text is joined as JSON."""
    found: list[str] = []
    size = 0
    for piece in pieces:
        found.append(text_of(piece, limits.spend))
        size += len(found[-1]) + len(between)
        if size > limits.MAX_TEXT + len(between):
            limits.write(size)
    return between.join(found)


def indent(value: Any, width: Any = 4, first: bool = False, blank: bool = False) -> str:
    """Lines moved to the right, all but the first and the empty ones unless asked for."""
    text = text_of(value)
    margin = width if isinstance(width, str) else " " * width
    limits.write(len(text) + (text.count("\n") + 1) * len(margin))
    lines = text.split("\n")
    moved = [margin + line if line or blank else line for line in lines[1:]]
    return "\n".join([margin + lines[0] if first else lines[0], *moved])


def expand(text: str, tabsize: int = 8) -> str:
    """`str.expandtabs`"""
    limits.write(len(text) + text.count("\t") * max(tabsize, 0))
    return text.expandtabs(tabsize)


def fill(pattern: str, /, *args: Any, **kwargs: Any) -> str:
    """`'{:>5}'.format(x)`: plain places and widths; nothing is reached through the pattern."""
    limits.check_pattern(pattern)
    for _, field, spec, _ in Formatter().parse(pattern):
        if any(sign in (field or "") for sign in ".[") or "{" in (spec or ""):
            raise TemplateError("a format can't reach into its values")
    values = [_plain(value) for value in args]
    named = {name: _plain(value) for name, value in kwargs.items()}
    limits.write(pattern.count("{") * sum(_size(value) for value in (*values, *named.values())))
    return pattern.format(*values, **named)


def percent(pattern: str, values: Any) -> str:
    """`pattern % values`"""
    limits.check_pattern(pattern)
    items = values if isinstance(values, tuple) else (values,)
    given: Any = values if isinstance(values, dict) else tuple(_plain(item) for item in items)
    sized = values.values() if isinstance(values, dict) else given
    limits.write(len(pattern) + max(pattern.count("%"), 1) * sum(_size(item) for item in sized))
    try:
        made: str = pattern % given
    except (TypeError, ValueError, KeyError, OverflowError):
        raise TemplateError("a format does not fit its values") from None
    return made


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | date) else text_of(value, limits.spend)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str) else 32
