"""What a deferred attempt waits for: a value in memory, and a row, so that a restart goes on waiting."""

from __future__ import annotations

import json
from typing import NamedTuple

from msgspec import Struct

from yamldag.plan.pipeline import Json

POKE = 60.0
"""Seconds between two looks, unless a task says otherwise."""
TIME, FILE, RUN, CALL, ERRAND, APPROVAL = "time", "file", "run", "call", "errand", "approval"
"""What is waited for: a moment, a file, a run of another pipeline, the end of a run that it made, what an errand
finds, and what a person says."""
TOO_LATE = 0
"""In place of the request that answers an approval: its time is over, and nobody answers it any more."""


class Deferral(Struct, eq=False):
    """Instants are Unix seconds."""

    what: str
    since: float
    until: float | None = None
    """When its time is over."""
    at: float | None = None
    """`time`: when that is."""
    fixed: bool | None = None
    """`time`: it is a moment of the clock, not one after a delay."""
    path: str | None = None
    """`file`: absolute; it may hold `*`."""
    pipeline: str | None = None
    """`run`: the other pipeline."""
    task: str | None = None
    """`run`: one task of it; None: all of it."""
    date: str | None = None
    """`run`: its logical date, as stored."""
    run: str | None = None
    """`call`: the id of the run that was made."""
    message: str | None = None
    """`approval`: what is asked."""
    form: dict[str, Json] | None = None
    """`approval`: the JSON Schema of what is filled in; None: nothing is."""
    approvers: tuple[str, ...] = ()
    """`approval`: who alone may answer, by the names of their accounts."""
    answered: int | None = None
    """`approval`: the request by which it is answered, or `TOO_LATE`. Set once, by whoever comes first."""
    poke: float = POKE
    soft_fail: bool = False
    next: float | None = None
    """When it is looked at next."""
    errand: int | None = None
    """The look that is under way."""

    @property
    def key(self) -> Awaited:
        """Of a `run`: what it is met by."""
        assert self.pipeline is not None
        assert self.date is not None
        return Awaited(self.pipeline, self.date, self.task)


class Awaited(NamedTuple):
    """A run, or one task of it: several tasks may wait for the same."""

    pipeline: str
    date: str
    task: str | None


_NEEDS = {
    TIME: (),
    FILE: ("path",),
    RUN: ("pipeline", "date"),
    CALL: ("run",),
    ERRAND: (),
    APPROVAL: ("message",),
}
"""The texts without which there is nothing to wait for."""
_SPEC = (
    *("what", "at", "fixed", "path", "pipeline", "task", "date", "run"),
    *("message", "form", "approvers", "answered", "poke", "soft_fail"),
)


def to_text(deferral: Deferral) -> str:
    """The JSON that is stored; `since` and `until` have columns of their own."""
    spec = {name: getattr(deferral, name) for name in _SPEC}
    told = {name: value for name, value in spec.items() if value is not None and value != ()}
    return json.dumps(told, ensure_ascii=False)


def from_text(spec: str, since: float, until: float | None) -> Deferral:
    """Raises ValueError, TypeError: it is none."""
    made = Deferral(since=since, until=until, **json.loads(spec))
    texts = [name for name in _NEEDS[made.what] if not isinstance(getattr(made, name), str)]
    numbers = [made.at if made.what == TIME else 0.0, made.poke]
    if texts or not all(isinstance(each, int | float) for each in numbers):
        raise TypeError
    if not isinstance(made.form, dict | None) or not all(isinstance(each, str) for each in made.approvers):
        raise TypeError
    made.approvers = tuple(made.approvers)
    return made
