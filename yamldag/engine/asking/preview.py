"""What a run would do, as far as it can be known before anything has run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from yamldag.engine import times
from yamldag.engine.local_run import Order
from yamldag.engine.loop.templates import Templates
from yamldag.engine.memory.building import build
from yamldag.engine.memory.earlier import earlier_outputs
from yamldag.engine.memory.records import Dates
from yamldag.engine.memory.run import Run
from yamldag.operators.contract import Attempt
from yamldag.plan.expression import TemplateError, analyse, render, render_text
from yamldag.plan.expression.written import as_written
from yamldag.plan.hidden import shown
from yamldag.plan.narrowing import narrowed
from yamldag.plan.pipeline import Json, Plan, Task
from yamldag.plan.schedule import read


class Before(Mapping[str, Any]):
    """`tasks` before any of them has run: whatever asks stays a template, but for what some gave earlier."""

    def __init__(self, tasks: Mapping[str, Any], earlier: Mapping[str, Any]) -> None:
        self._tasks = tasks
        self._earlier = earlier

    def __getitem__(self, task: str) -> Any:
        if task in self._earlier:
            return self._tasks[task]
        raise TemplateError(f"`{task}` has not run")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def preview(order: Order, folder: Path, database: str | None = None) -> list[dict[str, Any]]:
    """The tasks that would run, in plan order, with their values rendered; what depends on other tasks, or on
    the item of a mapped one, stays as it is written. Where some run alone, what others gave before is asked of the
    database of this URL."""
    plan = order.plan
    moment = order.logical_date or datetime.now(UTC)
    interval = read(plan.schedule, plan.timezone, plan.start, plan.end).interval_of(moment)
    dates = Dates(*map(times.stored, (moment, *interval)))
    run = Run("dry-run", plan, 0, "manual", *dates, params=shown(plan.params, order.params), only=order.only)
    run.folder = str(folder.absolute() / "runs" / run.id)
    build(run, iter(range(len(plan.tasks))))
    if order.only is not None and database is not None:
        run.earlier = earlier_outputs(database, plan, order.only)
    templates = Templates(os.environ)
    rows = []
    for task in narrowed(plan, order.only):
        context = templates.context(run.nodes[task.id].instances[0])
        context["tasks"] = Before(context["tasks"], run.earlier)
        rows.append(
            {
                "id": task.id,
                "state": None,
                "attempts": 0,
                "map_index": None,
                "started_at": None,
                "ended_at": None,
                "operator": task.operator,
                "needs": list(task.needs),
                "when": [as_written(each) if isinstance(each, str) else each for each in task.when],
                "mapped": _mapped(plan, task, context),
                "params": _params(task, context),
                "args": known(task.args, context),
                "env": known(task.env, context),
            }
        )
        rows[-1]["manifest"] = _manifest(rows[-1], run, task)
    return rows


def _params(task: Task, context: Mapping[str, Any]) -> Json:
    """Those of the two that choose are expressions, and stay so."""
    params = known(task.params, context)
    if task.operator in ("branch", "short_circuit") and isinstance(params, dict):
        return {name: as_written(each) if isinstance(each, str) else each for name, each in params.items()}
    return params


def _mapped(plan: Plan, task: Task, context: Mapping[str, Any]) -> Json:
    """What makes instances of it: `foreach` or `matrix`, and `exclude`, as far as they are known; null: it has none."""
    fanout = plan.mapped.get(task.mapped_by or "")
    if fanout is None:
        return None
    said = {"foreach": fanout.foreach, "matrix": fanout.matrix, "exclude": fanout.exclude}
    return {key: known(value, context) for key, value in said.items() if value is not None}


def _manifest(row: dict[str, Any], run: Run, task: Task) -> Json:
    """What a cluster would be sent, beside what the connection adds; null for what goes to none."""
    if task.operator != "kubernetes":
        return None
    from yamldag.operators import kubernetes

    attempt = Attempt(run.id, task.id, 1, None, "", "", "", "", "", "", "", timeout=task.timeout)
    return kubernetes.with_variables(kubernetes.job(row["params"], {}, attempt), row["env"])


def known(value: Any, context: Mapping[str, Any]) -> Json:
    """The value with every string rendered that can be by now."""
    if isinstance(value, dict):
        return {name: known(each, context) for name, each in value.items()}
    if isinstance(value, list):
        return [known(each, context) for each in value]
    try:
        shown: Json = render(value, context)
    except TemplateError:
        shown = _partly(value, context)
    return shown


def _partly(text: str, context: Mapping[str, Any]) -> str:
    """What stands between `{{ }}` rendered where that is known, and left as it is written elsewhere."""
    tags = analyse(text).tags
    if any(text.startswith("{%", start) for start, _ in tags):
        return text
    pieces, done = [], 0
    for start, end in tags:
        pieces += [text[done:start], _tag(text[start:end], context)]
        done = end
    return "".join([*pieces, text[done:]])


def _tag(tag: str, context: Mapping[str, Any]) -> str:
    try:
        return render_text(tag, context)
    except TemplateError:
        return _given(tag, context)


def _given(tag: str, context: Mapping[str, Any]) -> str:
    """What is not known yet, as it was written; a template's param as `with` gives it."""
    bare = next((output.bare for output in analyse(tag).outputs), None)
    if bare is None or bare.root != "uses" or len(bare.path) != 2:
        return as_written(tag)
    group, name = (str(segment.name) for segment in bare.path)
    said = known(context["uses"][group].as_given(name), context)
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
