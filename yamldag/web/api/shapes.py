"""What the API takes and gives, as JSON Schema: `components/schemas` of its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yamldag.plan.state import AttemptState, Event, RunState, TaskState
from yamldag.store.names import ROLES, RUN_TYPES

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


TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
ANY: Schema = {}
OBJECT: Schema = {"type": "object"}
INDEX: Schema = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}


def listed(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def also(name: str, **properties: Schema) -> Schema:
    """What that shape has, and these."""
    return {"allOf": [ref(name), record(**properties)]}


def one_of(words: Iterable[object]) -> Schema:
    return {"enum": [str(word) for word in words]}


SCHEMAS: dict[str, Schema] = {
    "Problem": record(type=TEXT, status=NUMBER, title=TEXT, detail=TEXT),
    "Done": record(outcome=TEXT),
    "Pipeline": record(
        pipeline=TEXT, file=TEXT, valid=FLAG, schedule=ANY, timezone=nullable(TEXT), tasks=nullable(NUMBER),
        tags=nullable(listed(TEXT)), paused=FLAG, removed=FLAG,
        last_run=nullable(record(run_id=TEXT, state=one_of(RunState), created_at=TIME, logical_date=TIME)),
    ),
    "Plan": record(pipeline=TEXT, schedule=ANY, params=OBJECT, tasks=listed(OBJECT), edges=listed(listed(TEXT))),
    "Version": record(version=NUMBER, hash=TEXT, first_seen=TIME, runs=NUMBER, runs_to_come=NUMBER, current=FLAG),
    "Difference": record(
        pipeline=listed(OBJECT), tasks_added=listed(TEXT), tasks_removed=listed(TEXT), tasks_changed=OBJECT,
        edges_added=listed(listed(TEXT)), edges_removed=listed(listed(TEXT)),
    ),
    "Tick": record(logical_date=TIME, data_interval_start=TIME, data_interval_end=TIME),
    "Run": record(
        run_id=TEXT, pipeline=TEXT, type=one_of(RUN_TYPES), state=one_of(RunState), logical_date=TIME,
        data_interval_start=TIME, data_interval_end=TIME, created_at=TIME, started_at=nullable(TIME),
        ended_at=nullable(TIME), reason=nullable(TEXT), version=nullable(NUMBER),
    ),
    "RunNow": also("Run", asked=FLAG, next_version=nullable(NUMBER)),
    "Cleared": record(
        run_id=TEXT, state=one_of(RunState), outcome=one_of(("queued", "asked", "nothing", "previewed")),
        tasks=listed(record(id=TEXT, map_index=INDEX, state=one_of(TaskState))),
        tasks_removed=listed(TEXT), tasks_added=listed(TEXT),
    ),
    "Task": record(
        id=TEXT, state=one_of(TaskState), attempts=NUMBER, map_index=INDEX, started_at=nullable(TIME),
        ended_at=nullable(TIME), reason=nullable(TEXT), label=TEXT,
    ),
    "Attempt": record(
        id=TEXT, map_index=INDEX, attempt=NUMBER, attempt_id=NUMBER, state=one_of(AttemptState),
        started_at=nullable(TIME), ended_at=nullable(TIME), log_bytes=NUMBER,
    ),
    "LogPiece": record(
        attempt=NUMBER, state=one_of(AttemptState), offset=NUMBER, next=NUMBER, size=NUMBER, text=TEXT
    ),
    "Why": record(
        run_id=TEXT, run_state=one_of(RunState), task=TEXT, map_index=INDEX, state=one_of(TaskState), waiting=FLAG,
        conditions=listed(record(what=TEXT, holds=FLAG, detail=TEXT, until=nullable(TEXT))), instances=OBJECT,
    ),
    "Output": record(task=TEXT, map_index=INDEX, value=ANY),
    "Event": record(
        event_id=NUMBER, at=TIME, event=one_of(Event), state=TEXT, task=nullable(TEXT), map_index=INDEX,
        attempt=nullable(NUMBER), detail=nullable(TEXT),
    ),
    "Notification": record(
        cause=TEXT, task=nullable(TEXT), map_index=INDEX, attempt=nullable(NUMBER), position=NUMBER,
        operator=nullable(TEXT), state=TEXT, message=nullable(TEXT), created_at=TIME, ended_at=nullable(TIME), log=TEXT,
    ),
    "Approval": record(
        run_id=TEXT, pipeline=TEXT, task=TEXT, map_index=INDEX, attempt=NUMBER, message=TEXT, form=nullable(OBJECT),
        approvers=listed(TEXT), since_at=TIME, until_at=nullable(TIME),
    ),
    "Answered": record(
        run_id=TEXT, task=TEXT, map_index=INDEX, attempt=NUMBER, outcome=one_of(("approved", "declined"))
    ),
    "Backfill": record(
        backfill_id=TEXT, pipeline=TEXT, first=TIME, last=TIME, reprocess=one_of(("none", "failed", "completed")),
        max_active=NUMBER, created_at=TIME, cancelled_at=nullable(TIME),
    ),
    "RunState": record(run_id=TEXT, state=TEXT),
    "Backfilled": record(
        backfill_id=nullable(TEXT), pipeline=TEXT, runs=listed(ref("RunState")),
        ticks=listed(also("Tick", run_id=nullable(TEXT))),
    ),
    "BackfillEnded": record(backfill_id=TEXT, runs=listed(ref("RunState"))),
    "Pool": record(name=TEXT, slots=NUMBER, source=nullable(TEXT), used=NUMBER, waiting=NUMBER),
    "Connection": record(
        id=TEXT, type=nullable(TEXT), address=nullable(TEXT), source=nullable(TEXT), note=nullable(TEXT)
    ),
    "Secret": record(name=TEXT, source=nullable(TEXT), note=nullable(TEXT)),
    "Asset": record(
        asset=TEXT, produced_by=listed(record(pipeline=TEXT, task=TEXT)), awaited_by=listed(TEXT),
        updated_at=nullable(TIME), updated_by=nullable(record(run=TEXT, task=TEXT)),
    ),
    "Me": record(name=TEXT, role=one_of(ROLES), via=TEXT),
    "User": record(name=TEXT, role=one_of(ROLES), state=TEXT, created_at=TIME),
    "Token": record(
        name=TEXT, role=one_of(ROLES), state=one_of(("works", "revoked", "expired")), creator=TEXT, created_at=TIME,
        expires_at=nullable(TIME), used_at=nullable(TIME),
    ),
    "NewToken": also("Token", token=TEXT),
    "Webhook": record(
        name=TEXT, pipeline=TEXT, state=one_of(("works", "revoked")), param=nullable(TEXT), mapping=nullable(OBJECT),
        creator=TEXT, created_at=TIME, used_at=nullable(TIME),
    ),
    "NewWebhook": also("Webhook", secret=TEXT, path=TEXT),
    "Entry": record(
        entry_id=NUMBER, at=TIME, who=TEXT, via=TEXT, address=TEXT, action=TEXT, object=TEXT, detail=OBJECT,
        outcome=nullable(TEXT),
    ),
    "Diagnostics": record(files=NUMBER, pipelines=NUMBER, diagnostics=listed(OBJECT)),
    "Health": record(healthy=FLAG, version=TEXT, stopping=FLAG, running_tasks=NUMBER, slots=NUMBER, leads=FLAG),
}  # fmt: skip
_PAGES = (
    "Pipeline", "Version", "Tick", "Run", "Task", "Attempt", "Output", "Event", "Backfill", "Pool", "Asset", "User",
    "Token", "Webhook", "Notification", "Connection", "Secret", "Approval",
)  # fmt: skip
SCHEMAS |= {f"{name}Page": page_of(name) for name in _PAGES} | {"AuditPage": page_of("Entry")}

LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
CURSOR: Schema = {"type": "string", "maxLength": 400, "description": "`next` of the page before"}
PAGED = {"limit": LIMIT, "cursor": CURSOR}
PLAIN = "^[^\\x00]*$"
"""No database takes the character 0 in a text."""
TASK: Schema = {
    "type": "string",
    "maxLength": 600,
    "pattern": PLAIN,
    "description": "a task's id; one instance of a mapped one as `load[0]`, or by its item",
}
