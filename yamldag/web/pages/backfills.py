"""Backfills: their ranges, how far their runs have come, and the end of one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from starlette.responses import Response

from yamldag.engine import orders, times
from yamldag.plan.state import RunState
from yamldag.store import listing
from yamldag.store.database import Database
from yamldag.web import acts
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages.links import query
from yamldag.web.pages.question import Question
from yamldag.web.pages.question import asked as question_page
from yamldag.web.route import PATTERNS, Kind, Route
from yamldag.web.words import counted

_LISTED = 50
_OPEN = (RunState.QUEUED.value, RunState.RUNNING.value)


class Backfill(NamedTuple):
    """A backfill, and how many of its runs are in which state."""

    row: sa.RowMapping
    counts: Mapping[str, int]

    @property
    def first(self) -> datetime:
        return times.read(self.row["first"])

    @property
    def last(self) -> datetime:
        return times.read(self.row["last"])

    @property
    def states(self) -> Sequence[tuple[str, int]]:
        """Those that any of its runs is in."""
        return [(state.value, self.counts[state.value]) for state in RunState if state.value in self.counts]

    @property
    def left(self) -> int:
        """Runs that wait or are under way."""
        return sum(self.counts.get(state, 0) for state in _OPEN)

    @property
    def can_be_cancelled(self) -> bool:
        return self.left > 0 and self.row["cancelled"] is None


def one_backfill(db: sa.Connection, name: str) -> Backfill | None:
    row = listing.one_backfill(db, name)
    return None if row is None else Backfill(row, listing.backfill_states(db, name))


def backfills(ask: Ask) -> Response:
    pipeline = ask.query("pipeline").strip()[:200]
    with ask.site.reading() as db:
        rows = listing.backfills(db, _place(ask.query("after")), _LISTED + 1, pipeline or None)
        states = listing.states_of_backfills(db, [row["id"] for row in rows[:_LISTED]])
    last = rows[_LISTED - 1] if len(rows) > _LISTED else None
    return ask.page(
        "backfills.html",
        backfills=[Backfill(row, states.get(row["id"], {})) for row in rows[:_LISTED]],
        pipeline=pipeline,
        following=query("/backfills", pipeline=pipeline, after=f"{last['created']}~{last['id']}")
        if last
        else "",
    )


def _place(text: str) -> tuple[float, str] | None:
    created, _, name = text.partition("~")
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,20})?", created) or not re.fullmatch(PATTERNS["run"], name):
        return None
    return float(created), name


def ask_cancel(ask: Ask) -> Response:
    name = ask.path["name"]
    with ask.site.reading() as db:
        found = one_backfill(db, name)
    if found is None:
        return ask.missing()
    left = found.left
    says = [
        "It makes no more runs. "
        + (f"{counted(left, 'run')} of it {'waits or runs' if left == 1 else 'wait or run'}, and "
           f"{'is' if left == 1 else 'are'} cancelled." if left else "None of its runs is under way."),
        "Runs that are over stay as they are.",
    ]  # fmt: skip
    command = ("yamldag", "backfill", "--cancel", name)
    title, back = f"Cancel the backfill of {found.row['pipeline']}", query("/runs", backfill=name)
    question = Question(title, says, "Cancel the backfill", command, back, bad=True)
    return question_page(ask, question)


def cancel(ask: Ask) -> Response:
    name = ask.path["name"]
    with ask.site.reading() as db:
        if listing.one_backfill(db, name) is None:
            return ask.missing()

    def work(database: Database) -> str:
        orders.end_backfill(database, name, ask.now)
        return "cancelled"

    return ask.to("/runs", backfill=name, did=acts.done(ask, ask.deed("backfill.cancel", name), work))


_CANCEL = "/backfills/{name}/cancel"

ROUTES = (
    Route("backfills", "GET", "/backfills", backfills, Role.VIEWER, Kind.PAGE),
    Route("ask_cancel_backfill", "GET", _CANCEL, ask_cancel, Role.OPERATOR, Kind.PAGE),
    Route("cancel_backfill", "POST", _CANCEL, cancel, Role.OPERATOR, Kind.ACTION),
)
