"""A `pipeline` task: the run that it makes of another pipeline. It is recorded with the attempt, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping

from yamldag.engine import times
from yamldag.engine.loop import waits
from yamldag.engine.memory.deferral import CALL, Deferral
from yamldag.engine.memory.params import BadParams, resolve
from yamldag.engine.memory.run import Instance
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
    made = _called(instance, params, args, callees)
    if isinstance(made, Outcome):
        return Prepared(log, made)
    wait = params.get("wait", True)
    if not isinstance(wait, bool):
        return Prepared(log, Outcome("failed", f"`wait` should be true or false, found `{text(wait)}`"))
    if not wait:
        return Prepared(log, Outcome("success"), made)
    assert instance.started is not None
    timeout = instance.node.task.timeout
    until = None if timeout is None else instance.started + timeout
    return Prepared(log, Deferral(CALL, instance.started, until, run=made.row.id), made)


def _called(
    instance: Instance, params: Mapping[str, Json], args: Mapping[str, Json], callees: Callees
) -> Called | Outcome:
    name, caller = text(params["id"]), instance.node.run
    callee = callees(name)
    if callee is None:
        return Outcome("failed", f"there is no pipeline `{name}`")
    try:
        given = resolve(callee.plan, args)
        date = waits.date(params, caller.logical_date, caller.plan.timezone)
    except BadParams as bad:
        return Outcome("failed", "; ".join(bad.faults))
    except waits.UnfitError as unfit:
        return Outcome("failed", str(unfit))
    return Called(_row(instance, callee, date, json.dumps(given, ensure_ascii=False)), callee.plan, caller.id)


def _row(instance: Instance, callee: Callee, date: str, params: str) -> NewRun:
    """Its id is made of the attempt's: there can't be two for one attempt."""
    assert instance.attempt is not None
    assert instance.started is not None
    plan, now, at_once = callee.plan, instance.started, callee.version is not None
    moment = times.read(date)
    start, end = read(plan.schedule, plan.timezone, plan.start, plan.end).interval_of(moment)
    return NewRun(
        f"pipeline-{compact(moment)}-{instance.attempt:x}",
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
        created=now,
        started=now if at_once else None,
        owner=instance.node.run.owner if at_once else None,
        caller=instance.id,
    )
