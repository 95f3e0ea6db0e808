"""The regular expressions of users' schemas: those of JSON Schema (ECMA 262), in bounded time and memory.

Python's own would let one pattern such as `(a+)+$` keep a scheduler busy for years.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

_STEPS = 100_000
"""Of going back, where a pattern needs that (look-around, references to groups); all others never go back."""


class UndecidedError(Exception):
    """Whether a text matches would take too long to find out."""


def is_pattern(text: str) -> bool:
    """Whether it is one, and not too large."""
    try:
        _judge(text)
    except ValueError:
        return False
    return True


def matches(pattern: str, text: str) -> bool:
    """Whether it occurs in the text. Raises UndecidedError."""
    judge, plain = _judge(pattern), text.encode(errors="replace").decode()
    if judge.is_valid(plain):
        return True
    if any(type(error.kind).__name__ == "BacktrackLimitExceeded" for error in judge.iter_errors(plain)):
        raise UndecidedError
    return False


@lru_cache(1024)
def _judge(pattern: str) -> Draft202012Validator:
    from jsonschema_rs import Draft202012Validator, FancyRegexOptions

    return Draft202012Validator({"pattern": pattern}, pattern_options=FancyRegexOptions(_STEPS))
