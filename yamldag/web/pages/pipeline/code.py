"""Code: the file as it is, what is wrong in it, its versions and what differs between two."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from yamldag.engine.schedule.known import Known
from yamldag.engine.status import Status
from yamldag.plan.difference import Change, Difference, difference
from yamldag.plan.pipeline import Plan, UnreadableError, from_text
from yamldag.store import versions, views
from yamldag.store.versions import Seen
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages.links import tab_link
from yamldag.web.pages.pipeline import highlight
from yamldag.web.pages.pipeline.frame import known_of, missing, newest, tab_page
from yamldag.web.route import Kind, Route

_BIGGEST = 400_000
"""Characters of a file that are shown."""
_VERSIONS = 40
_NAMED = 3
"""Tasks with one and the same change that are named."""


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    parts: Sequence[highlight.Part]
    chosen: bool
    """The task that was asked for begins here."""
    found: Sequence[Diagnostic]
    """What is wrong here."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One difference in words: what, and of texts of several lines which lines."""

    sign: str
    """`+`, `-` or nothing: it was added, taken away, changed."""
    what: str
    old: str | None = None
    new: str | None = None
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    old: Seen
    new: Seen
    changes: Sequence[Changed]
    unreadable: bool = False


def code(ask: Ask) -> Response:
    known = known_of(ask)
    if known is None:
        return missing(ask)
    name = known.plan.pipeline
    with ask.site.reading() as db:
        runs = newest(db, known)
        seen = versions.of(db, name)
        compared = _compared(db, seen, ask.query("from"), ask.query("to"))
    found = _found(ask.site.board.status, known)
    text = found[0].place.source.text if found else _text(known)
    at = next((each for each in known.plan.tasks if each.id == ask.query("task")), None)
    here = at.line if at is not None and os.path.basename(at.file) == os.path.basename(known.path) else 0
    return tab_page(
        ask, known, "code", runs,
        lines=_lines(text[:_BIGGEST], found, here) if text is not None else None,
        cut=text is not None and len(text) > _BIGGEST,
        found=found,
        seen=seen[::-1][:_VERSIONS], unseen=max(0, len(seen) - _VERSIONS),
        compared=compared,
        compare=lambda old, new: tab_link(name, "code", **{"from": str(old), "to": str(new)}),
        file_link=tab_link(name, "code"),
    )  # fmt: skip


def _text(known: Known) -> str | None:
    """The pipeline's file; None if it can't be read."""
    try:
        with open(known.path, encoding="utf-8", errors="replace") as file:
            return file.read(_BIGGEST + 1)
    except OSError:
        return None


def _found(status: Status, known: Known) -> list[Diagnostic]:
    """What is wrong in the pipeline's file now, by place."""
    for broken in status.broken:
        if os.path.abspath(broken.path) == known.path:
            return sorted(broken.found, key=lambda each: each.place.start)
    return []


def _lines(text: str, found: Sequence[Diagnostic], chosen: int) -> list[Line]:
    by_line: dict[int, list[Diagnostic]] = {}
    marks = []
    for each in found:
        by_line.setdefault(each.place.source.place(each.place.start)[0], []).append(each)
        marks.append((each.place.start, max(each.place.end, each.place.start + 1)))
    return [
        Line(number, parts, number == chosen, by_line.get(number, ()))
        for number, parts in enumerate(highlight.lines(text, marks), 1)
    ]


# Versions


def _compared(db: sa.Connection, seen: Sequence[Seen], old: str, new: str) -> Comparison | None:
    """The two that are asked for, or the newest and the one before it."""
    by_number = {str(each.number): each for each in seen}
    if not old and not new and len(seen) > 1:
        old, new = str(seen[-2].number), str(seen[-1].number)
    before, after = by_number.get(old), by_number.get(new)
    if before is None or after is None:
        return None
    plans = [_plan(views.plan(db, each.hash)) for each in (before, after)]
    if plans[0] is None or plans[1] is None:
        return Comparison(before, after, (), unreadable=True)
    return Comparison(before, after, changes(difference(plans[0], plans[1])))


def _plan(text: str | None) -> Plan | None:
    try:
        return from_text(text) if text else None
    except UnreadableError:  # of another version of yamldag
        return None


def changes(found: Difference) -> list[Changed]:
    """Tasks and edges that came and went, then keys."""
    told = [Changed("-", f"task {name}") for name in found.removed]
    told += [Changed("+", f"task {name}") for name in found.added]
    told += [Changed("-", f"edge {parent} → {child}") for parent, child in found.edges_removed]
    told += [Changed("+", f"edge {parent} → {child}") for parent, child in found.edges_added]
    told += [_change(each, "") for each in found.pipeline]
    return told + _of_tasks(found)


def _of_tasks(found: Difference) -> list[Changed]:
    """What changed in the same way in several tasks is told once."""
    same: dict[str, tuple[Change, list[str]]] = {}
    for name, those in found.changed.items():
        for each in those:
            same.setdefault(json.dumps([each.key, each.old, each.new]), (each, []))[1].append(name)
    return [_change(each, _several(names)) for each, names in same.values()]


def _several(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more tasks"


def _change(change: Change, task: str) -> Changed:
    old, new = _shown(change.old), _shown(change.new)
    what = f"{task}: {change.key}" if task else change.key
    if "\n" in (old or "").rstrip("\n") or "\n" in (new or "").rstrip("\n"):
        told = difflib.unified_diff((old or "").splitlines(), (new or "").splitlines(), lineterm="", n=1)
        return Changed("", what, lines=[line for line in list(told)[2:] if not line.startswith("@@")])
    return Changed("", what, old, new)


def _shown(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


ROUTES = (Route("pipeline_code", "GET", "/pipelines/{pipeline}/code", code, Role.VIEWER, Kind.PAGE),)
