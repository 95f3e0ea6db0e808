"""What the API takes and gives, as JSON Schema: `components/schemas` of its OpenAPI document."""

from __future__ import annotations

from typing import Any

from yamldag.plan.state import RunState
from yamldag.store.names import RUN_TYPES

Schema = dict[str, Any]

TIME: Schema = {"type": "string", "format": "date-time"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def record(**properties: Schema) -> Schema:
    """An object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": properties}


def page_of(item: str) -> Schema:
    """Some of many, and the cursor that leads to those that follow."""
    return record(items={"type": "array", "items": ref(item)}, next=nullable({"type": "string"}))


SCHEMAS: dict[str, Schema] = {
    "Problem": record(
        type={"type": "string"},
        status={"type": "integer"},
        title={"type": "string"},
        detail={"type": "string"},
    ),
    "Run": record(
        run_id={"type": "string"},
        pipeline={"type": "string"},
        type={"enum": list(RUN_TYPES)},
        state={"enum": [state.value for state in RunState]},
        logical_date=TIME,
        data_interval_start=TIME,
        data_interval_end=TIME,
        created_at=TIME,
        started_at=nullable(TIME),
        ended_at=nullable(TIME),
        reason=nullable({"type": "string"}),
    ),
    "RunPage": page_of("Run"),
    "Done": record(outcome={"type": "string"}),
}

LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
CURSOR: Schema = {"type": "string", "maxLength": 400, "description": "`next` of the page before"}
