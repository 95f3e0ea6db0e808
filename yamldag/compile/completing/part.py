"""What the schemas say of a place: the keys that may stand there, and the values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from yamldag.operators import catalog

Schema = dict[str, Any]


class Part(NamedTuple):
    """A part of a schema, and the document that its `#/…` lead into."""

    schema: Schema
    home: Schema

    @property
    def about(self) -> str:
        return str(self.schema.get("description", ""))

    @property
    def wanted(self) -> str:
        """What is expected there, in a few words."""
        return str(self.schema.get("x-wanted", ""))

    @property
    def types(self) -> tuple[str, ...]:
        """JSON types; none where all are taken."""
        given = self.schema.get("type", ())
        return (given,) if isinstance(given, str) else tuple(given)

    @property
    def takes_operators(self) -> bool:
        return bool(self.schema.get("x-operators"))


def whole(kind: str) -> Part:
    """A document of this kind: `pipeline` or `template`."""
    document = catalog.schema(f"{kind}.schema.json", plugins=True)
    return Part(document, document)


def at(kind: str, path: Iterable[str | int]) -> Part | None:
    """What stands at the end of a way through a document; None where nothing is said of it."""
    part: Part | None = whole(kind)
    for step in path:
        part = below(part, step) if part is not None else None
    return part


def below(part: Part, step: str | int) -> Part | None:
    """What is said of one key, or of the items of a list."""
    if isinstance(step, int):
        return _followed(part, part.schema.get("items"))
    named = part.schema.get("properties", {})
    if step in named:
        return _followed(part, named[step])
    for pattern, schema in part.schema.get("patternProperties", {}).items():
        if re.search(pattern, step):
            return _followed(part, schema)
    return _followed(part, part.schema.get("additionalProperties"))


def keys(part: Part) -> dict[str, Part]:
    """The keys that are known by name, in the schema's order."""
    found = {name: _followed(part, schema) for name, schema in part.schema.get("properties", {}).items()}
    return {name: one for name, one in found.items() if one is not None}


def _followed(part: Part, schema: Any) -> Part | None:
    """What a `$ref` leads to; what stands beside it is said of it, too."""
    home = part.home
    if not isinstance(schema, dict):
        return None
    while "$ref" in schema:
        file, _, path = schema["$ref"].partition("#")
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        home = catalog.schema(file, plugins=True) if file else home
        target: Any = home
        for name in path.split("/")[1:]:
            target = target[name]
        schema = {**target, **beside}
    return Part(schema, home)
