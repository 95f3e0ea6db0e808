"""Outputs of earlier runs, for tasks that this one leaves out."""

from __future__ import annotations

import json

from yamldag.engine.memory.run import UNMAPPED
from yamldag.plan.pipeline import Json, Plan


def earlier_outputs(url: str, plan: Plan, only: frozenset[str]) -> dict[str, Json]:
    """Outputs of the tasks left out, of the newest success of each; those that never succeeded are missing."""
    from yamldag.store import views

    with views.reading(url) as db:
        found = views.newest_outputs(
            db, plan.pipeline, [task.id for task in plan.tasks if task.id not in only]
        )
    return {task: _output(rows) for task, rows in found.items()}


def _output(rows: list[tuple[int, str | None]]) -> Json:
    values: list[Json] = [None if text is None else json.loads(text) for _, text in rows]
    return values[0] if rows[0][0] == UNMAPPED else values
