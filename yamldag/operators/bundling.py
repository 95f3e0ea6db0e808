"""The schemas as one document that needs no other file, for editors.

Two words are for the YAML language server: `markdownDescription`, as it shows the marks of a `description`
as they are written, and `examples`, which it offers as values, less those that it would spoil.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

_PIPELINE = "pipeline.schema.json"
_OTHER = "template.schema.json"
_TEMPLATE = r"\{[{%]"
"""What a text holds that is a template."""
_NAMED = frozenset({"properties", "patternProperties", "definitions"})
_ONE = frozenset({"items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"})
_MANY = frozenset({"allOf", "anyOf", "oneOf"})


def bundle(kind: str, document: Callable[[str], Schema], operators: Iterable[str]) -> Schema:
    """`kind`.schema.json with all that it refers to among its definitions. `document` reads a file. The kind
    `file` takes a pipeline or a template, as each document of a file may be one of the two."""
    if kind == "file":
        return _either(bundle("pipeline", document, operators), _top(document(_OTHER), _OTHER))
    root = f"{kind}.schema.json"
    shared = {file: document(file) for file in dict.fromkeys((root, _PIPELINE))}
    whole = {file: document(file) for file in map(_file, operators)}
    definitions: Schema = {}
    for file, schema in {**shared, **whole}.items():
        for name, definition in schema.get("definitions", {}).items():
            definitions[_place(file, name)] = _moved(definition, file)
    for file, schema in whole.items():
        definitions[_place(file)] = _moved(_alone(schema), file)
    return {**_top(shared[root], root), "definitions": definitions}


def _top(schema: Schema, file: str) -> Schema:
    return _for_editors({word: _moved_word(word, value, file) for word, value in schema.items()})


def _either(pipeline: Schema, template: Schema) -> Schema:
    """A schema of both: the key `template` tells which. All keys stand at the top, where tools look for them."""
    foreign = {name: False for name in pipeline["properties"] if name not in template["properties"]}
    rest = {word: value for word, value in pipeline.items() if word != "required"}
    return {
        **rest,
        "properties": {**pipeline["properties"], **template["properties"]},
        "if": {"required": ["template"]},
        "then": {"required": template["required"], "properties": foreign},
        "else": {"required": pipeline["required"]},
    }


def _file(operator: str) -> str:
    return f"operators/{operator}.schema.json"


def _place(file: str, name: str = "") -> str:
    """Where a file, or a definition in it, stands among the definitions: `operator.command.word`, `needs`."""
    stem = file.removesuffix(".schema.json").replace("operators/", "operator.")
    parts = (name,) if file == _PIPELINE else (stem, name)
    return ".".join(part for part in parts if part)


def _alone(schema: Schema) -> Schema:
    return {word: value for word, value in schema.items() if word not in ("$schema", "definitions")}


def _moved(schema: Any, file: str) -> Any:
    """A schema of this file as it reads in the bundle."""
    if not isinstance(schema, dict):
        return schema
    return _for_editors(
        _open_to_templates({word: _moved_word(word, value, file) for word, value in schema.items()})
    )


def _moved_word(word: str, value: Any, file: str) -> Any:
    if word == "$ref":
        return _moved_ref(value, file)
    if word in _NAMED:
        return {name: _moved(each, file) for name, each in value.items()}
    if word in _MANY or (word in _ONE and isinstance(value, list)):
        return [_moved(each, file) for each in value]
    return _moved(value, file) if word in _ONE else value


def _moved_ref(ref: str, file: str) -> str:
    there, _, fragment = ref.partition("#")
    return "#/definitions/" + _place(there or file, fragment.removeprefix("/definitions/"))


def _for_editors(schema: Schema) -> Schema:
    shown = [each for each in schema.get("examples", ()) if not _spoilt(each)]
    text = schema.get("description", "")
    rest = {word: value for word, value in schema.items() if word != "examples"}
    return {
        **rest,
        **({"markdownDescription": text} if "`" in text else {}),
        **({"examples": shown} if shown else {}),
    }


def _spoilt(example: Any) -> bool:
    """Mappings are offered as `[object Object]`, and a template is put in without its quotes."""
    return isinstance(example, dict) or (isinstance(example, str) and example.startswith("{{"))


def _open_to_templates(schema: Schema) -> Schema:
    """The same, letting a template stand for the value unless it says never."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if schema.get("x-template") == "never" or types in ([], ["null"]):
        return schema
    if "enum" in schema:
        values = {word: schema[word] for word in ("enum", "enumDescriptions") if word in schema}
        rest = {word: value for word, value in schema.items() if word != "type" and word not in values}
        return {**rest, "anyOf": [values, {"type": "string", "pattern": _TEMPLATE}]}
    if "string" not in types:
        return {**schema, "type": [*types, "string"], "pattern": _TEMPLATE}
    if "pattern" in schema:
        return {**schema, "pattern": f"{schema['pattern']}|{_TEMPLATE}"}
    return schema
