"""A task of a run: why it does not run, what it was given, what it wrote, and all that has happened to it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from yamldag.engine.asking.circumstances import circumstances, stored_run
from yamldag.engine.asking.preview import known
from yamldag.engine.asking.why import Answer, Condition, why
from yamldag.engine.loop.templates import Templates
from yamldag.engine.memory.deferral import APPROVAL
from yamldag.engine.memory.reading import reading
from yamldag.engine.memory.run import Instance, Node, Run, task_state
from yamldag.plan.hidden import shown
from yamldag.plan.pipeline import Json
from yamldag.plan.state import FINAL, TaskState
from yamldag.store import history, overview, views
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages.run_page import attempt_of, item_words, link_to, log_values
from yamldag.web.route import Kind, Route

_EVENTS = 100
_SIBLINGS, _ALL = 60, 2000
"""Instances of the same task that are listed, and those that are if somebody wants all."""
_FEW = 40
"""Lines of an output that are shown at once."""
_LONGEST = 20_000
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Value:
    name: str
    text: str
    """What it was rendered to, or as it is written where that can't be known."""
    written: str
    """The template, if it says something else."""


@dataclass(frozen=True, slots=True)
class Near:
    """A task directly above or below, or another instance of the same one."""

    label: str
    state: str
    link: str
    here: bool = False


def task(ask: Ask) -> Response:
    name, asked = ask.path["run"], ask.query("task")
    with ask.site.reading() as db:
        row = views.planned_run(db, name)
        found = _instance(db, row, asked, ask.query("index")) if row is not None else None
        if row is None or found is None:
            return ask.missing()
        run, instance = found
        if instance.state in FINAL:
            answer = why(run, row["state"], instance, _NOTHING)
        else:
            answer = why(run, row["state"], instance, circumstances(db, row, run, instance))
        began = bool(instance.attempts)
        attempts = overview.attempts_of(db, name, asked, instance.index) if began else []
        # A run that waits has no rows yet: its instances stand for those to come.
        events = history.events_of(db, name, instance.id, _EVENTS) if instance.id > 0 else []
        usual = history.usual_task(db, row["pipeline"], asked)
        began_at = attempts[0]["started"] if attempts and instance.node.task.operator == "pipeline" else None
        called = views.called(db, instance.id, began_at) if began_at is not None else []
    shown = attempt_of(attempts, ask.query("try"))
    line = _line_of(instance)
    told = log_values(
        name, line, attempts, shown, dict(ask.request.query_params), ask.site.logs, f"/runs/{name}/task"
    )
    return ask.page(
        "attempt.html",
        row=row,
        run={"id": name},
        plan=run.plan,
        task=line,
        spec=instance.node.task,
        answer=answer,
        conditions=sorted(answer.conditions, key=lambda each: each.holds) if answer.waiting else answer.conditions,
        lead=_lead(answer),
        asks=instance.deferral is not None and instance.deferral.what == APPROVAL,
        values=_values(run, row, instance, ask.site.folder),
        output=_output(instance),
        few=_FEW,
        called=called,
        events=events,
        usual=usual,
        above=[_near(run.nodes[each]) for each in instance.node.task.needs if each in run.nodes],
        below=[_near(child) for child, _ in instance.node.children],
        siblings=_siblings(instance, _ALL if ask.query("all") else _SIBLINGS),
        counts=Counter(str(each.state) for each in instance.node.instances),
        item=json.dumps(instance.item, ensure_ascii=False, indent=2) if instance.node.expanded else "",
        **told,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    """What the panel of the log asks of a task."""

    task: str
    map_index: int
    index: int
    label: str
    state: str
    reason: str


def _line_of(instance: Instance) -> _Line:
    node = instance.node
    return _Line(
        node.task.id,
        instance.index,
        instance.index,
        instance.label,
        instance.state.value,
        instance.reason or "",
    )


def _instance(db: sa.Connection, row: sa.RowMapping, asked: str, index: str) -> tuple[Run, Instance] | None:
    with reading(f"run {row['id']}"):
        run = stored_run(db, row)
    node = run.nodes.get(asked)
    if node is None:
        return None
    if re.fullmatch("[0-9]{1,9}", index):
        found = next((each for each in node.instances if each.index == int(index)), None)
        return (run, found) if found else None
    return run, min(node.instances, key=_rank)


def _rank(instance: Instance) -> tuple[int, int]:
    order = {
        TaskState.FAILED: 0,
        TaskState.RUNNING: 1,
        TaskState.UP_FOR_RETRY: 2,
        TaskState.UPSTREAM_FAILED: 3,
    }
    return order.get(instance.state, 5 if instance.state in FINAL else 4), instance.index


class _Nothing:
    """Of what has ended nothing else is asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


_NOTHING: Any = _Nothing()


def _lead(answer: Answer) -> Condition | None:
    """What is to be said first: that which is in the way, or how it came to its end."""
    blocking = [each for each in answer.conditions if not each.holds]
    if answer.waiting:
        return blocking[0] if blocking else None
    return answer.conditions[0] if answer.conditions else None


# What it was given


def _values(run: Run, row: sa.RowMapping, instance: Instance, folder: Path) -> dict[str, list[Value]]:
    """Params, arguments and environment, rendered by what is known now. What comes from the environment of the
    process, from secrets or connections stays as it is written."""
    run.logical_date = row["logical_date"]
    run.data_interval_start, run.data_interval_end = row["data_interval_start"], row["data_interval_end"]
    run.params = shown(run.plan.params, json.loads(row["params"]))
    run.folder = str(folder.absolute() / "runs" / run.id)
    context = Templates({}).context(instance)
    secret = {name: value for name, value in context.items() if name not in ("secrets", "connections")}
    spec = instance.node.task
    written: dict[str, dict[str, Any]] = {"params": spec.params, "args": spec.args, "env": dict(spec.env)}
    return {
        kind: [_value(name, value, known(value, secret)) for name, value in those.items()]
        for kind, those in written.items()
    }


def _value(name: str, written: Json, rendered: Json) -> Value:
    text, was = shown_value(rendered), shown_value(written)
    return Value(name, text, was if was != text else "")


def shown_value(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _output(instance: Instance) -> str | None:
    """None: it has none."""
    return None if instance.output is None else shown_value(instance.output)


# What is near


def _near(node: Node) -> Near:
    link = link_to(node.run.id, node.task.id, -1)
    return Near(node.task.id, task_state(node).value, link)


def _siblings(instance: Instance, most: int) -> Sequence[Near]:
    """Other instances of it, those first that need somebody; the one itself is always among them."""
    those = instance.node.instances
    if len(those) < 2:
        return []
    first = sorted(those, key=_rank)[:most]
    shown = first if instance in first else [*first[:-1], instance]
    return [
        Near(
            f"{each.index} {item_words(json.dumps(each.item))}",
            each.state.value,
            link_to(each.node.run.id, each.node.task.id, each.index),
            each is instance,
        )
        for each in sorted(shown, key=lambda each: each.index)
    ]


ROUTES = (Route("task", "GET", "/runs/{run}/task", task, Role.VIEWER, Kind.PAGE),)
