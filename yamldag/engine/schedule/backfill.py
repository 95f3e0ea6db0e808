"""Which runs a backfill makes, or runs again: from a range, and the runs that its ticks have. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import takewhile

from msgspec import Struct

from yamldag.engine import times
from yamldag.plan.pipeline import Plan
from yamldag.plan.schedule import Schedule, Tick, read
from yamldag.plan.state import RUN_FINAL
from yamldag.store.backfills import TickRun

REPROCESS = ("none", "failed", "completed")
_AGAIN: dict[str, frozenset[str]] = {
    "none": frozenset(),
    "failed": frozenset(("failed", "cancelled")),
    "completed": frozenset(map(str, RUN_FINAL)),
}
"""The states of runs that are run again."""


class Planned(Struct, frozen=True):
    """A tick of the range that gets a run, or whose run is run again."""

    tick: Tick
    run: str | None = None
    """The one that it has."""


def schedule_of(plan: Plan) -> Schedule:
    return read(plan.schedule, plan.timezone, plan.start, plan.end)


def ticks(schedule: Schedule, first: datetime, last: datetime) -> Iterable[Tick]:
    """All of the range, both ends included, whatever the pipeline's start and end are."""
    every = schedule.intervals(first, inclusive=True, bounded=False)
    return takewhile(lambda tick: tick.logical_date.astimezone(UTC) <= last, every)


def planned(found: Iterable[Tick], runs: Iterable[TickRun], reprocess: str) -> list[Planned]:
    """What is to be done, the oldest tick first. Of several runs of a tick the newest counts."""
    known = {run.logical_date: run for run in runs}
    chosen = []
    for tick in found:
        run = known.get(times.stored(tick.logical_date))
        if run is None:
            chosen.append(Planned(tick))
        elif run.state in _AGAIN[reprocess]:
            chosen.append(Planned(tick, run.id))
    return chosen
