"""What a plug-in's object must have, and what its schema becomes: checked before a pipeline can use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yamldag.syntax import parse
from yamldag.syntax.check import Checking, compile_schema
from yamldag.syntax.source import Source

Schema = dict[str, Any]

_CALLED = {
    "operators": "run",
    "notifiers": "run",
    "secrets": "find",
    "executors": "run",
    "lint": "check",
}
_DESCRIBED = ("operators", "notifiers")
_SAMPLES = ("x", "1", "[x]", "{x: 1}", "[[x], {y: z}]")
_OURS = ("x-code", "x-operators", "x-expression", "x-free")
"""Words of our own schemas that mean nothing in those of others."""


class UnfitError(Exception):
    """What it lacks, in words that go on from its name."""


def called(kind: str) -> str:
    """The function that a plug-in of this kind has."""
    return _CALLED[kind]


def described(kind: str, brought: Any) -> Schema:
    """`{description, schema}` of a plug-in's object; the schema is null where its kind has none. Raises UnfitError."""
    function = _CALLED[kind]
    if kind in _DESCRIBED and not isinstance(getattr(brought, "schema", None), dict):
        raise UnfitError("has no `schema` that is a mapping")
    if not callable(getattr(brought, function, None)):
        raise UnfitError(f"has no `{function}` that can be called")
    words = (getattr(brought, "__doc__", None) or "").strip().partition("\n")[0]
    if kind == "executors":
        return {"description": words, "schema": _settings(brought)}
    if kind not in _DESCRIBED:
        return {"description": words, "schema": None}
    schema = completed(_plain(brought.schema), words)
    _check(schema)
    return {"description": schema.get("description", ""), "schema": schema}


def _settings(brought: Any) -> Schema:
    """The schema of an executor's settings, which are a mapping; it may have none. Raises UnfitError."""
    if not callable(getattr(brought, "cancel", len)):
        raise UnfitError("has a `cancel` that can't be called")
    given = _plain(getattr(brought, "schema", {}))
    if not isinstance(given, dict):
        raise UnfitError("has a `schema` that is no mapping")
    schema = {"type": "object", "additionalProperties": False, **given}
    _check(schema)
    return schema


def completed(schema: Schema, words: str = "") -> Schema:
    """The schema with what goes without saying: templates in its texts, a mapping of its properties or the short
    form, no other parameters. What it requires may also come from `defaults`."""
    short = schema.get("x-short")
    own = {name: value for name, value in schema.items() if name != "required"}
    if "required" in schema and "x-required" not in schema:
        own["x-required"] = [schema["required"]]
    properties = schema.get("properties", {})
    of_short = properties.get(short, {}).get("type", ["string"]) if isinstance(properties, dict) else []
    types = of_short if isinstance(of_short, list) else [of_short]
    nothing = [] if own.get("x-required") else ["null"]
    return {
        **({"description": words} if words else {}),
        "type": list(dict.fromkeys([*(types if short else []), "object", *nothing])),
        "additionalProperties": False,
        "x-template": True,
        **own,
    }


def _plain(schema: Any) -> Schema:
    """As JSON gives it back. Raises UnfitError."""
    import json

    try:
        found: Schema = json.loads(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise UnfitError("has a `schema` that can't be written as JSON") from None
    return found


def _check(schema: Schema) -> None:
    """Raises UnfitError if the compiler could not go by it."""
    import jsonschema

    try:
        jsonschema.Draft7Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        where = ".".join(map(str, error.absolute_path))
        raise UnfitError(
            f"has a `schema` that is no JSON Schema{f', at `{where}`' if where else ''}"
        ) from None
    for where, node in _nodes(schema, ""):
        _check_node(where, node, schema)
    _check_words(schema)
    try:
        _tried(schema)
    except Exception:
        raise UnfitError("has a `schema` that yamldag can't check by") from None


def _nodes(node: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(node, dict):
        yield where, node
        for name, child in node.items():
            if name not in ("default", "examples", "enum", "const"):
                yield from _nodes(child, f"{where}.{name}" if where else name)
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from _nodes(child, f"{where}[{number}]")


def _check_node(where: str, node: Mapping[str, Any], root: Schema) -> None:
    place = f", at `{where}`" if where else ""
    ref = node.get("$ref")
    if isinstance(ref, str) and not _leads(ref, root):
        raise UnfitError(f"has a `schema` whose `$ref` leads nowhere: `{ref}`{place}")
    for word in _OURS:
        if word in node and not isinstance(node[word], dict):
            raise UnfitError(f"has a `schema` with `{word}`, which is yamldag's own{place}")


def _leads(ref: str, root: Schema) -> bool:
    if not ref.startswith("#/definitions/"):
        return False
    return ref.removeprefix("#/definitions/") in root.get("definitions", {})


def _check_words(schema: Schema) -> None:
    properties = schema.get("properties", {})
    short = schema.get("x-short")
    if short is not None and short not in properties:
        raise UnfitError(f"has a `schema` whose `x-short` names no property: `{short}`")
    for word in ("x-required", "x-exclusive"):
        for group in schema.get(word, []):
            if not isinstance(group, list) or not set(map(str, group)) <= properties.keys():
                raise UnfitError(f"has a `schema` whose `{word}` should be lists of properties")
    if not isinstance(schema.get("x-output", {}), dict):
        raise UnfitError("has a `schema` whose `x-output` should be a JSON Schema")
    if not isinstance(schema.get("description", ""), str):
        raise UnfitError("has a `schema` whose `description` should be text")


def _tried(schema: Schema) -> None:
    """Hold values of all sorts against it, and against each of its properties."""
    check = compile_schema(schema, lambda _: {})
    texts = [
        *_SAMPLES,
        *(f"{{{name!r}: {each}}}" for name in schema.get("properties", {}) for each in _SAMPLES),
    ]
    for text in texts:
        documents, _ = parse.documents(Source("sample", text))
        for document in documents:
            if document is not None:
                check(document, None, Checking([], set(), lambda _: None))
