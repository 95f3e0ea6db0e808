"""Pipelines: what they are, when they run next, which versions there were; holding them, and asking for a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from yamldag.engine import given
from yamldag.engine.asking.rows import difference_row, pipeline_row, plan_row, version_rows
from yamldag.engine.refused import Refused, unknown
from yamldag.engine.schedule.known import Known
from yamldag.plan import schedule
from yamldag.store import views
from yamldag.syntax.nearest import nearest
from yamldag.web import acts, ordering
from yamldag.web.api.checked import parameter
from yamldag.web.api.paging import portion
from yamldag.web.api.shapes import CURSOR, LIMIT, PAGED, ref
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import Doc, Kind, Route


def known_of(ask: Ask) -> Known:
    """The pipeline that the path names. Raises Refused."""
    name, there = ask.path["pipeline"], ask.site.board.status.pipelines
    if name not in there:
        near = nearest(name, there)
        raise unknown(f"there is no pipeline `{name}`" + (f"; did you mean `{near}`?" if near else ""))
    return there[name]


def many(ask: Ask) -> Response:
    status = ask.site.board.status
    with ask.site.reading() as db:
        last = {row["id"]: row for row in views.pipelines(db)}
    rows = [
        pipeline_row(None if known.stale else known.plan, name, known.plan.file, last.get(name))
        for name, known in status.pipelines.items()
        if parameter(ask, "tag") in (None, *known.plan.tags)
    ]
    if parameter(ask, "tag") is None:
        rows += [
            pipeline_row(None, name, row["file"], row, removed=True)
            for name, row in last.items()
            if row["removed"] is not None and name not in status.pipelines
        ]
    rows.sort(key=lambda row: str(row["pipeline"]))
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def one(ask: Ask) -> Response:
    known = known_of(ask)
    with ask.site.reading() as db:
        last = next((row for row in views.pipelines(db) if row["id"] == known.plan.pipeline), None)
    due = ask.site.board.status.next.get(known.plan.pipeline)
    return JSONResponse(
        pipeline_row(known.plan, known.plan.pipeline, known.plan.file, last)
        | {
            "version": known.version,
            "stale": known.stale,
            "description": known.plan.description,
            "owner": known.plan.owner,
            "next": None if due is None else datetime.fromtimestamp(due, UTC).isoformat(),
        }
    )


def plan(ask: Ask) -> Response:
    """It changes with its version alone, so who has it is told so."""
    known = known_of(ask)
    tag = f'"{known.version}"'
    if ask.request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    return JSONResponse(plan_row(known.plan), headers={"etag": tag, "cache-control": "no-cache"})


def versions(ask: Ask) -> Response:
    with ask.site.reading() as db:
        rows = version_rows(db, ask.path["pipeline"])
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def difference(ask: Ask) -> Response:
    if None in (parameter(ask, "old"), parameter(ask, "new")):
        raise Refused("two versions are wanted: `old` and `new`")
    with ask.site.reading() as db:
        found = difference_row(
            db, ask.path["pipeline"], str(parameter(ask, "old")), str(parameter(ask, "new"))
        )
    return JSONResponse(found)


def ticks(ask: Ask) -> Response:
    known = known_of(ask)
    after = given.moment_given(parameter(ask, "after"), known.plan, "after")
    until = given.moment_given(parameter(ask, "until"), known.plan, "until", last=True)
    begin = after or datetime.fromtimestamp(ask.now, UTC)
    try:
        found = schedule.coming(known.schedule, begin, until, parameter(ask, "count"))
    except OverflowError:
        raise Refused("there is no such moment") from None
    return JSONResponse({"items": schedule.rows(found), "next": None})


def pause(ask: Ask) -> Response:
    return JSONResponse({"outcome": acts.set_paused(ask, known_of(ask), paused=True)})


def unpause(ask: Ask) -> Response:
    return JSONResponse({"outcome": acts.set_paused(ask, known_of(ask), paused=False)})


def trigger(ask: Ask) -> Response:
    known, body = known_of(ask), ask.json() or {}
    params = ordering.params_of(known.plan, body)
    at = given.date_given(body.get("date"), known.plan, "date")
    return JSONResponse(ordering.trigger(ask, known, params, at), 201)


_NOTHING = {"type": "object", "maxProperties": 0}
_TIME = {
    "type": "string",
    "maxLength": 40,
    "description": "a date or a time, in the pipeline's zone if it says none",
}
_NUMBER = {"type": "integer", "minimum": 1, "maximum": 1_000_000}
_COUNT = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 5}
PARAMS: dict[str, Any] = {
    "params": {"type": "object", "description": "values of the pipeline's params"},
    "param_texts": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "instead: values as texts, read as the command line reads them",
    },
}
_TRIGGER = {
    "type": "object",
    "properties": {**PARAMS, "date": _TIME},
    "additionalProperties": False,
}
_ONE = "/api/v1/pipelines/{pipeline}"

ROUTES = (
    Route(
        "api_pipelines", "GET", "/api/v1/pipelines", many, Role.VIEWER, Kind.API,
        doc=Doc("Pipelines by name, each with its newest run", ref("PipelinePage"),
                query={"tag": {"type": "string", "maxLength": 200}, "limit": LIMIT, "cursor": CURSOR}),
    ),
    Route(
        "api_pipeline", "GET", _ONE, one, Role.VIEWER, Kind.API, doc=Doc("A pipeline", ref("Pipeline"))
    ),
    Route(
        "api_plan", "GET", f"{_ONE}/plan", plan, Role.VIEWER, Kind.API,
        doc=Doc("The compiled plan in force. `ETag` is its version", ref("Plan")),
    ),
    Route(
        "api_versions", "GET", f"{_ONE}/versions", versions, Role.VIEWER, Kind.API,
        doc=Doc("Its versions, the newest first", ref("VersionPage"), query=PAGED),
    ),
    Route(
        "api_difference", "GET", f"{_ONE}/difference", difference, Role.VIEWER, Kind.API,
        doc=Doc("What differs between two versions", ref("Difference"), query={"old": _NUMBER, "new": _NUMBER}),
    ),
    Route(
        "api_ticks", "GET", f"{_ONE}/ticks", ticks, Role.VIEWER, Kind.API,
        doc=Doc("Its coming ticks", ref("TickPage"), query={"after": _TIME, "until": _TIME, "count": _COUNT}),
    ),
    Route(
        "api_trigger", "POST", f"{_ONE}/runs", trigger, Role.OPERATOR, Kind.API,
        doc=Doc("Ask for a run, which a scheduler begins", ref("Run"), body=_TRIGGER, status=201),
    ),
    Route(
        "api_pause", "POST", f"{_ONE}/pause", pause, Role.OPERATOR, Kind.API,
        doc=Doc("Hold a pipeline's schedule: `paused` or `unchanged`", ref("Done"), body=_NOTHING),
    ),
    Route(
        "api_unpause", "POST", f"{_ONE}/unpause", unpause, Role.OPERATOR, Kind.API,
        doc=Doc("Let it go on: `unpaused` or `unchanged`", ref("Done"), body=_NOTHING),
    ),
)  # fmt: skip
