"""Params whose values are for tasks alone: wherever a person reads params, a mask stands for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from yamldag.plan.pipeline import Json, Param

MASK = "***"
_EXAMPLES = ("default", "const", "enum", "examples")
"""Keys of a schema whose values are data, and no schemas."""


def is_hidden(schema: Any) -> bool:
    """Whether what it describes, or a part of that, is not to be seen: `writeOnly: true` or `format: password`."""
    if isinstance(schema, list):
        return any(map(is_hidden, schema))
    if not isinstance(schema, Mapping):
        return False
    if schema.get("writeOnly") is True or schema.get("format") == "password":
        return True
    return any(is_hidden(value) for key, value in schema.items() if key not in _EXAMPLES)


def names(params: Iterable[Param]) -> frozenset[str]:
    """Those that are hidden."""
    return frozenset(param.name for param in params if is_hidden(param.schema))


def shown(params: Iterable[Param], values: Mapping[str, Json]) -> dict[str, Json]:
    """The values as a person may see them."""
    hidden = names(params)
    return {name: MASK if name in hidden else value for name, value in values.items()}


def shown_schema(schema: dict[str, Json]) -> dict[str, Json]:
    """The same of what a schema says of values."""
    if not is_hidden(schema):
        return schema
    return {key: MASK if key in _EXAMPLES else value for key, value in schema.items()}


def texts(params: Iterable[Param], values: Mapping[str, Json]) -> list[str]:
    """Every text and number in the values of those that are hidden: what logs must not show."""
    hidden = names(params)
    return sorted({text for name in hidden for text in _texts(values.get(name))})


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
