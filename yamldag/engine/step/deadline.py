"""When a run should be over."""

from __future__ import annotations

from datetime import datetime, timedelta

from yamldag.engine import times
from yamldag.plan.pipeline import Plan
from yamldag.plan.schedule import moment, zone


def moment_of(plan: Plan, logical_date: str) -> float:
    """Unix seconds, of a plan that has a deadline: so long after the tick, or at the first such time of the day
    after it in the pipeline's zone."""
    assert plan.deadline is not None
    tick = times.read(logical_date)
    after = plan.deadline.get("after")
    if isinstance(after, int | float):
        return tick.timestamp() + after
    return _next_time(plan, str(plan.deadline["at"]), tick).timestamp()


def _next_time(plan: Plan, time: str, tick: datetime) -> datetime:
    local = zone(plan.timezone)
    assert local is not None
    day = tick.astimezone(local).date()
    while True:  # at most twice: the same day, or the next
        found = moment(f"{day}T{time.rjust(8 if time.count(':') == 2 else 5, '0')}", local)
        assert found is not None
        if found > tick:
            return found
        day += timedelta(days=1)
