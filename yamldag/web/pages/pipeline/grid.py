"""Grid: runs beside each other, a row for each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from markupsafe import Markup
from starlette.responses import Response

from yamldag.plan.pipeline import Group, Plan, Task
from yamldag.store import histories
from yamldag.web import words
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.kept import Column
from yamldag.web.pages import bars, records
from yamldag.web.pages.links import tab_link
from yamldag.web.pages.pipeline import cells, columns, side
from yamldag.web.pages.pipeline.frame import known_of, missing, tab_page
from yamldag.web.route import Kind, Route

WIDTHS = (25, 50, 100)
"""How many runs may be beside each other."""
_LABEL = 62
"""Pixels that a date takes."""


@dataclass(frozen=True, slots=True)
class Row:
    """A task, or a group with the worst of its tasks."""

    id: str
    name: str
    """The last part of the id."""
    depth: int
    is_group: bool
    letters: str
    """One for each run."""
    count: str
    """Of what is mapped, in the chosen run: `9/12` have ended well."""
    folded: bool = False
    hidden: bool = False
    """It is in a group that is folded."""

    @property
    def drawn(self) -> Markup:
        return cells.drawn(self.letters)

    @property
    def told(self) -> str:
        return cells.told(self.letters)


@dataclass(frozen=True, slots=True)
class Head:
    """A run."""

    id: str
    state: str
    date: str
    took: str
    label: str
    """Its date below it, where there is room; else empty."""


def grid(ask: Ask) -> Response:
    known = known_of(ask)
    if known is None:
        return missing(ask)
    name, most = known.plan.pipeline, _width(ask)
    before = ask.query("before") or None
    with ask.site.reading() as db:
        rows = histories.runs_before(db, name, most, _date(before))
        read = columns.read(db, ask.site.columns, rows)
        chosen = _chosen(rows, ask.query("run"))
        panel = side.of_task(db, ask, known, chosen, ask.query("task")) if chosen is not None else None
        newer = histories.run_after(db, name, rows[-1]["logical_date"], most - 1) if rows and before else None
        newest = rows[::-1][: records.BARS]
    fold = _fold(ask, known.plan)
    chosen_at = next((at for at, row in enumerate(rows) if row is chosen), None)
    counts = {} if chosen_at is None else _counts(read[chosen_at])
    lines = _rows(known.plan, columns.by_task(read), fold, counts, cells.NOTHING * len(rows))
    letters = set().union(*(row.letters for row in lines))
    shown = _only_failed(lines) if ask.query("show") == "failed" else lines
    runs = [records.run_line(row, known, ask.now) for row in rows]
    usual = records.usual(rows)
    given = {each: ask.query(each) for each in ("before", "runs", "fold", "show", "run", "task")}

    def link(**other: str | int | None) -> str:
        return tab_link(name, "grid", **{**given, **other})

    return tab_page(
        ask, known, "grid", newest,
        rows=shown,
        columns=_headed(runs),
        drawn=bars.bars(runs, len(runs), cells.step_of(len(runs)), 52),
        room=_LABEL,
        chosen=chosen["id"] if chosen is not None else "",
        chosen_at=chosen_at,
        asked=ask.query("task"),
        side=panel,
        usual="" if usual is None else words.span(usual),
        most=most, widths=WIDTHS, link=link, groups=[group.id for group in known.plan.groups], fold=fold,
        given=given,
        older=rows[0]["logical_date"] if len(rows) == most else None,
        newer=newer, is_newest=before is None,
        states=[state for state in cells.WORST if cells.LETTERS[state] in letters],
        step=cells.step_of(len(rows)), high=cells.HIGH, letters=cells.LETTERS, state_of=cells.STATES,
    )  # fmt: skip


def _width(ask: Ask) -> int:
    asked = ask.number("runs", WIDTHS[1])
    return asked if asked in WIDTHS else WIDTHS[1]


def _date(text: str | None) -> str | None:
    """A stored date; what is none is not asked for."""
    try:
        return text if text and datetime.fromisoformat(text) else None
    except ValueError:
        return None


def _chosen(rows: Sequence[sa.RowMapping], asked: str) -> sa.RowMapping | None:
    return next((row for row in rows if row["id"] == asked), rows[-1] if rows else None)


def _fold(ask: Ask, plan: Plan) -> set[str]:
    groups = {group.id for group in plan.groups}
    asked = set(ask.query("fold").split(",")) if ask.query("fold") else set()
    return groups if "*" in asked else asked & groups


def _counts(column: Column) -> dict[str, str]:
    """Of what is mapped, how many instances of the chosen run are a success: `9/12`."""
    return {task: f"{good}/{all_}" for task, (good, all_) in column.counts.items()}


def _rows(
    plan: Plan, by_task: Mapping[str, str], fold: set[str], counts: Mapping[str, str], nothing: str
) -> list[Row]:
    """In the order of the file, groups above their tasks; then what is no longer in it."""
    groups = {group.id: group for group in plan.groups}
    lines: list[Row] = []
    seen: set[str] = set()
    for task in plan.tasks:
        above = _above(task, groups)
        for depth, group in enumerate(above):
            if group.id not in seen:
                seen.add(group.id)
                lines.append(_group_row(group, depth, plan, by_task, nothing, fold, above[:depth]))
        hidden = any(each.id in fold for each in above)
        letters = by_task.get(task.id, nothing)
        lines.append(
            Row(task.id, _last(task.id), len(above), False, letters, counts.get(task.id, ""), hidden=hidden)
        )
    known = {task.id for task in plan.tasks}
    gone = [task for task in by_task if task not in known]
    return lines + [Row(task, task, 0, False, by_task[task], counts.get(task, "")) for task in gone]


def _above(task: Task, groups: Mapping[str, Group]) -> list[Group]:
    """The groups that it is in, the outermost first."""
    found: list[Group] = []
    at = task.group
    while at is not None and at in groups:
        found.insert(0, groups[at])
        at = groups[at].parent
    return found


def _group_row(
    group: Group, depth: int, plan: Plan, by_task: Mapping[str, str], nothing: str, fold: set[str],
    above: Sequence[Group],
) -> Row:  # fmt: skip
    inside = [task.id for task in plan.tasks if task.id.startswith(group.id + ".")]
    there = {by_task[task] for task in inside if task in by_task}
    letters = "".join(map(_worst, zip(*there, strict=True))) if there else nothing
    hidden = any(each.id in fold for each in above)
    return Row(group.id, _last(group.id), depth, True, letters, str(len(inside)), group.id in fold, hidden)


def _worst(letters: Sequence[str]) -> str:
    """Of the tasks of a group in one run."""
    there = set(letters) - {cells.NOTHING}
    return cells.worst_letter(there) if there else cells.NOTHING


def _last(identifier: str) -> str:
    return identifier.rpartition(".")[2] or identifier


def _only_failed(rows: Sequence[Row]) -> list[Row]:
    bad = {cells.LETTERS[state] for state in ("failed", "upstream_failed", "up_for_retry")}
    return [row for row in rows if not bad.isdisjoint(row.letters)]


def _headed(runs: Sequence[records.RunLine]) -> list[Head]:
    """Each with its date in the pipeline's zone, every few of them written below: the day, or the time if the label
    before is of the same day."""
    every = -(-_LABEL // cells.step_of(len(runs)))
    heads, before = [], ""
    for at, run in enumerate(runs):
        label = ""
        if (len(runs) - 1 - at) % every == 0:
            *day, time, _ = run.date.split(" ")
            label = (
                time[:5]
                if " ".join(day) == before
                else " ".join(day[1:] if len(day) > 2 else day) or time[:5]
            )
            before = " ".join(day)
        heads.append(Head(run.id, run.state, run.date, run.took, label))
    return heads


ROUTES = (Route("pipeline", "GET", "/pipelines/{pipeline}", grid, Role.VIEWER, Kind.PAGE),)
