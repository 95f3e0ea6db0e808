"""YAML 1.2 core types: what a plain scalar, or one with a core tag, stands for."""

import math
import re
from typing import NamedTuple, TypeAlias

from yamldag.syntax.wording import cut

Value: TypeAlias = str | int | float | bool | None

TAGS = "tag:yaml.org,2002:"
HEADS = frozenset(("", *"0123456789+-.~nNtTfF"))
"""A plain scalar that begins otherwise is text."""

_WORDS: dict[str, Value] = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BEYOND = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BASES = {"0o": 8, "0x": 16}


class Refused(NamedTuple):
    """Something that can't be kept as the number, or as what its tag says, and why."""

    message: str
    code: str = "YD110"


def resolve(text: str) -> Value | Refused:
    """The value of a plain scalar without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return (
            number
            if math.isfinite(number)
            else Refused(f"expected a number that can be kept, found `{cut(text)}`")
        )
    if _BEYOND.fullmatch(text):
        return Refused(f"expected a number, found `{text}`")
    return text


def tagged(tag: str, text: str) -> Value | Refused:
    """The value of a scalar under one of `SCALAR_TAGS`; `Refused` where it can't be read as that."""
    if tag == "str":
        return text
    value = resolve(text)
    if tag == "float" and type(value) is int:
        return float(value)
    if isinstance(value, Refused) or type(value) is _TYPES[tag][0]:
        return value
    return Refused(f"expected {_TYPES[tag][1]} after `!!{tag}`, found `{cut(text)}`", "YD104")


_TYPES: dict[str, tuple[type, str]] = {
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (bool, "`true` or `false`"),
    "null": (type(None), "`null`"),
}
SCALAR_TAGS = frozenset(("str", *_TYPES))


def _integer(text: str) -> int | Refused:
    base = _BASES.get(text[:2], 10)
    digits = text[2:] if base != 10 else text.lstrip("+-")
    significant = digits.lstrip("0") or "0"
    if len(significant) <= 22:
        number = int(significant, base)
        number = -number if text.startswith("-") else number
        if -(2**63) <= number < 2**63:
            return number
    return Refused(f"expected a whole number of at most 64 bits, found `{cut(text)}`")
