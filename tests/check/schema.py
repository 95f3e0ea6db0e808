"""A schema that resembles a pipeline's, for the tests of this room."""

from __future__ import annotations

from typing import Any

TASK: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "x-free": True,
    "properties": {
        "needs": {
            "type": ["string", "array"],
            "items": {"$ref": "#/definitions/id"},
            "x-wanted": "a task or a list of tasks",
            "x-template": "never",
        },
        "retries": {"type": "integer", "minimum": 0, "maximum": 1000},
        "ratio": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "trigger_rule": {"enum": ["all_success", "all_done", "all_failed", "one_success", "none_failed"]},
        "timeout": {"$ref": "#/definitions/duration"},
        "setup": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 3},
        "tasks": {"$ref": "#/definitions/tasks"},
        "env": {"type": "object", "x-template": True},
        "bash": {"type": "string", "x-template": True},
        "http": {"$ref": "operators/http.json", "x-template": True},
    },
}

PIPELINE: dict[str, Any] = {
    "type": "object",
    "required": ["pipeline", "tasks"],
    "additionalProperties": False,
    "x-free": True,
    "properties": {
        "pipeline": {"$ref": "#/definitions/id"},
        "owner": {"type": "string"},
        "catchup": {"enum": ["all", "latest", "none", True, False]},
        "vars": {},
        "schedule": {"type": ["string", "object"]},
        "tasks": {"$ref": "#/definitions/tasks"},
    },
    "definitions": {
        "id": {
            "type": "string",
            "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$",
            "maxLength": 200,
            "x-template": "never",
            "x-code": "YD201",
            "x-wanted": "an id of letters, digits, `_` and `-`",
        },
        "duration": {
            "type": "string",
            "pattern": "^([0-9]+[dhms])+$",
            "x-code": "YD407",
            "x-wanted": "a duration such as 30s or 1h30m",
        },
        "tasks": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"$ref": "#/definitions/id"},
            "additionalProperties": {"$ref": "#/definitions/task"},
        },
        "task": TASK,
    },
}

HTTP: dict[str, Any] = {
    "type": ["string", "object"],
    "required": ["url"],
    "additionalProperties": False,
    "properties": {
        "url": {"type": "string"},
        "method": {"enum": ["GET", "POST"]},
        "expect": {"type": "array", "items": {"$ref": "#/definitions/status"}},
    },
    "definitions": {"status": {"type": "integer", "minimum": 100, "maximum": 599}},
}
