"""Graph: the picture that `yamldag graph` draws, in the colours of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import sqlalchemy as sa
from markupsafe import Markup
from starlette.responses import Response

from yamldag.engine.schedule.known import Known
from yamldag.plan.folding import fold, homes
from yamldag.plan.pipeline import Plan, UnreadableError, from_text
from yamldag.render.svg import Placed, picture, place
from yamldag.store import histories, views
from yamldag.store.overview import Shown
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import records
from yamldag.web.pages.links import tab_link
from yamldag.web.pages.pipeline import cells, side
from yamldag.web.pages.pipeline.frame import known_of, missing, newest, tab_page
from yamldag.web.route import Kind, Route


def graph(ask: Ask) -> Response:
    known = known_of(ask)
    if known is None:
        return missing(ask)
    name = known.plan.pipeline
    with ask.site.reading() as db:
        runs = newest(db, known)
        run = run_of(db, known, runs, ask.query("run"))
        plan = plan_of(db, known, run)
        states = _states(histories.cells(db, [run["id"]])) if run is not None else {}
        task = ask.query("task") or _at(plan, ask.query("at"))
        panel = side.of_task(db, ask, known, run, task, plan) if run is not None else None
        older, newer = histories.neighbours(db, run) if run is not None else (None, None)
    folded = _fold(ask, plan)
    home = homes(plan, folded)
    shown = _worst({task: home.get(task, task) for task in states}, states)
    given = {"run": ask.query("run"), "fold": ",".join(sorted(folded)), "task": task}

    def link(**other: str | None) -> str:
        return tab_link(name, "graph", **{**given, **other})

    return tab_page(
        ask, known, "graph", runs,
        graph=_drawn(fold(plan, folded), states and shown, link(task=None)),
        run=records.run_line(run, known, ask.now) if run is not None else None,
        chosen=run["id"] if run is not None else "",
        asked=task, side=panel, older=older, newer=newer, link=link, folded=folded,
        groups=[group.id for group in plan.groups],
        counts=[(state, number) for state, number in _counted(plan, states) if number],
        another=plan is not known.plan,
    )  # fmt: skip


def run_of(db: sa.Connection, known: Known, runs: Sequence[Shown], asked: str) -> Shown | None:
    """The run that is asked for, if it is one of this pipeline; else the newest."""
    if asked:
        row = views.one_run(db, asked)
        if row is not None and row["pipeline"] == known.plan.pipeline:
            return row
    return runs[0] if runs else None


def plan_of(db: sa.Connection, known: Known, run: Shown | None) -> Plan:
    """The one that the run has: the newest may have other tasks."""
    if run is None or run["version"] in (None, known.version):
        return known.plan
    text = views.plan(db, run["version"])
    try:
        return from_text(text) if text else known.plan
    except UnreadableError:  # of another version of yamldag
        return known.plan


def _states(found: Sequence[histories.Cell]) -> dict[str, str]:
    """One state for each task: of a mapped one that of the instance that needs a person first."""
    several: dict[str, list[str]] = {}
    for _, task, state, _ in found:
        several.setdefault(task, []).append(state)
    return {task: cells.worst(states) for task, states in several.items()}


def _worst(home: Mapping[str, str], states: Mapping[str, str]) -> dict[str, str]:
    """The states of what is drawn: a folded group's is the worst of its tasks."""
    several: dict[str, list[str]] = {}
    for task, at in home.items():
        several.setdefault(at, []).append(states[task])
    return {at: cells.worst(those) for at, those in several.items()}


def _at(plan: Plan, text: str) -> str:
    """The task at a place of the plan: what a link in the picture says."""
    return (
        plan.tasks[int(text)].id if text.isdecimal() and len(text) < 6 and int(text) < len(plan.tasks) else ""
    )


def _fold(ask: Ask, plan: Plan) -> set[str]:
    groups = {group.id for group in plan.groups}
    asked = set(ask.query("fold").split(","))
    return groups if "*" in asked else asked & groups


def _counted(plan: Plan, states: Mapping[str, str]) -> list[tuple[str, int]]:
    counts = Counter(states.get(task.id, "none") for task in plan.tasks) if states else Counter[str]()
    return [(state, counts[state]) for state in cells.WORST]


class _Keyed:
    """A plan that is the same as another if it says the same: reading it again is no reason to draw it again."""

    __slots__ = ("key", "plan")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.key = (
            plan.pipeline,
            plan.description,
            tuple((each.id, each.operator, each.needs, each.group, each.trigger_rule) for each in plan.tasks),
            tuple((each.id, each.description) for each in plan.groups),
            repr(plan.mapped),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=64)
def _placed(keyed: _Keyed) -> Placed:
    return place(keyed.plan)


def _drawn(plan: Plan, states: Mapping[str, str] | None, link: str) -> Markup:
    """Laid out once for each plan; states only colour it. Without a run there are none."""
    prefix = link + ("&amp;" if "?" in link else "?") + "at="
    text, _ = picture(plan, states or None, link=prefix, places=_placed(_Keyed(plan)))
    return Markup(text)  # noqa: S704  (it escapes all that it is given)


ROUTES = (Route("pipeline_graph", "GET", "/pipelines/{pipeline}/graph", graph, Role.VIEWER, Kind.PAGE),)
