"""Reads what `why` is asked about: a run as its rows have it, and what else has a say in one instance of it."""

from __future__ import annotations

import itertools
import json
import os
import socket
import time
from typing import NamedTuple

import sqlalchemy as sa

from yamldag.engine import times
from yamldag.engine.asking.wanted import held, is_to_stop
from yamldag.engine.asking.why import Circumstances, Claim, Life, Past
from yamldag.engine.memory import deferral as deferrals
from yamldag.engine.memory.deferral import APPROVAL, CALL, ERRAND, FILE, RUN, TIME, Deferral
from yamldag.engine.memory.reasons import CUT_SHORT
from yamldag.engine.memory.rebuild import StoredInstance, rebuild
from yamldag.engine.memory.run import UNMAPPED, Instance, Run, whole
from yamldag.engine.takeover.lives import LEASE, BadLease, lease_of
from yamldag.plan.pipeline import from_text
from yamldag.plan.state import FINAL, RUN_FINAL, TaskState
from yamldag.store import circumstances as stored
from yamldag.store import views

_BY_SCHEDULE = ("scheduled", "assets", "backfill")
_ANY = (*_BY_SCHEDULE, "manual", "pipeline")


def stored_run(db: sa.Connection, row: sa.RowMapping) -> Run:
    """The run of a row of `views.planned_run`."""
    only = None if row["only_tasks"] is None else frozenset(json.loads(row["only_tasks"]))
    run = Run(row["id"], from_text(row["plan"]), row["owner"] or 0, row["type"], only=only)
    run.stop, run.reason = row["stop"], row["reason"]
    rows = [StoredInstance._make(each) for each in views.instances(db, run.id)]
    waiting = any(each.state == TaskState.DEFERRED for each in rows)
    return rebuild(run, rows, itertools.count(-1, -1), views.deferrals(db, run.id) if waiting else ())


def circumstances(db: sa.Connection, row: sa.RowMapping, run: Run, instance: Instance) -> Circumstances:
    """What else has a say in it, as far as it can be asked about: nothing is read that `why` would not speak of."""
    now = time.time()
    queued, ready = row["state"] == "queued", instance.state is TaskState.SCHEDULED
    under_way = row["state"] == "running" and instance.state not in FINAL
    known = stored.the_pipeline(db, row["pipeline"]) if queued else None
    backfill = stored.the_backfill(db, row["backfill"]) if queued and row["backfill"] else None
    waits = instance.deferral
    lives = stored.schedulers(db)
    owner = next((each for each in lives if each["id"] == row["owner"]), None)
    owner = owner or (stored.life(db, row["owner"]) if row["owner"] else None)
    task = instance.node.task
    slots, claims = stored.claims(db, task.pool) if ready and task.pool else (None, [])
    return Circumstances(
        lease=_lease(),
        owner=_life(owner, now) if owner else None,
        schedulers=tuple(_life(each, now) for each in lives),
        paused=bool(known and known["paused"]),
        removed=bool(known and known["removed"] is not None),
        active=tuple(stored.active_runs(db, row)) if queued else (),
        most_active=backfill["max_active"] if backfill else run.plan.max_active_runs,
        ahead=stored.ahead(db, row) if queued else 0,
        backfill=row["backfill"],
        backfill_cancelled=bool(backfill and backfill["cancelled"] is not None),
        pool_slots=slots,
        claims=tuple(_claim(each) for each in claims),
        waits_for=_awaited(waits, instance.node.task.operator) if waits else None,
        waits_until=waits.at if waits else None,
        moments=_moments(waits) if waits else (),
        past=_past(db, row, run, instance) if task.depends_on_past and instance.state not in FINAL else None,
        held=held(db, row, run, instance) if under_way else None,
        to_stop=under_way and is_to_stop(db, row),
    )


def _lease() -> float:
    try:
        return lease_of(os.environ)
    except BadLease:
        return LEASE


def _life(row: sa.RowMapping, now: float) -> Life:
    here = row["host"] == socket.gethostname()
    name = f"process {row['pid']}" + ("" if here else f" on {row['host']}")
    gone = row["ended"] is not None or (here and not os.path.exists(f"/proc/{row['pid']}"))
    return Life(name, gone, max(0.0, now - row["seen"]), row["slots"], row["running"])


def _claim(row: sa.RowMapping) -> Claim:
    return Claim(_label(row), row["instance"], row["slots"], bool(row["granted"]))


def _label(row: sa.RowMapping) -> str:
    index = "" if row["map_index"] == UNMAPPED else f"[{row['map_index']}]"
    return f"{row['run']}/{row['task']}{index}"


def _awaited(deferral: Deferral, operator: str = "") -> str:
    words = {
        TIME: "a moment",
        FILE: f"the file `{deferral.path}`",
        CALL: f"run {deferral.run}, which it has made",
        ERRAND: f"what {f'`{operator}`' if operator else 'it'} looks for every {deferral.poke:g} s",
    }.get(deferral.what)
    if deferral.what == APPROVAL:
        words = _asked(deferral)
    if deferral.what == RUN:
        task = f"`{deferral.task}` of " if deferral.task else ""
        words = f"{task}the run of `{deferral.pipeline}` at {deferral.date}"
    end = times.shown(deferral.until)
    return (words or "what it awaits") + (f", at most until {end}" if end else "")


class Awaiting(NamedTuple):
    """What one deferred instance waits for, in words, and the moments that stand in them."""

    words: str
    moments: tuple[str, ...]


def awaiting(db: sa.Connection, run: str) -> dict[int, Awaiting]:
    """Of each deferred instance of the run. A row that was spoilt says nothing."""
    found = {}
    for instance, spec, since, until in views.deferrals(db, run):
        try:
            deferral = deferrals.from_text(spec, since, until)
        except (ValueError, TypeError, KeyError):
            continue
        found[instance] = _awaiting(deferral)
    return found


def _awaiting(deferral: Deferral) -> Awaiting:
    at = times.shown(deferral.at) if deferral.what == TIME else None
    if at is not None:
        return Awaiting(f"until {at}", (at,))
    return Awaiting(f"for {_awaited(deferral)}", _moments(deferral))


def _moments(deferral: Deferral) -> tuple[str, ...]:
    """Those of which `_awaited` speaks."""
    date = deferral.date if deferral.what == RUN else None
    return tuple(each for each in (date, times.shown(deferral.until)) if each is not None)


def _asked(deferral: Deferral) -> str:
    """Whose answer it waits for, and to what."""
    if deferral.answered is not None:
        return "a scheduler to heed the answer that was given"
    who = " or ".join(f"`{name}`" for name in deferral.approvers) or "a person"
    asks = " ".join((deferral.message or "").split())
    return f'the answer of {who} to "{asks if len(asks) <= 200 else f"{asks[:199]}…"}"'


def _past(db: sa.Connection, row: sa.RowMapping, run: Run, instance: Instance) -> Past | None:
    types = _ANY if run.plan.schedule is None else _BY_SCHEDULE
    found = stored.past(db, row, types, instance.node.task.id)
    if not found or stored.begins_backfill(db, row):
        return None
    name, over = found[0]["id"], found[0]["run_state"] in RUN_FINAL
    rows = [each for each in found if each["state"] is not None]
    state = whole(TaskState(each["state"]) for each in rows) if rows else None
    cut = state is TaskState.SKIPPED and any(each["reason"] in CUT_SHORT for each in rows)
    return Past(name, over, state, cut, begun=state is not None or stored.has_tasks(db, name))
