"""What records tell, as JSON: the commands print it and the API answers with it, the one like the other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from yamldag.engine import times
from yamldag.engine.asking.naming import label, meant, shown
from yamldag.engine.refused import unknown
from yamldag.plan.state import TaskState
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.engine.memory.run import Instance
    from yamldag.plan.pipeline import Plan
    from yamldag.store.database import Database
    from yamldag.store.pools import PoolRow

Row = dict[str, Any]


# Runs


def run_row(row: Mapping[str, Any] | sa.RowMapping, version: int | None = None) -> Row:
    """A run; `version` is the number of the one that it has."""
    return {
        "run_id": row["id"],
        "pipeline": row["pipeline"],
        "type": row["type"],
        "state": row["state"],
        "logical_date": times.read(row["logical_date"]).isoformat(),
        "data_interval_start": times.read(row["data_interval_start"]).isoformat(),
        "data_interval_end": times.read(row["data_interval_end"]).isoformat(),
        "created_at": times.shown(row["created"]),
        "started_at": times.shown(row["started"]),
        "ended_at": times.shown(row["ended"]),
        "reason": row["reason"],
        "version": version,
    }


def run_rows(db: sa.Connection, found: Iterable[sa.RowMapping]) -> list[Row]:
    """Runs with their versions' numbers. A queued one that came by itself tells what holds it up."""
    from yamldag.store import versions, views

    rows = list(found)
    numbers = versions.numbers(db, (row["pipeline"] for row in rows))
    held = views.held(db)
    told = []
    for row in rows:
        made = run_row(row, numbers.get(row["version"]))
        by_itself = (
            row["type"] in ("scheduled", "assets") and row["version"] is None and row["backfill"] is None
        )
        if row["state"] == "queued" and by_itself:
            made["reason"] = held.get(row["pipeline"])
        told.append(made)
    return told


def task_rows(db: sa.Connection, run: sa.RowMapping) -> list[Row]:
    """A run's tasks: in plan order, one per instance."""
    from yamldag.store import views

    text = views.plan(db, run["version"]) if run["version"] else None
    order = {task["id"]: place for place, task in enumerate(json.loads(text)["tasks"])} if text else {}
    rows = sorted(views.instances(db, run["id"]), key=lambda row: (order.get(row.task, 0), row.map_index))
    return [
        {
            "id": row.task,
            "state": row.state,
            "attempts": row.attempts,
            "map_index": index_of(row.map_index),
            "started_at": times.shown(row.started),
            "ended_at": times.shown(row.ended),
            "reason": row.reason,
            "label": label(row.task, row.map_index, row.item),
        }
        for row in rows
    ]


def index_of(stored: int) -> int | None:
    return None if stored < 0 else stored


def attempt_row(task: str, row: Mapping[str, Any] | sa.RowMapping) -> Row:
    """An attempt without what it wrote."""
    return {
        "id": task,
        "map_index": index_of(row["map_index"]),
        "attempt": row["number"],
        "state": row["state"],
        "started_at": times.shown(row["started"]),
        "ended_at": times.shown(row["ended"]),
    }


# Why


def why_row(db: sa.Connection, row: sa.RowMapping, named: str) -> Row:
    """Why a task of the run is not running, or how it came to its end. Raises Refused."""
    from yamldag.engine.asking.circumstances import circumstances, stored_run
    from yamldag.engine.asking.why import why
    from yamldag.store import views

    planned = views.planned_run(db, row["id"])
    assert planned is not None
    found = stored_run(db, planned)
    instances = meant(found, named)
    instance = min(instances, key=_of_interest)
    answer = why(found, row["state"], instance, circumstances(db, row, found, instance))
    return {
        "run_id": row["id"],
        "run_state": row["state"],
        "task": instance.node.task.id,
        "label": instance.label
        if instance.index < 0
        else shown(instance.node.task.id, instance.index, instance.item),
        "map_index": index_of(instance.index),
        "state": str(instance.state),
        "waiting": answer.waiting,
        "conditions": [
            {"what": each.what, "holds": each.holds, "detail": each.detail, "until": each.until}
            for each in answer.conditions
        ],
        "instances": dict(Counter(str(each.state) for each in instances)),
    }


def _of_interest(instance: Instance) -> tuple[int, int]:
    """Of many instances one that waits, else one that has failed."""
    order = {TaskState.FAILED: 2, TaskState.UPSTREAM_FAILED: 3, TaskState.SKIPPED: 4, TaskState.SUCCESS: 5}
    running = instance.state in (TaskState.QUEUED, TaskState.RUNNING)
    return order.get(instance.state, 1 if running else 0), instance.index


