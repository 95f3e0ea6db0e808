"""What waits for a person: a list of all, and a page for each with the form that it wants filled in."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from starlette.responses import Response

from yamldag.engine.approving import Answer, Question, question, questions
from yamldag.engine.refused import NOT_YOURS, Refused
from yamldag.plan.pipeline import Json
from yamldag.store import views
from yamldag.web import acts
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import forms
from yamldag.web.pages.question import answered
from yamldag.web.pages.run_page import approve_link
from yamldag.web.route import Kind, Route


def approvals(ask: Ask) -> Response:
    with ask.site.reading() as db:
        waiting = questions(db)
    return ask.page("approvals.html", waiting=[(each, approve_link(each)) for each in waiting])


def ask_approve(ask: Ask) -> Response:
    given = forms.asked(ask)
    try:
        found = _question(ask, given)
    except Refused as refused:
        return ask.failed(409, "It waits for no answer", f"{refused}.")
    return ask.missing() if found is None else _form(ask, found, given, {}, "")


def approve(ask: Ask) -> Response:
    given = forms.posted(ask)
    try:
        found = _question(ask, given)
        if found is None:
            return ask.missing()
        yes = given.get("answer", [""])[0] != "no"
        values, errors = _values(found, given) if yes else ({}, {})
        if errors:
            return _form(ask, found, given, errors, "", 422)
        outcome = acts.answer(ask, found, Answer(yes, values))
    except Refused as refused:
        status = 403 if refused.kind == NOT_YOURS else 409
        title = "That is for others to answer" if refused.kind == NOT_YOURS else "It was not answered"
        return ask.failed(status, title, f"{refused}.")
    return answered(ask, f"/runs/{found.row.run}", outcome)


def _question(ask: Ask, given: Mapping[str, Sequence[str]]) -> Question | None:
    """The one that the query or the form names; None: there is no such run. Raises Refused."""
    with ask.site.reading() as db:
        row = views.one_run(db, ask.path["run"])
        return None if row is None else question(db, row, given.get("task", [""])[0])


def _values(found: Question, given: Mapping[str, Sequence[str]]) -> tuple[dict[str, Json], dict[str, str]]:
    return forms.values(found.fields, given, "field", found.optional)


def _form(
    ask: Ask,
    found: Question,
    given: Mapping[str, Sequence[str]],
    errors: Mapping[str, str],
    wrong: str,
    status: int = 200,
) -> Response:
    values, _ = _values(found, given)
    words = ["yamldag", "approve", found.row.run, found.label]
    words += forms.command(found.fields, values, "--value")
    return ask.page(
        "approve.html",
        status,
        asks=found,
        fields=forms.fields(found.fields, given, errors, found.optional),
        errors=errors,
        command=shlex.join(words),
        no=shlex.join([*words[:4], "--no"]),
        wrong=wrong,
    )


_APPROVE = "/runs/{run}/approve"

ROUTES = (
    Route("approvals", "GET", "/approvals", approvals, Role.VIEWER, Kind.PAGE),
    Route("ask_approve", "GET", _APPROVE, ask_approve, Role.OPERATOR, Kind.PAGE),
    Route("approve", "POST", _APPROVE, approve, Role.OPERATOR, Kind.ACTION),
)
