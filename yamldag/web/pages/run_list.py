"""All runs: found by pipeline, state, type and date, a page at a time; several are cleared by one question."""

from __future__ import annotations

import re
from datetime import UTC
from urllib.parse import urlencode

from starlette.responses import Response

from yamldag.engine import times
from yamldag.engine.clearance import look, plan_clear
from yamldag.engine.outside import clear
from yamldag.engine.step.choice import Wish
from yamldag.plan.schedule import moment
from yamldag.plan.state import RunState
from yamldag.store import overview, search
from yamldag.store.database import Database
from yamldag.store.moves import Lost
from yamldag.store.names import RUN_TYPES
from yamldag.web import acts
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import forms, records
from yamldag.web.pages.backfills import one_backfill
from yamldag.web.pages.question import Option, Question
from yamldag.web.pages.question import asked as question_page
from yamldag.web.route import PATTERNS, Kind, Route
from yamldag.web.words import counted

_LISTED = 50
MOST = 100
"""Runs of one bulk deed."""
_SORTS = tuple(search.ORDERS)
_NUMBER = r"-?[0-9]{1,12}(\.[0-9]{1,20})?(e-[0-9]{1,3})?"
_KEYS = {"date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}[0-9T:.]{0,16}Z?"}
"""Of orders by what is no number, what their keys look like."""
_FILTERS = ("pipeline", "state", "type", "from", "to", "backfill")


def runs(ask: Ask) -> Response:
    chosen = {name: ask.query(name).strip()[:200] for name in _FILTERS}
    sort = ask.query("sort") if ask.query("sort") in search.ORDERS else _SORTS[0]
    wrong, dates = "", {}
    for name in ("from", "to"):
        found = moment(chosen[name], UTC, last=name == "to") if chosen[name] else None
        if chosen[name] and found is None:
            wrong = f"`{name}` wants a date or a time like 2026-01-31, found {chosen[name]}"
        dates[name] = times.stored(found) if found else None
    with ask.site.reading() as db:
        rows = search.runs(
            db, _LISTED + 1, order=sort, after=_place(ask.query("after"), sort), since=dates["from"], until=dates["to"],
            pipeline=chosen["pipeline"], state=chosen["state"], type=chosen["type"], backfill=chosen["backfill"],
        )  # fmt: skip
        backfill = one_backfill(db, chosen["backfill"]) if chosen["backfill"] else None
        done = overview.progress(db, [row["id"] for row in rows[:_LISTED] if row["state"] == "running"])
    status = ask.site.board.status
    lines = [
        records.run_line(row, status.pipelines.get(row["pipeline"]), ask.now, done.get(row["id"], (0, 0)))
        for row in rows[:_LISTED]
    ]
    filters = {name: value for name, value in chosen.items() if value}
    given = filters | ({"sort": sort} if sort != _SORTS[0] else {})
    last = rows[_LISTED - 1] if len(rows) > _LISTED else None
    place = f"{last['place']}~{last['id']}" if last else ""
    following = f"/runs?{urlencode({**given, 'after': place})}" if last else ""
    return ask.page(
        "runs.html",
        lines=[(line, row["created"], row["logical_date"]) for line, row in zip(lines, rows, strict=False)],
        chosen=chosen,
        filtered=bool(filters),
        backfill=backfill,
        sort=sort,
        sorts=_SORTS,
        sorted_by=lambda order: f"/runs?{urlencode({**filters, 'sort': order})}",
        first=f"/runs?{urlencode(given)}" if ask.query("after") else "",
        following=following,
        names=sorted(status.pipelines),
        states=[state.value for state in RunState],
        types=RUN_TYPES,
        wrong=wrong,
    )


def _place(text: str, sort: str) -> search.Place | None:
    key, _, name = text.partition("~")
    if not re.fullmatch(_KEYS.get(sort, _NUMBER), key) or not re.fullmatch(PATTERNS["run"], name):
        return None
    return (key if sort in _KEYS else float(key)), name


# Several at once


def ask_bulk(ask: Ask) -> Response:
    given = forms.asked(ask)
    do, names = given.get("do", [""])[-1], _named(given)
    if do not in ("clear", "retry", "cancel"):
        return ask.failed(400, "That is nothing to be done", "Runs are cleared, retried or cancelled.")
    with ask.site.reading() as db:
        rows = search.runs_named(db, names)
    fit = [row for row in rows if (row["state"] in ("queued", "running")) == (do == "cancel")]
    if do == "retry":
        fit = [row for row in fit if row["state"] in ("failed", "cancelled")]
    if not fit:
        words = (
            "None of what was picked waits or runs." if do == "cancel" else "None of what was picked is over."
        )
        return ask.failed(409, "There is nothing to do", words if names else "Pick runs first.")
    verb = {"clear": "Clear", "retry": "Retry", "cancel": "Cancel"}[do]
    rest = len(names) - len(fit)
    says = [
        f"{counted(len(fit), 'run')} " + ("end" if do == "cancel" else "wait for room again and go on") + "."
        + (f" {rest} of what was picked {'is' if rest == 1 else 'are'} left as they are." if rest else ""),
        "Each is a deed of its own in the audit log.",
    ]  # fmt: skip
    option = (Option("kill", "kill at once, and wait for no teardown"),) if do == "cancel" else ()
    # One line for each: what has an id has no sign that a shell would read otherwise.
    command = "\n".join(f"yamldag {do} {row['id']}" for row in fit)
    question = Question(
        f"{verb} {counted(len(fit), 'run')}", says, f"{verb} {counted(len(fit), 'run')}", command, "/runs", option,
        "bulk.html", bad=do == "cancel",
    )  # fmt: skip
    return question_page(ask, question, rows=fit, do=do)


def bulk(ask: Ask) -> Response:
    given = forms.posted(ask)
    do, names = given.get("do", [""])[-1], _named(given)
    if do not in ("clear", "retry", "cancel"):
        return ask.failed(400, "That is nothing to be done", "Runs are cleared, retried or cancelled.")
    with ask.site.reading() as db:
        rows = search.runs_named(db, names)
    kill = given.get("kill", [""])[-1] == "on"
    for row in rows:
        if do == "cancel":
            if row["state"] in ("queued", "running"):
                acts.cancel(ask, row["id"], kill=kill)
        elif row["state"] not in ("queued", "running"):
            _clear(ask, row["id"], Wish(failed=do == "retry"))
    return ask.to("/runs", did="done")


def _clear(ask: Ask, run: str, wish: Wish) -> None:
    """What somebody else moves in this moment is left alone: the audit log says so."""

    def work(database: Database) -> str:
        if plan_clear(look(database, run), wish).is_empty:
            return "nothing"
        try:
            return clear(database, run, wish, ask.now)
        except Lost:
            return "moved by somebody else"

    acts.done(ask, ask.deed("run.clear", run, failed=wish.failed, bulk=True), work)


def _named(given: dict[str, list[str]]) -> list[str]:
    names = [name for name in given.get("run", []) if re.fullmatch(PATTERNS["run"], name)]
    return list(dict.fromkeys(names))[:MOST]


ROUTES = (
    Route("runs", "GET", "/runs", runs, Role.VIEWER, Kind.PAGE, place="Runs", keys="g r"),
    Route("ask_bulk", "GET", "/bulk", ask_bulk, Role.OPERATOR, Kind.PAGE),
    Route("bulk", "POST", "/bulk", bulk, Role.OPERATOR, Kind.ACTION),
)
