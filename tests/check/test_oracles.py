"""The check says yes and no as two other validators of JSON Schema do, on documents bent in every way."""

from __future__ import annotations

import copy
import math
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.check.schema import HTTP, PIPELINE
from yamldag.syntax.check import Checking, compile_schema
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Json, Scalar, located

SOURCE = Source("p.yml", "document")
HERE = Scalar("", "", 0, 1, "", SOURCE)


def standard(schema: Any) -> Any:
    """Without our annotations, and in one document."""
    if isinstance(schema, list):
        return [standard(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("$ref") == "operators/http.json":
        return {"$ref": "#/definitions/http"}
    return {
        name: standard(value)
        for name, value in schema.items()
        if not name.startswith("x-")
    }  # fmt: skip


def together() -> Any:
    http = standard(HTTP)
    definitions = standard(PIPELINE)["definitions"] | {"http": http} | http.pop("definitions")
    return standard(PIPELINE) | {"definitions": definitions}


WHOLE = together()


def complaints(document: Json, schema: Any) -> int:
    checking = Checking([], set(), lambda _: None)
    compile_schema(schema, lambda ref: {"operators/http.json": HTTP}[ref])(
        located(document, HERE), None, checking
    )
    return len(checking.report)


def agree(document: Json, schema: Any, oracle: Any) -> None:
    ours = complaints(document, schema) == 0
    assert ours == jsonschema_rs.Draft7Validator(oracle).is_valid(document)
    assert ours == jsonschema.Draft7Validator(oracle).is_valid(document)


GOOD: Json = {
    "pipeline": "p",
    "owner": "me",
    "catchup": True,
    "schedule": {"every": "5m"},
    "vars": {"a": [1, {"b": None}]},
    "tasks": {
        "a": {"bash": "x", "needs": ["b", "c"], "retries": 2, "timeout": "5m", "setup": True, "ratio": 0.5},
        "b": {"http": {"url": "u", "method": "GET", "expect": [200, 404]}, "tags": ["a", "b"]},
        "c": {"tasks": {"d": {"http": "u", "trigger_rule": "all_done", "env": {"A": 1}}}},
    },
}

NAMES = [
    "pipeline",
    "owner",
    "tasks",
    "needs",
    "retries",
    "http",
    "url",
    "expect",
    "tags",
    "setup",
    "zzz",
    "9",
    "",
]
SCALARS: list[Json] = [
    *(None, True, False, 0, 1, -1, 2, 2.0, 0.5, 1.5, 1000, 1001, 200, 99, 2**63 - 1, 1e30),
    *("", "a", "b c", "5m", "5", "GET", "all", "true", "a" * 200, "a" * 201, "é", "all_done"),
]
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.sampled_from(SCALARS),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(NAMES), below, max_size=3),
    max_leaves=5,
)


def containers(value: Json) -> list[list[Json] | dict[str, Json]]:
    if not isinstance(value, list | dict):
        return []
    below = value.values() if isinstance(value, dict) else value
    return [value, *(container for item in below for container in containers(item))]


@st.composite
def bent(draw: st.DrawFn) -> Json:
    """A good document with a few places changed, added or taken away."""
    document = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(0, 3))):
        container = draw(st.sampled_from(containers(document)))
        value = draw(VALUES)
        if isinstance(container, list):
            container.insert(draw(st.integers(0, len(container))), value)
            continue
        name = draw(st.sampled_from([*container, *NAMES]))
        drop: bool = draw(st.booleans())
        if drop and name in container:
            del container[name]
        else:
            container[name] = value
    return document


def test_the_document_that_is_bent_is_good() -> None:
    assert complaints(GOOD, PIPELINE) == 0
    assert jsonschema_rs.Draft7Validator(WHOLE).is_valid(GOOD)


@settings(max_examples=250, deadline=None)
@given(bent())
def test_bent_documents_are_refused_by_all_or_none(document: Json) -> None:
    agree(document, PIPELINE, WHOLE)


TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
SIZES = st.integers(0, 3)
BOUNDS = st.integers(-2, 3)
PATTERNS = st.sampled_from(["^a", "b$", "^[a-c]+$", "[$]", r"\$", "^$", "a|b$", "x-"])
NODES: st.SearchStrategy[Any] = st.deferred(
    lambda: st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=4),
            "const": VALUES,
            "pattern": PATTERNS,
            "minimum": BOUNDS,
            "maximum": BOUNDS,
            "exclusiveMinimum": BOUNDS,
            "exclusiveMaximum": st.floats(-2, 3, allow_nan=False),
            "minLength": SIZES,
            "maxLength": SIZES,
            "minItems": SIZES,
            "maxItems": SIZES,
            "minProperties": SIZES,
            "maxProperties": SIZES,
            "uniqueItems": st.booleans(),
            "required": st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
            "additionalProperties": st.booleans() | NODES,
            "properties": st.dictionaries(st.sampled_from(NAMES), NODES, max_size=2),
            "patternProperties": st.dictionaries(PATTERNS, NODES, max_size=2),
            "propertyNames": st.fixed_dictionaries({}, optional={"pattern": PATTERNS, "maxLength": SIZES}),
            "items": NODES,
            "default": VALUES,
        },
    )
)


@settings(max_examples=250, deadline=None)
@given(NODES, VALUES)
@example({"enum": [True], "const": None}, None)
def test_any_schema_is_understood_as_others_understand_it(schema: Any, document: Json) -> None:
    agree(document, schema, schema)


@settings(max_examples=100, deadline=None)
@given(NODES, st.lists(VALUES, max_size=6))
def test_what_was_good_before_does_not_change_the_next_answer(schema: Any, documents: list[Json]) -> None:
    check = compile_schema({"type": "array", "items": schema}, lambda _: {})
    checking = Checking([], set(), lambda _: None)
    check(located(documents, HERE), None, checking)
    valid = jsonschema_rs.Draft7Validator(schema)
    assert (not checking.report) == all(valid.is_valid(document) for document in documents)


@pytest.mark.parametrize("text", ["5m\n", "٣m", "5m"])
def test_patterns_mean_what_ecmascript_means(text: str) -> None:
    schema = {"type": "string", "pattern": "^[0-9]+m$"}
    assert (complaints(text, schema) == 0) == jsonschema_rs.Draft7Validator(schema).is_valid(text)


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, max_size=5))
def test_lists_are_unique_as_others_see_it(items: list[Json]) -> None:
    assume(all(not isinstance(item, float) or math.isfinite(item) for item in items))
    agree(items, {"uniqueItems": True}, {"uniqueItems": True})


def test_every_scalar_of_the_core_types_is_judged_alike_alone() -> None:
    names = ("string", "integer", "number", "boolean", "null")
    for value in SCALARS:
        for name in names:
            agree(value, {"type": name}, {"type": name})
