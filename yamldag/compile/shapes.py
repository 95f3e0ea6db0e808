"""Declared shapes: params and outputs as JSON Schemas, and values held against them, each fault in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yamldag.compile.draft import Declared, Entries, strings
from yamldag.syntax import check, fitting
from yamldag.syntax.check import wanted
from yamldag.syntax.diagnostic import Diagnostic, at
from yamldag.syntax.formats import FORMATS
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Json, Map, Node, Scalar, Seq, plain

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Schema = dict[str, Json]
TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_OTHER_WORDS = {
    "int": "integer", "str": "string", "text": "string", "float": "number", "bool": "boolean", "list": "array",
    "dict": "object", "map": "object", "mapping": "object", "none": "null",
}  # fmt: skip
_SCHEMA_KEYS = frozenset(
    ("properties", "$ref", "items", "enum", "const", "anyOf", "oneOf", "allOf", "not", "required",
     "additionalProperties", "patternProperties", "minimum", "maximum", "pattern", "format")
)  # fmt: skip
_SIMPLE = frozenset(
    ("type", "title", "description", "default", "examples", "enum", "const", "minimum", "maximum",
     "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems",
     "properties", "required", "additionalProperties", "items")
)  # fmt: skip
"""What our own closures check; everything else is jsonschema's, whose import costs more than a small file."""


# Params


def params(items: Entries, faulty: set[int], found: list[Diagnostic]) -> dict[str, Declared]:
    """The declared params. A bad one is still declared, as one of any type."""
    declared: dict[str, Declared] = {}
    for name, (key, node) in items.items():
        schema = {} if id(node) in faulty else _param(node, found)
        declared[name] = Declared(key, node, schema)
    return declared


def _param(node: Node, found: list[Diagnostic]) -> dict[str, Json]:
    if type(node) is not Map:
        value = plain(node)
        return {} if value is None else {"type": _type_of(value), "default": value}
    schema = _schema(node, found)
    if schema is None:
        return {"default": None} if "default" in node.items else {}
    if schema.get("default", 0) is None:
        default_key, default = node.items["default"]
        where = at(default) if default.end > default.start else at(default_key)
        found.append(
            Diagnostic(
                "YD409", "null is no default", where, "leave `default` out: the param is then required"
            )
        )
        return schema
    if "default" in schema:
        found += against(node.items["default"][1], schema, node.items["default"][0], "YD409", "the default")
    return schema


