"""What is in a run: its tasks, their attempts and outputs, why one waits, and the event log."""

from __future__ import annotations

import json
import os
from typing import Any

from starlette.responses import JSONResponse, Response

from yamldag.engine import times
from yamldag.engine.asking.naming import task_named
from yamldag.engine.asking.rows import attempt_row, index_of, task_rows, why_row
from yamldag.engine.asking.told import notification_rows
from yamldag.engine.refused import Refused
from yamldag.store import listing, views
from yamldag.web.api.checked import parameter
from yamldag.web.api.paging import page, place, portion
from yamldag.web.api.runs import the_run
from yamldag.web.api.shapes import CURSOR, LIMIT, PAGED, TASK, ref
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.log.places import opened
from yamldag.web.route import Doc, Kind, Route

_LOG = 64 * 1024
"""Bytes of what a notification wrote that are told."""


def many(ask: Ask) -> Response:
    with ask.site.reading() as db:
        rows = task_rows(db, the_run(ask, db))
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def attempts(ask: Ask) -> Response:
    """Of one task, by instance, the first attempt first, each with the bytes of its log."""
    with ask.site.reading() as db:
        run = the_run(ask, db)
        name = wanted(ask)
        task, index, _ = task_named(db, run["id"], name)
        found = views.attempts(db, run["id"], task, index)
    rows = [
        {**attempt_row(task, row), "attempt_id": row["id"], "log_bytes": _size(ask, row["log"])}
        for row in found
    ]
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def wanted(ask: Ask) -> str:
    """The task that the query names. Raises Refused."""
    name = parameter(ask, "task")
    if name is None:
        raise Refused("a task is wanted: `task`")
    return str(name)


def _size(ask: Ask, path: str | None) -> int:
    file = opened(path, ask.site.logs)
    if file is None:
        return 0
    with file:
        return os.fstat(file.fileno()).st_size


def why(ask: Ask) -> Response:
    with ask.site.reading() as db:
        return JSONResponse(why_row(db, the_run(ask, db), wanted(ask)))


def notifications(ask: Ask) -> Response:
    def read(path: str) -> str:
        file = opened(path, ask.site.logs)
        if file is None:
            return ""
        with file:
            return file.read(_LOG).decode(errors="replace")

    with ask.site.reading() as db:
        rows = notification_rows(db, the_run(ask, db), ask.site.folder, read)
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def outputs(ask: Ask) -> Response:
    limit, text = parameter(ask, "limit"), parameter(ask, "cursor")
    after = place(text, int)[0] if text is not None else 0
    with ask.site.reading() as db:
        rows = listing.outputs(db, the_run(ask, db)["id"], after, limit + 1, parameter(ask, "task"))

    def shown(row: Any) -> dict[str, Any]:
        index = index_of(row["map_index"])
        return {"task": row["task"], "map_index": index, "value": json.loads(row["value"])}

    return JSONResponse(page(rows, limit, shown, lambda row: (row["instance"],)))


def events(ask: Ask) -> Response:
    limit, text = parameter(ask, "limit"), parameter(ask, "cursor")
    after = place(text, int)[0] if text is not None else 0
    with ask.site.reading() as db:
        rows = listing.events(db, the_run(ask, db)["id"], after, limit + 1)

    def shown(row: Any) -> dict[str, Any]:
        return {
            "event_id": row["id"],
            "at": times.shown(row["at"]),
            "event": row["event"],
            "state": row["state"],
            "task": row["task"],
            "map_index": None if row["map_index"] is None else index_of(row["map_index"]),
            "attempt": row["number"],
            "detail": row["detail"],
        }

    return JSONResponse(page(rows, limit, shown, lambda row: (row["id"],)))


_RUN = "/api/v1/runs/{run}"

ROUTES = (
    Route(
        "api_tasks", "GET", f"{_RUN}/tasks", many, Role.VIEWER, Kind.API,
        doc=Doc("The run's tasks in plan order, one per instance", ref("TaskPage"), query=PAGED),
    ),
    Route(
        "api_attempts", "GET", f"{_RUN}/attempts", attempts, Role.VIEWER, Kind.API,
        doc=Doc("The attempts of a task, or of one instance of it", ref("AttemptPage"), query={"task": TASK, **PAGED}),
    ),
    Route(
        "api_why", "GET", f"{_RUN}/why", why, Role.VIEWER, Kind.API,
        doc=Doc("Why a task is not running, or how it came to its end", ref("Why"), query={"task": TASK}),
    ),
    Route(
        "api_notifications", "GET", f"{_RUN}/notifications", notifications, Role.VIEWER, Kind.API,
        doc=Doc("Who was to be told of the run, and what came of it", ref("NotificationPage"), query=PAGED),
    ),
    Route(
        "api_outputs", "GET", f"{_RUN}/outputs", outputs, Role.VIEWER, Kind.API,
        doc=Doc("Outputs of the run's tasks", ref("OutputPage"),
                query={"task": TASK, "limit": LIMIT, "cursor": CURSOR}),
    ),
    Route(
        "api_events", "GET", f"{_RUN}/events", events, Role.VIEWER, Kind.API,
        doc=Doc("The run's event log, the oldest first", ref("EventPage"), query=PAGED),
    ),
)  # fmt: skip
