"""A `pipeline` task or notification: the run that it makes of another pipeline. It is recorded with the attempt, or
with the end of the notification, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from yamldag.engine import times
from yamldag.engine.loop import waits
from yamldag.engine.memory.deferral import CALL, Deferral
from yamldag.engine.memory.notices import Notice
from yamldag.engine.memory.params import BadParams, resolve
from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.step.world import Called, Callee, Callees, Prepared
from yamldag.operators.contract import Outcome, text
from yamldag.plan.expression.dates import compact
from yamldag.plan.pipeline import Json
from yamldag.plan.schedule import read
from yamldag.store.rows import NewRun


def prepared(
    instance: Instance, params: Mapping[str, Json], args: Mapping[str, Json], callees: Callees, log: str
) -> Prepared:
    """The run that the newest attempt makes, and that it waits for its end; or why there can't be one."""
    assert instance.attempt is not None
    assert instance.started is not None
    caller = _Caller(instance.node.run, instance.attempt, instance.started, instance.id)
    made = _called(caller, params, args, callees)
    if isinstance(made, Outcome):
        return Prepared(log, made)
    wait = params.get("wait", True)
    if not isinstance(wait, bool):
        return Prepared(log, Outcome("failed", f"`wait` should be true or false, found `{text(wait)}`"))
    if not wait:
        return Prepared(log, Outcome("success"), made)
    timeout = instance.node.task.timeout
    until = None if timeout is None else instance.started + timeout
    return Prepared(log, Deferral(CALL, instance.started, until, run=made.row.id), made)


def by_notice(
    notice: Notice, params: Mapping[str, Json], args: Mapping[str, Json], callees: Callees, now: float
) -> Called | Outcome:
    """The run that a notification makes. Nobody waits for it, and it ends with nobody."""
    return _called(_Caller(notice.run, notice.id, now), params, args, callees)


class _Caller(NamedTuple):
    run: Run
    number: int
    """Of the attempt or the notification: no other one of this database has it."""
    now: float
    instance: int | None = None


def _called(
    caller: _Caller, params: Mapping[str, Json], args: Mapping[str, Json], callees: Callees
) -> Called | Outcome:
    name, run = text(params["id"]), caller.run
    callee = callees(name)
    if callee is None:
        return Outcome("failed", f"there is no pipeline `{name}`")
    try:
        given = resolve(callee.plan, args)
        date = waits.date(params, run.logical_date, run.plan.timezone)
    except BadParams as bad:
        return Outcome("failed", "; ".join(bad.faults))
    except waits.UnfitError as unfit:
        return Outcome("failed", str(unfit))
    return Called(_row(caller, callee, date, json.dumps(given, ensure_ascii=False)), callee.plan, run.id)


def _row(caller: _Caller, callee: Callee, date: str, params: str) -> NewRun:
    """Its id is made of the caller's number: there can't be two for one attempt."""
    plan, at_once = callee.plan, callee.version is not None
    moment = times.read(date)
    start, end = read(plan.schedule, plan.timezone, plan.start, plan.end).interval_of(moment)
    return NewRun(
        f"pipeline-{compact(moment)}-{caller.number:x}",
        plan.pipeline,
        callee.version,
        "pipeline",
        "running" if at_once else "queued",
        date,
        times.stored(start),
        times.stored(end),
        tick=None,
        params=params,
        only_tasks=None,
        created=caller.now,
        started=caller.now if at_once else None,
        owner=caller.run.owner if at_once else None,
        caller=caller.instance,
    )