def _type_of(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


# Outputs


def output(node: Node, found: list[Diagnostic]) -> dict[str, Json] | None:
    """The schema that an `output:` declares: a bare type, a schema, or pairs of name and type, all required."""
    if type(node) is Scalar:
        return _typed(node, found)
    if type(node) is not Map:
        return None
    if is_schema(node) or not node.items:
        return _schema(node, found)
    properties: dict[str, Json] = {}
    for name, (_, value) in node.items.items():
        shape = output(value, found) if type(value) is Scalar else _pair(value, found)
        properties[name] = shape if shape is not None else {}
    required: list[Json] = list(properties)
    return {"type": "object", "properties": properties, "required": required}


def _pair(node: Node, found: list[Diagnostic]) -> dict[str, Json] | None:
    if type(node) is Map:
        return _schema(node, found)
    found.append(Diagnostic("YD403", "a type, or a JSON Schema, was expected here", at(node)))
    return None


def _typed(node: Scalar, found: list[Diagnostic]) -> dict[str, Json] | None:
    if node.text in TYPES:
        return {"type": node.text}
    if any(True for _ in strings(node)):  # what is wrong with the template is told
        return None
    near = _OTHER_WORDS.get(node.text.lower()) or nearest(node.text, TYPES)
    help_ = f"did you mean `{near}`?" if near else f"the types are {', '.join(TYPES)}"
    found.append(Diagnostic("YD404", f"there is no type `{node.text}`", at(node), help_))
    return None


def is_schema(node: Map) -> bool:
    """Whether a mapping is a JSON Schema, and not pairs of names and types."""
    declared = node.items.get("type")
    if declared is not None:
        value = declared[1]
        if type(value) is Scalar and value.value in TYPES:
            return True
        return type(value) is Seq and all(
            type(item) is Scalar and item.value in TYPES for item in value.items
        )
    if all(type(value) is Scalar and value.value in TYPES for _, value in node.items.values()):
        return False  # an output may well have a key that is called `format`
    return not _SCHEMA_KEYS.isdisjoint(node.items) and all(
        name not in ("properties", "items", "additionalProperties") or type(value) is Map
        for name, (_, value) in node.items.items()
    )


# Schemas


def _schema(node: Map, found: list[Diagnostic]) -> dict[str, Json] | None:
    """The schema that a mapping is, or None with what is wrong with it."""
    before = len(found)
    simple = _walk(node, found)
    if len(found) > before:
        return None
    schema = plain(node)
    assert isinstance(schema, dict)
    if not simple:
        found += _by_jsonschema(node, schema)
    return schema if len(found) == before else None


_KEYWORDS = _SIMPLE | frozenset(
    ("$ref", "$id", "$schema", "$comment", "$anchor", "definitions", "$defs", "additionalItems", "allOf", "anyOf",
     "const", "contains", "contentEncoding", "contentMediaType", "contentSchema", "dependencies", "dependentRequired",
     "dependentSchemas", "deprecated", "else", "exclusiveMaximum", "format", "if", "maxContains", "maxProperties",
     "minContains", "minProperties", "multipleOf", "not", "oneOf", "pattern", "patternProperties", "prefixItems",
     "propertyNames", "readOnly", "then", "unevaluatedItems", "unevaluatedProperties", "writeOnly")
)  # fmt: skip
_OF_SCHEMAS = frozenset(("properties", "patternProperties", "dependentSchemas", "definitions", "$defs"))
_IS_SCHEMA = frozenset(
    (
        "items",
        "additionalProperties",
        "unevaluatedItems",
        "unevaluatedProperties",
        "contentSchema",
        "not",
        "contains",
        "propertyNames",
        "if",
        "then",
        "else",
    )
)
_LISTS_SCHEMAS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems", "items"))


def _walk(node: Map, found: list[Diagnostic]) -> bool:
    """Whether a schema keeps to the simple keywords; unknown ones, types that do not exist and broken patterns are
    reported on the way."""
    simple = True
    for name, (key, value) in node.items.items():
        if name not in _KEYWORDS and not name.startswith("x-"):
            found.append(_unknown_keyword(key))
        elif name == "type":
            for item in value.items if type(value) is Seq else [value]:
                if type(item) is Scalar:
                    _typed(item, found)
        elif name == "pattern":
            _check_pattern(value, found)
        for inner in _schemas_in(name, value):
            simple = _walk(inner, found) and simple
        simple = simple and name in _JUDGED_HERE and _well_formed(name, value)
    return simple


def _schemas_in(name: str, value: Node) -> list[Map]:
    nodes: list[Node] = []
    if name in _OF_SCHEMAS and type(value) is Map:
        nodes = [inner for _, inner in value.items.values()]
    elif name in _IS_SCHEMA and type(value) is Map:
        nodes = [value]
    elif name in _LISTS_SCHEMAS and type(value) is Seq:
        nodes = value.items
    return [one for one in nodes if type(one) is Map]


_OTHER_KEYWORDS = {
    "min": "minimum",
    "max": "maximum",
    "regex": "pattern",
    **dict.fromkeys(("choices", "options", "values"), "enum"),
}
"""What other tools call a keyword."""


def _unknown_keyword(key: Scalar) -> Diagnostic:
    near = _OTHER_KEYWORDS.get(key.text) or nearest(key.text, _KEYWORDS)
    help_ = (
        f"did you mean `{near}`?"
        if near
        else "a mapping here is a JSON Schema, such as `{type: integer, minimum: 1}`"
    )
    return Diagnostic("YD401", f"unknown key `{key.text}` in a JSON Schema", at(key), help_)


def _check_pattern(value: Node, found: list[Diagnostic]) -> None:
    import re

    if type(value) is Scalar and isinstance(value.value, str):
        try:
            re.compile(value.value)
        except (re.error, RecursionError, OverflowError):
            found.append(Diagnostic("YD410", "`pattern` must be a regular expression", at(value)))


_NUMBERS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
_COUNTS = frozenset(("minLength", "maxLength", "minItems", "maxItems"))
_JUDGED_HERE = _SIMPLE | {"format", "pattern"}


def _well_formed(name: str, value: Node) -> bool:
    if name in _NUMBERS:
        return type(value) is Scalar and type(value.value) in (int, float)
    if name in _COUNTS:
        return type(value) is Scalar and type(value.value) is int and value.value >= 0
    if name in ("items", "additionalProperties"):
        return _may_be_schema(value)
    if name == "properties":
        return type(value) is Map and all(_may_be_schema(inner) for _, inner in value.items.values())
    if name in ("required", "enum"):
        return type(value) is Seq and (name == "enum" or all(map(_is_text, value.items)))
    if name == "type":
        return _is_text(value) or (
            type(value) is Seq and bool(value.items) and all(map(_is_text, value.items))
        )
    if name in ("title", "description", "format"):
        return _is_text(value)
    if name == "pattern":
        return type(value) is Scalar and isinstance(value.value, str) and FORMATS["regex"](value.value)
    return name != "uniqueItems" or (type(value) is Scalar and type(value.value) is bool)


def _may_be_schema(node: Node) -> bool:
    return type(node) is Map or (type(node) is Scalar and type(node.value) is bool)


def _is_text(node: Node) -> bool:
    return type(node) is Scalar and type(node.value) is str


def _by_jsonschema(node: Map, schema: dict[str, Json]) -> list[Diagnostic]:
    for error in fitting.metaschema().iter_errors(schema):
        return [_no_schema(node, error)]
    references = [ref for ref in _references(schema) if isinstance(ref, str)]
    if not all(ref.startswith("#") for ref in references):
        message = "a schema may refer to its own parts alone (`$ref: '#/…'`)"
        return [Diagnostic("YD410", message, at(node))]
    for ref in fitting.unresolved(schema, references):
        return [Diagnostic("YD410", f"the schema has no part `{ref}`, to which it refers", at(node))]
    try:
        fitting.misfits(None, schema)
    except fitting.SchemaError as error:
        return [Diagnostic("YD410", f"the schema {error}", at(node))]
    return []


def _no_schema(node: Node, error: ValidationError) -> Diagnostic:
    """What a keyword's value must be, and is not."""
    value = _below(node, list(error.absolute_path))
    keyword = next((str(part) for part in reversed(error.absolute_path) if isinstance(part, str)), "schema")
    given: Any = error.validator_value if error.validator == "type" else []
    kinds = [given] if isinstance(given, str) else list(given)
    words = f"can't be {wanted.found(value)}"
    if kinds:
        words = f"must be {wanted.wanted({'type': kinds})}, found {wanted.found(value)}"
    if error.validator_value == "regex":
        words = "must be a regular expression as JSON Schema has them, and not too large a one"
    help_ = None
    if keyword == "required" and type(value) is Scalar and type(value.value) is bool:
        help_ = "a param without `default` is required: leave it out"
    elif "object" in kinds and type(value) is Scalar and value.text in TYPES:
        help_ = f"write a schema: `{{type: {value.text}}}`"
    return Diagnostic("YD410", f"this is not a JSON Schema: `{keyword}` {words}", at(value), help_)


def _references(schema: Json) -> list[Json]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if "$ref" in schema else []
        return own + [ref for value in schema.values() for ref in _references(value)]
    if isinstance(schema, list):
        return [ref for value in schema for ref in _references(value)]
    return []


def _below(node: Node, path: list[Any]) -> Node:
    for part in path:
        if type(node) is Map and str(part) in node.items:
            node = node.items[str(part)][1]
        elif type(node) is Seq and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
    return node


# Values


def against(node: Node, schema: dict[str, Json], key: Scalar, code: str, what: str) -> list[Diagnostic]:
    """What is wrong with a literal value, in its place; a value with templates in it is judged at run time."""
    if any(True for _ in strings(node)):
        return []
    if _is_simple(schema):
        state = check.Checking([], set(), lambda _: None)
        check.compile_schema(schema, lambda _: {})(node, key, state)
        return [Diagnostic(code, d.message, d.place, d.help, d.related) for d in state.report]
    try:
        errors = fitting.misfits(plain(node), schema)
    except fitting.SchemaError as why:
        return [Diagnostic(code, f"{what} cannot be judged: the schema {why}", at(node))]
    found = []
    for error in errors:
        words = _words(str(error.validator), error.validator_value)
        value = _below(node, list(error.absolute_path))
        message = f"{what} does not fit: {words}, found {wanted.found(value)}"
        found.append(Diagnostic(code, message, at(value)))
    return found[:1]


def _is_simple(schema: Json) -> bool:
    if not isinstance(schema, dict):
        return False
    if not _SIMPLE.issuperset(schema):
        return False
    inner = [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    properties = schema.get("properties")
    inner += list(properties.values()) if isinstance(properties, dict) else []
    return all(_is_simple(one) for one in inner)


def _words(keyword: str, value: Any) -> str:
    match keyword:
        case "format":
            return f"it must be of the format `{value}`"
        case "pattern":
            return f"it must match `{value}`"
        case "type":
            return f"it must be of type {value if isinstance(value, str) else ' or '.join(value)}"
        case _:
            return f"`{keyword}` of its schema asks for something else"


def at_path(schema: dict[str, Json] | None, name: str | int) -> tuple[bool, dict[str, Json] | None]:
    """One step down a shape: whether the key can exist, and its shape (None: not known)."""
    if not schema:
        return True, None
    kind = schema.get("type")
    if isinstance(kind, list) or (kind is None and "properties" not in schema):
        return True, None
    if kind == "array":
        items = schema.get("items")
        return isinstance(name, int), items if isinstance(items, dict) else None
    if kind == "string":  # by a number it is a character of it
        return isinstance(name, int), {"type": "string"}
    if kind in ("integer", "number", "boolean", "null"):
        return False, None
    properties = schema.get("properties")
    if isinstance(properties, dict) and str(name) in properties:
        inner = properties[str(name)]
        return True, inner if isinstance(inner, dict) else None
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        return True, extra
    open_ = not isinstance(properties, dict) or extra is True or "patternProperties" in schema
    return open_, None
