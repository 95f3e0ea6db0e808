"""Asking for a run by hand: a form of its params, each checked by its schema, and what will happen."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from yamldag.engine import given as given_texts
from yamldag.engine.refused import Refused
from yamldag.engine.schedule.known import Known
from yamldag.store import history, views
from yamldag.web import ordering
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import forms
from yamldag.web.route import Kind, Route


def known_of(ask: Ask) -> Known | None:
    return ask.site.board.status.pipelines.get(ask.path["pipeline"])


def ask_trigger(ask: Ask) -> Response:
    """The form; `like`: with the params of that run."""
    if (known := known_of(ask)) is None:
        return ask.missing()
    given: Mapping[str, Sequence[str]] = forms.asked(ask)
    if like := ask.query("like"):
        with ask.site.reading() as db:
            row = views.one_run(db, like)
        if row is not None and row["pipeline"] == known.plan.pipeline:
            given = forms.texts_of(known.plan, json.loads(row["params"]))
    return _form(ask, known, given, {}, "")


def trigger(ask: Ask) -> Response:
    if (known := known_of(ask)) is None:
        return ask.missing()
    given = forms.posted(ask)
    found, errors = forms.values(known.plan.params, given)
    date = given.get("date", [""])[0].strip()
    wrong = ""
    try:
        at = given_texts.date_given(date or None, known.plan, "logical_date")
        if not errors:
            row = ordering.trigger(ask, known, found, at)
            return ask.to(f"/runs/{row['run_id']}", did="triggered")
    except Refused as refused:
        wrong = str(refused)
    return _form(ask, known, given, errors, wrong, 422)


def _form(
    ask: Ask,
    known: Known,
    given: Mapping[str, Sequence[str]],
    errors: Mapping[str, str],
    wrong: str,
    status: int = 200,
) -> Response:
    plan = known.plan
    found, _ = forms.values(plan.params, given)
    date = given.get("date", [""])[0]
    words = [
        "yamldag",
        "trigger",
        plan.pipeline,
        *forms.command(plan.params, found),
        *(["--date", date] if date else []),
    ]
    with ask.site.reading() as db:
        newest = views.runs(db, plan.pipeline, limit=1)
        active = views.runs(db, plan.pipeline, "running", limit=plan.max_active_runs)
        usual = history.usual_run(db, plan.pipeline)
    shown: dict[str, Any] = {
        "plan": plan,
        "pipeline": known,
        "fields": forms.fields(plan.params, given, errors),
        "errors": errors,
        "wrong": wrong,
        "date": date,
        "command": shlex.join(words),
        "newest": newest[0] if newest else None,
        "active": active,
        "usual": usual,
        "produces": sorted({asset for task in plan.tasks for asset in task.produces}),
        "paused": plan.pipeline in ask.site.board.status.paused,
    }
    return ask.page("trigger.html", status, **shown)


_TRIGGER = "/pipelines/{pipeline}/trigger"

ROUTES = (
    Route("ask_trigger", "GET", _TRIGGER, ask_trigger, Role.OPERATOR, Kind.PAGE),
    Route("trigger", "POST", _TRIGGER, trigger, Role.OPERATOR, Kind.ACTION),
)
