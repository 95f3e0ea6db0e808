"""The runs of a range of ticks: what would run is shown before anything is made."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from yamldag.engine import orders
from yamldag.engine.refused import Refused
from yamldag.engine.schedule.backfill import REPROCESS
from yamldag.engine.schedule.known import Known
from yamldag.store import history
from yamldag.store.moves import Lost
from yamldag.web import ordering
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import forms, records
from yamldag.web.pages.trigger import known_of
from yamldag.web.route import Kind, Route

_LISTED = 200
"""Ticks that the preview lists."""
_WORDS = {
    "none": "keep every run there is",
    "failed": "run again what failed or was cancelled",
    "completed": "run all again that are over",
}


def ask_backfill(ask: Ask) -> Response:
    """The form; with a range, what it comes to."""
    known = known_of(ask)
    return ask.missing() if known is None else _form(ask, known, forms.asked(ask), "", {})


def backfill(ask: Ask) -> Response:
    if (known := known_of(ask)) is None:
        return ask.missing()
    given = forms.posted(ask)
    if "show" in given:  # by POST, so that no address holds a password
        return _form(ask, known, given, "", {})
    params, errors = forms.values(known.plan.params, given)
    try:
        if errors:
            return _form(ask, known, given, "", errors, 422)
        told = ordering.backfill(ask, known, {**_range(given), "params": params})
    except Refused as refused:
        return _form(ask, known, given, str(refused), {}, 422)
    except Lost:
        return _form(ask, known, given, "A run of the range is being moved all the time: try again", {}, 409)
    if told["backfill_id"] is None:
        return _form(ask, known, given, "There is nothing to run", {}, 422)
    return ask.to("/runs", pipeline=known.plan.pipeline, backfill=told["backfill_id"], did="backfilled")


def _range(given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """As the API takes it. Raises Refused."""
    text = {name: given.get(name, [""])[-1].strip() for name in ("from", "to", "reprocess", "max_active")}
    if text["max_active"] and not re.fullmatch("[1-9][0-9]{0,8}", text["max_active"]):
        raise Refused("runs at a time: a number from 1 on is wanted")
    reprocess = text["reprocess"] or "none"
    if reprocess not in REPROCESS:
        raise Refused("`reprocess` is `none`, `failed` or `completed`")
    most = int(text["max_active"]) if text["max_active"] else None
    return {"from": text["from"], "to": text["to"], "reprocess": reprocess, "max_active": most}


def _form(
    ask: Ask,
    known: Known,
    given: Mapping[str, Sequence[str]],
    wrong: str,
    errors: Mapping[str, str],
    status: int = 200,
) -> Response:
    plan = known.plan
    rows, usual = None, None
    wanted: dict[str, Any] = {"from": "", "to": "", "reprocess": "none", "max_active": None}
    try:
        wanted = _range(given)
        if wanted["from"] and wanted["to"]:
            rows = _ticks(ask, known, wanted)
            with ask.site.reading() as db:
                usual = history.usual_run(db, plan.pipeline)
    except Refused as refused:
        wrong, status = wrong or str(refused), 422
    params, _ = forms.values(plan.params, given)
    most = wanted["max_active"] or plan.max_active_runs
    return ask.page(
        "backfill.html",
        status,
        plan=plan,
        pipeline=known,
        wanted=wanted,
        words=_WORDS,
        fields=forms.fields(plan.params, given, errors),
        errors=errors,
        wrong=wrong,
        rows=rows if rows is None else [_row(each) for each in rows[:_LISTED]],
        total=len(rows or ()),
        again=sum(1 for each in rows or () if each["run_id"]),
        most=most,
        lasts=None if usual is None or not rows else usual * -(-len(rows) // most),
        week=_week(ask, known),
        command=shlex.join(_command(plan.pipeline, wanted, forms.command(plan.params, params))),
    )  # fmt: skip


def _ticks(ask: Ask, known: Known, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What would run. Params are asked for when it is started. Raises Refused."""
    plan = known.plan
    found = orders.range_of(plan, wanted["from"], wanted["to"])
    with ask.site.writing() as database:
        return orders.backfill_rows(orders.plan_backfill(database, plan, found, wanted["reprocess"]))


def _row(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "date": datetime.fromisoformat(told["logical_date"]),
        "start": datetime.fromisoformat(told["data_interval_start"]),
        "end": datetime.fromisoformat(told["data_interval_end"]),
        "run": told["run_id"],
    }


def _week(ask: Ask, known: Known) -> tuple[str, str]:
    """The last seven days, for who begins."""
    today = datetime.fromtimestamp(ask.now, records.zone_of(known)).date()
    return (today - timedelta(days=7)).isoformat(), (today - timedelta(days=1)).isoformat()


def _command(pipeline: str, wanted: Mapping[str, Any], params: Sequence[str]) -> list[str]:
    words = ["yamldag", "backfill", pipeline, "--from", wanted["from"] or "D", "--to", wanted["to"] or "D"]
    if wanted["reprocess"] != "none":
        words += ["--reprocess", wanted["reprocess"]]
    if wanted["max_active"]:
        words += ["--max-active", str(wanted["max_active"])]
    return [*words, *params]


_PATH = "/pipelines/{pipeline}/backfill"

ROUTES = (
    Route("ask_backfill", "GET", _PATH, ask_backfill, Role.OPERATOR, Kind.PAGE),
    Route("backfill", "POST", _PATH, backfill, Role.OPERATOR, Kind.ACTION),
)
