"""What tasks ask of people, and how a person answers: once, by a conditional write.

An answer is a mark on the row of what waits, and a request to whoever moves the run, in one transaction. Of two
answers, and of an answer and a time-out, the one that marks the row first is the one that counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from yamldag.engine import times
from yamldag.engine.asking.naming import instance_named, label
from yamldag.engine.asking.rows import Row, index_of
from yamldag.engine.memory.deferral import TOO_LATE, Deferral, from_text, to_text
from yamldag.engine.memory.params import BadParams, fill
from yamldag.engine.memory.reading import Unreadable, reading
from yamldag.engine.memory.run import UNMAPPED
from yamldag.engine.refused import NOT_NOW, NOT_YOURS, Refused
from yamldag.engine.step.deferred import answered as outcome_of
from yamldag.engine.step.world import Reply
from yamldag.operators.output import BadOutputError, check
from yamldag.plan.pipeline import Json, Param
from yamldag.store import approvals, audit, requests, users, views
from yamldag.store.approvals import Waiting
from yamldag.store.database import Database

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.store.audit import Deed

HERE = ("local", "command")
"""How those ask who are at this machine and were asked for no name."""


class Question(Struct, frozen=True):
    """What a task asks of a person."""

    row: Waiting
    asks: Deferral

    @property
    def label(self) -> str:
        index = self.row.map_index
        return self.row.task if index == UNMAPPED else f"{self.row.task}[{index}]"

    @property
    def shown(self) -> str:
        """The same by its item."""
        return label(self.row.task, self.row.map_index, self.row.item)

    @property
    def fields(self) -> tuple[Param, ...]:
        """What is filled in, as a pipeline's params are."""
        properties = (self.asks.form or {}).get("properties")
        found = properties.items() if isinstance(properties, dict) else ()
        return tuple(Param(name, schema if isinstance(schema, dict) else {}) for name, schema in found)

    @property
    def optional(self) -> frozenset[str]:
        """The fields that may be left out."""
        required = (self.asks.form or {}).get("required")
        wanted = required if isinstance(required, list) else []
        return frozenset(field.name for field in self.fields if field.name not in wanted)


class Answer(Struct, frozen=True):
    """What a person says. `values` are texts from a command line or a page, or JSON."""

    yes: bool
    values: Mapping[str, Json] = {}
    as_text: bool = False


# What there is


def questions(db: sa.Connection, run: str | None = None) -> list[Question]:
    """What waits for an answer, the first asked first; a row that was spoilt asks nothing."""
    return [each for each in _asked(db, run) if each.asks.answered is None]


def question(db: sa.Connection, run: sa.RowMapping, named: str) -> Question:
    """The one that a task of the run asks; one that was answered, and of which nothing has come yet, only where there
    is no other. Raises Refused."""
    rows = views.instances(db, run["id"])
    task, index = instance_named(run["id"], rows, named)
    here = [each for each in _asked(db, run["id"]) if each.row.task == task]
    here = [each for each in here if index in (None, each.row.map_index)]
    meant = [each for each in here if each.asks.answered is None] or here[:1]
    if len(meant) > 1:
        raise Refused(f"{len(meant)} instances of `{task}` wait: name one, such as `{meant[0].label}`")
    if not meant:
        now = [each for each in rows if each.task == task and index in (None, each.map_index)]
        raise Refused(f"`{named}` waits for nobody's answer: {_states(now)}", NOT_NOW)
    return meant[0]


def question_row(question: Question) -> Row:
    row, asks = question.row, question.asks
    return {
        "run_id": row.run,
        "pipeline": row.pipeline,
        "task": row.task,
        "map_index": index_of(row.map_index),
        "attempt": row.number,
        "message": asks.message,
        "form": asks.form,
        "approvers": list(asks.approvers),
        "since_at": times.shown(row.since),
        "until_at": times.shown(row.until),
    }


def _asked(db: sa.Connection, run: str | None) -> Iterator[Question]:
    return filter(None, map(_question, approvals.waiting(db, run)))


def _question(row: Waiting) -> Question | None:
    try:
        with reading("what it asks"):
            return Question(row, from_text(row.spec, row.since, row.until))
    except Unreadable:
        return None


def _states(rows: Sequence[Any]) -> str:
    told = [f"it is {row.state}" + (f" ({row.reason})" if row.reason else "") for row in rows]
    return told[0] if len(set(told)) == 1 else "none of its instances does"


# How it is answered


def filled(question: Question, answer: Answer) -> Json:
    """What the task hands on: what was filled in, checked by the form; null for a no. Raises Refused."""
    if not answer.yes:
        if answer.values:
            raise Refused("who says no fills nothing in")
        return None
    try:
        values = fill(
            question.fields, answer.values, as_text=answer.as_text, what="field", optional=question.optional
        )
        check(values, question.asks.form)
    except BadParams as bad:
        raise Refused("\n  ".join(bad.faults)) from None
    except BadOutputError as misfit:
        raise Refused(f"what was filled in does not fit: {misfit}") from None
    return values if question.asks.form is not None else None


def answered(database: Database, question: Question, said: Answer, who: Deed, now: float) -> str:
    """Answer it, and write down who did: one commit. `approved` or `declined`. Raises Refused: it was answered before,
    or is not for this person to answer, or what was filled in does not fit."""
    _may(database, question, who)
    if question.asks.answered is not None:
        raise Refused(_why_not(database, question), NOT_NOW)
    value = filled(question, said)
    row, outcome = question.row, _word(said)
    told = {"attempt": row.attempt, "yes": said.yes, "by": who.who, "via": who.via, "value": value}
    detail = json.dumps(told, ensure_ascii=False)

    def work() -> None:
        request = requests.ask(database, row.run, "answer", detail, now)
        after = to_text(replace(question.asks, answered=request))
        if not approvals.settle(database, row.instance, row.attempt, row.spec, after):
            raise _Taken
        audit.record(database, who, outcome, now)

    try:
        database.write(work)
    except _Taken:
        raise Refused(_why_not(database, question), NOT_NOW) from None
    return outcome


def answer_row(question: Question, said: Answer) -> Row:
    row = question.row
    return {
        "run_id": row.run,
        "task": row.task,
        "map_index": index_of(row.map_index),
        "attempt": row.number,
        "outcome": _word(said),
    }


def _word(said: Answer) -> str:
    return "approved" if said.yes else "declined"


class _Taken(Exception):  # noqa: N818
    """Somebody, or the clock, came first: nothing is written."""


def _may(database: Database, question: Question, who: Deed) -> None:
    """Where nobody has an account, names mean nothing: whoever is at this machine may answer."""
    named = question.asks.approvers
    if not named or who.who in named or (who.via in HERE and not users.are_there(database)):
        return
    listed = ", ".join(f"`{name}`" for name in named)
    raise Refused(f"`{question.label}` is for {listed} to answer, not for `{who.who}`", NOT_YOURS)


def _why_not(database: Database, question: Question) -> str:
    """Who came first."""
    row = question.row
    spec = approvals.spec(database, row.instance, row.attempt)
    if spec is None:
        return f"`{question.label}` waits for no answer any more"
    request = from_text(spec, row.since, row.until).answered
    if request == TOO_LATE:
        return f"the time for an answer to `{question.label}` is over"
    first = approvals.given(database, request) if request is not None else None
    if first is None:
        return f"`{question.label}` has been answered already"
    said = json.loads(first[0])
    at = times.shown(first[1])
    words = outcome_of(Reply(row.attempt, said["yes"], said["by"])).reason
    return f"`{question.label}` has been answered already: {words} at {at}"
