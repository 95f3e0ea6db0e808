"""What waits for a person's answer, and answering it."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from yamldag.engine.approving import Answer, answer_row, question, question_row, questions
from yamldag.engine.refused import Refused
from yamldag.web import acts
from yamldag.web.api.checked import parameter
from yamldag.web.api.paging import portion
from yamldag.web.api.runs import the_run
from yamldag.web.api.shapes import PAGED, TASK, ref
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import Doc, Kind, Route


def many(ask: Ask) -> Response:
    with ask.site.reading() as db:
        rows = [question_row(each) for each in questions(db)]
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def approve(ask: Ask) -> Response:
    body = ask.json() or {}
    with ask.site.reading() as db:
        run = the_run(ask, db)
        if not body.get("task"):
            raise Refused("a task is wanted: `task`")
        asks = question(db, run, body["task"])
    if "values" in body and "value_texts" in body:
        raise Refused("`values` and `value_texts` can't both be given")
    texts = body.get("value_texts")
    said = Answer(
        body.get("yes", True), body.get("values", {}) if texts is None else texts, texts is not None
    )
    acts.answer(ask, asks, said)
    return JSONResponse(answer_row(asks, said))


_APPROVE = {
    "type": "object",
    "properties": {
        "task": TASK,
        "yes": {"type": "boolean", "default": True},
        "values": {"type": "object", "description": "what the form wants, by name"},
        "value_texts": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "the same as texts: JSON where the field is no text",
        },
    },
    "additionalProperties": False,
}

ROUTES = (
    Route(
        "api_approvals", "GET", "/api/v1/approvals", many, Role.VIEWER, Kind.API,
        doc=Doc("What waits for a person's answer, the first asked first", ref("ApprovalPage"), query=PAGED),
    ),
    Route(
        "api_approve", "POST", "/api/v1/runs/{run}/approve", approve, Role.OPERATOR, Kind.API,
        doc=Doc("Say yes or no to what a task asks; the first answer counts", ref("Answered"), body=_APPROVE),
    ),
)  # fmt: skip
