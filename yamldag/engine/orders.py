"""What is ordered of a pipeline: a run by hand, the runs of a range of ticks. And pools, which are ordered too."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from yamldag.engine import times
from yamldag.engine.asking.rows import Row, pool_row, waiting
from yamldag.engine.given import moment_given
from yamldag.engine.memory.records import Dates, new_id
from yamldag.engine.outside import cancel, clear
from yamldag.engine.refused import NOT_NOW, Refused, unknown
from yamldag.engine.schedule.backfill import Planned, planned, schedule_of, ticks
from yamldag.engine.step.choice import Wish
from yamldag.plan.schedule import read, rows
from yamldag.store import backfills, moves, pools, schedules
from yamldag.store.database import Database
from yamldag.store.moves import Version
from yamldag.store.schedules import QueuedRun
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    from yamldag.plan.pipeline import Json, Plan
    from yamldag.plan.schedule import Tick

MOST = 100_000
"""Ticks of one backfill."""


def queue(
    database: Database,
    plan: Plan,
    version: Version,
    params: Mapping[str, Json],
    at: datetime | None,
    now: float,
) -> QueuedRun:
    """Ask for one run, of that logical date or of now: a scheduler begins it."""
    here = datetime.fromtimestamp(now, UTC)
    date = at or here
    start, end = read(plan.schedule, plan.timezone, plan.start, plan.end).interval_of(date)
    dates = Dates(*map(times.stored, (date, start, end)))
    text = json.dumps(params, ensure_ascii=False)
    row = QueuedRun(new_id("manual", here), plan.pipeline, "manual", *dates, text, now)

    def work() -> None:
        moves.save_version(database, version)
        schedules.queue_run(database, row)

    database.write(work)
    return row


# Backfills


def range_of(plan: Plan, first: str, last: str, options: tuple[str, str] = ("from", "to")) -> list[Tick]:
    """The ticks of a range, both ends included, which who asks calls by these names. Raises Refused."""
    begin = moment_given(first, plan, options[0])
    end = moment_given(last, plan, options[1], last=True)
    assert begin is not None
    assert end is not None
    if begin > end:
        raise Refused(f"`{options[0]}` must not lie after `{options[1]}`, found {first} and {last}")
    schedule = schedule_of(plan)
    if not schedule.has_clock:
        raise Refused(f"`{plan.pipeline}` has no clock, so there are no ticks: `yamldag trigger` makes a run")
    found = list(islice(ticks(schedule, begin.astimezone(UTC), end.astimezone(UTC)), MOST + 1))
    if len(found) > MOST:
        raise Refused(f"the range holds more than {MOST:,} ticks: take it in parts")
    return found


def plan_backfill(database: Database, plan: Plan, found: Sequence[Tick], reprocess: str) -> list[Planned]:
    """What is to be done of a range; nothing is written."""
    if not found:
        return []
    first, last = times.stored(found[0].logical_date), times.stored(found[-1].logical_date)
    return planned(found, backfills.tick_runs(database, plan.pipeline, first, last), reprocess)


def backfill_rows(chosen: Sequence[Planned]) -> list[Row]:
    """What would run, tick by tick, each with the run that it has."""
    told = rows([each.tick for each in chosen])
    return [{**row, "run_id": each.run} for row, each in zip(told, chosen, strict=True)]


def begin_backfill(
    database: Database,
    plan: Plan,
    version: Version,
    chosen: Sequence[Planned],
    params: Mapping[str, Json],
    now: float,
    **how: Any,
) -> tuple[str, list[str]]:
    """Record it; its id, and those of its runs. `reprocess`, and `max_active`, the pipeline's own if None."""
    name = f"backfill-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    most = how["max_active"] or plan.max_active_runs
    text = json.dumps(params, ensure_ascii=False)
    first, last = (times.stored(each.tick.logical_date) for each in (chosen[0], chosen[-1]))
    row = backfills.NewBackfill(name, plan.pipeline, first, last, how["reprocess"], most, text, now)
    runs = {each.tick: each.run or new_id("backfill", each.tick.logical_date) for each in chosen}
    new = [
        QueuedRun(
            runs[each.tick], plan.pipeline, "backfill", *Dates(*map(times.stored, each.tick)), text, now
        )
        for each in chosen
        if each.run is None
    ]

    def work() -> list[str]:
        backfills.hold_ticks(database, plan.pipeline)
        moves.save_version(database, version)
        return backfills.create(database, row, new)

    begun = {*database.write(work), *(each.run for each in chosen)}
    for each in chosen:
        if each.run is not None:
            clear(database, each.run, Wish(), now, backfill=name)
    return name, [run for run in runs.values() if run in begun]


def end_backfill(database: Database, name: str, now: float) -> list[str]:
    """It makes no more runs, and those that wait or run are cancelled: their ids. Raises Refused."""
    known = backfills.names(database)
    if name not in known:
        near = nearest(name, known)
        raise unknown(f"there is no backfill `{name}`" + (f"; did you mean `{near}`?" if near else ""))
    database.write(lambda: backfills.cancel(database, name, now))
    runs = backfills.open_runs(database, name)
    for run in runs:
        cancel(database, run, now)
    return runs


# Pools


def set_pool(database: Database, name: str, slots: int) -> Row:
    """Declare it, or change its slots."""
    database.write(lambda: pools.put(database, name, slots, "command"))
    row = next(row for row in pools.pools(database) if row.name == name)
    return pool_row(row, waiting(database)[name])


def delete_pool(database: Database, name: str, declared: Mapping[str, int]) -> Row:
    """Take away what was set: one of the project file has its slots of there again. Raises Refused."""
    known = {row.name: row for row in pools.pools(database)}
    waits = waiting(database)[name]
    if name in declared:
        if name not in known or known[name].source == "project":
            raise Refused(f"the pool `{name}` is declared in yamldag.yml: take it out there", NOT_NOW)
        database.write(lambda: pools.put(database, name, declared[name], "project"))
        return {**pool_row(known[name], waits), "slots": declared[name], "source": "project"}
    if name not in known:
        near = nearest(name, [*known, *declared])
        raise unknown(f"there is no pool `{name}`" + (f"; did you mean `{near}`?" if near else ""))
    row = known[name]
    if row.used or waits:
        words = f"the pool `{name}` is in use: {row.used} slots are held, {waits} tasks wait"
        raise Refused(words, NOT_NOW)
    database.write(lambda: pools.drop(database, name))
    return {**pool_row(row, 0), "slots": 0, "source": None}