# Versions


def version_rows(db: sa.Connection, pipeline: str) -> list[Row]:
    """The newest version first. `runs_to_come`: runs under way that go on by it as soon as what runs of them has ended.
    Raises Refused."""
    from yamldag.engine.asking.wanted import awaited
    from yamldag.store import versions, views

    rows = versions.of(db, pipeline)
    if not rows:
        near = nearest(pipeline, [row["id"] for row in views.pipelines(db)])
        hint = f"; did you mean `{near}`?" if near else "; `yamldag list` names those that are there"
        raise unknown(f"no run or scheduler has seen a pipeline `{pipeline}`{hint}")
    coming = awaited(db, pipeline)
    return [
        {
            "version": row.number,
            "hash": row.hash,
            "first_seen": times.shown(row.created),
            "runs": row.runs,
            "runs_to_come": coming[row.hash],
            "current": row.current,
        }
        for row in reversed(rows)
    ]


def difference_row(db: sa.Connection, pipeline: str, old: str, new: str) -> Row:
    """What differs between two versions, named by their numbers. Raises Refused."""
    from yamldag.plan.difference import Change, difference
    from yamldag.plan.pipeline import from_text
    from yamldag.store import views

    rows = version_rows(db, pipeline)

    def plan(name: str) -> Plan:
        found = next((row["hash"] for row in rows if name == str(row["version"])), None)
        if found is None:
            raise unknown(f"`{pipeline}` has no version {name}: its newest is {rows[0]['version']}")
        text = views.plan(db, found)
        assert text is not None
        return from_text(text)

    def told(changes: Iterable[Change]) -> list[Row]:
        return [{"key": each.key, "old": each.old, "new": each.new} for each in changes]

    found = difference(plan(old), plan(new))
    return {
        "pipeline": told(found.pipeline),
        "tasks_added": list(found.added),
        "tasks_removed": list(found.removed),
        "tasks_changed": {name: told(those) for name, those in found.changed.items()},
        "edges_added": [list(edge) for edge in found.edges_added],
        "edges_removed": [list(edge) for edge in found.edges_removed],
    }


# Pools


def waiting(database: Database) -> Counter[str]:
    """How many tasks are ready and wait for each pool."""
    from yamldag.store.pools import ready_tasks

    found: Counter[str] = Counter()
    pools: dict[str, dict[str, str | None]] = {}
    for plan, task, count in ready_tasks(database):
        if plan not in pools:
            pools[plan] = {each["id"]: each["pool"] for each in json.loads(plan)["tasks"]}
        if name := pools[plan].get(task):
            found[name] += count
    return found


def pool_rows(database: Database, declared: Mapping[str, int]) -> list[Row]:
    """Those in the database, and those that the project's file has and nothing has used yet."""
    from yamldag.store.pools import PoolRow, pools

    found = {row.name: row for row in pools(database)}
    for name, slots in declared.items():
        row = found.get(name) or PoolRow(name, slots, "project", 0)
        found[name] = row._replace(slots=slots) if row.source == "project" else row
    waits = waiting(database)
    return [pool_row(found[name], waits[name]) for name in sorted(found)]


def pool_row(row: PoolRow, waits: int) -> Row:
    return {**row._asdict(), "waiting": waits}


# Plans


def plan_row(plan: Plan) -> Row:
    """The plan, with `edges` as sorted pairs of parent and child."""
    from yamldag.plan.hidden import shown_schema
    from yamldag.plan.pipeline import to_json

    whole = to_json(plan)
    whole["params"] = {param.name: shown_schema(param.schema) for param in plan.params}
    whole["edges"] = [list(edge) for edge in plan.edges]
    return whole


def pipeline_row(
    plan: Plan | None, name: str, file: str, last: sa.RowMapping | None, *, removed: bool = False
) -> Row:
    """A pipeline with its newest run; `plan` None: it has errors, or was `removed`: its file is gone, and its runs
    are kept. `last` is of `views.pipelines`."""
    return {
        "pipeline": name,
        "file": file if plan is None else plan.file,
        "valid": plan is not None,
        "schedule": plan and plan.schedule,
        "timezone": plan and plan.timezone,
        "tasks": None if plan is None else len(plan.tasks),
        "tags": None if plan is None else list(plan.tags),
        "paused": bool(last and last["paused"]),
        "removed": removed,
        "last_run": _last_run(last) if last and last["run"] else None,
    }


def _last_run(row: sa.RowMapping) -> Row:
    return {
        "run_id": row["run"],
        "state": row["state"],
        "created_at": times.shown(row["created"]),
        "logical_date": times.read(row["logical_date"]).isoformat(),
    }
