"""Runs that are ordered by the API, and runs that are done again: each deed is in the audit log before it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from yamldag.engine import clearance as clearing
from yamldag.engine import given, orders, outside
from yamldag.engine.asking.rows import Row, run_row
from yamldag.engine.clearance import Clearance, Found
from yamldag.engine.memory.newer import Newer
from yamldag.engine.memory.params import BadParams
from yamldag.engine.refused import NOT_NOW, Refused
from yamldag.engine.schedule.known import Known
from yamldag.engine.step.choice import Wish
from yamldag.plan.pipeline import Json, Plan
from yamldag.store import moves
from yamldag.store.database import Database
from yamldag.store.moves import Version
from yamldag.web.acts import done
from yamldag.web.ask import Ask


def version_of(known: Known, now: float) -> Version:
    return Version(known.plan.pipeline, known.plan.file, known.version, known.text, now)


def params_of(plan: Plan, body: Mapping[str, Any]) -> dict[str, Json]:
    """The params that a body gives, as values or as texts. Raises Refused."""
    if "params" in body and "param_texts" in body:
        raise Refused("`params` and `param_texts` can't both be given")
    if "param_texts" in body:
        return given.resolved(plan, body["param_texts"], as_text=True)
    return given.resolved(plan, body.get("params", {}))


def trigger(
    ask: Ask, known: Known, params: Mapping[str, Json], at: datetime | None, action: str = "run.trigger"
) -> Row:
    """The run, which is queued. Raises Refused."""
    plan, made = known.plan, []

    def work(database: Database) -> str:
        row = orders.queue(database, plan, version_of(known, ask.now), params, at, ask.now)
        made.append(row)
        return row.id

    done(ask, ask.deed(action, plan.pipeline), work)
    (row,) = made
    stored = {**row._asdict(), "state": "queued", "started": None, "ended": None, "reason": None}
    return run_row(stored)


# Again


def look(ask: Ask, run: str) -> Found:
    with ask.site.writing() as database:
        return clearing.look(database, run)


def planned(ask: Ask, found: Found, body: Mapping[str, Any]) -> tuple[Clearance, Wish]:
    """What a clear would come to; nothing is written. Raises Refused."""
    newer = _newest(ask, found) if body.get("latest") else None
    wish = clearing.wish_for(found, newer, body)
    return clearing.plan_clear(found, wish, newer), wish


def _newest(ask: Ask, found: Found) -> Newer:
    known = ask.site.board.status.pipelines.get(found.pipeline)
    if known is None:
        raise Refused(f"there is no pipeline `{found.pipeline}` any more", NOT_NOW)
    return Newer(known.plan, known.version)


def clear(ask: Ask, clearance: Clearance, wish: Wish, tasks: Sequence[str]) -> str:
    """`queued`, `asked` of the scheduler that moves it, or `nothing`. Raises Refused, Lost."""
    run, newer = clearance.run, clearance.newer

    def work(database: Database) -> str:
        if newer is not None:
            known = ask.site.board.status.pipelines[run.pipeline]
            version = version_of(known, ask.now)
            database.write(lambda: moves.save_version(database, version))
        try:
            return outside.clear(database, run.id, wish, ask.now, newer)
        except BadParams as bad:
            raise Refused("\n  ".join(bad.faults)) from None

    detail: dict[str, Any] = {"tasks": list(tasks), "failed": wish.failed, "latest": newer is not None}
    if wish.mark is not None:
        detail = {"tasks": list(tasks), "state": wish.mark}
    return done(ask, ask.deed("run.clear" if wish.mark is None else "run.mark", run.id, **detail), work)


# Backfills


def backfill(ask: Ask, known: Known, body: Mapping[str, Any]) -> Row:
    """Its id and its runs; with `dry_run` what it would run. Raises Refused, Lost."""
    plan = known.plan
    params = params_of(plan, body)
    found = orders.range_of(plan, body["from"], body["to"])
    reprocess = body.get("reprocess", "none")
    with ask.site.writing() as database:
        chosen = orders.plan_backfill(database, plan, found, reprocess)
    told: Row = {
        "backfill_id": None,
        "pipeline": plan.pipeline,
        "runs": [],
        "ticks": orders.backfill_rows(chosen),
    }
    if body.get("dry_run") or not chosen:
        return told

    def work(database: Database) -> str:
        version = version_of(known, ask.now)
        how = {"reprocess": reprocess, "max_active": body.get("max_active")}
        name, runs = orders.begin_backfill(database, plan, version, chosen, params, ask.now, **how)
        told.update(backfill_id=name, runs=states(database, runs))
        return name

    done(ask, ask.deed("backfill.create", plan.pipeline, first=body["from"], last=body["to"]), work)
    return told


def states(database: Database, runs: Sequence[str]) -> list[Row]:
    found = []
    for run in runs:
        row = database.execute("SELECT state FROM run WHERE id = ?", (run,)).fetchone()
        found.append({"run_id": run, "state": str(row[0]) if row else "removed"})
    return found
