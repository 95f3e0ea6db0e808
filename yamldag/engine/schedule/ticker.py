"""Which ticks become runs: from schedules, how far each is decided, and the time, to runs to create.

Pure: no clock, no SQL. What comes out is stored in one transaction; asked again with that, it gives the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile

from msgspec import Struct
from msgspec.structs import replace

from yamldag.engine.memory.reading import Unreadable, reading
from yamldag.plan.pipeline import Plan
from yamldag.plan.schedule import Schedule, Tick, read

QUEUE = 100
"""Runs of one pipeline that wait at a time: a catch-up of years is made portion by portion."""
LATE = timedelta(seconds=60)
"""A tick that is found later than this counts as missed: the machine was asleep, or far too busy."""
PAUSE = timedelta(seconds=1)
"""Between the end of a `@continuous` run and the next one."""
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Decided until there: nothing is left to decide, as with `@once` after its run."""
_INSTANT = timedelta(microseconds=1)


class Position(Struct, frozen=True):
    """How far a pipeline's ticks are decided: each up to `decided`, itself included, is a run or dropped."""

    decided: datetime
    rule: str
    """What it was decided by, of `rule_of`: with another rule now, the pipeline was edited since."""


class Scheduled(Struct, frozen=True):
    """A pipeline as the ticker sees it. Moments are in UTC."""

    pipeline: str
    schedule: Schedule
    rule: str
    catchup: str = "latest"
    position: Position | None = None
    """None: first seen now."""
    room: int = 1
    """How many more runs may be active under `max_active_runs`."""
    queued: int = 0
    active: int = 0
    """Runs that are queued or running."""
    ended: datetime | None = None
    """When its last run ended."""
    back: bool = False
    """It was away, and is here again: a file that was put back."""

    @property
    def likeness(self) -> object:
        """Those that are alike are decided alike."""
        runs = (self.room, self.queued, self.active, self.ended, self.back)
        return self.rule, self.catchup, self.position, *runs


class Decision(Struct, frozen=True):
    """Runs to create, and the position to store with them."""

    pipeline: str
    ticks: tuple[Tick, ...]
    position: Position


Choice = tuple[tuple[Tick, ...], datetime]
"""The ticks that become runs, and how far that decides the schedule."""


def rule_of(plan: Plan) -> str:
    """All of a plan that says when it ticks, as text: equal texts tick alike."""
    said = [plan.schedule, plan.timezone, plan.start, plan.end, plan.catchup]
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


@lru_cache(maxsize=4096)
def schedule_of(rule: str) -> tuple[Schedule, str]:
    """What a text of `rule_of` says: when it ticks, and `catchup`. Of many pipelines the same: it is read once."""
    said, timezone, start, end, catchup = json.loads(rule)
    return read(said, timezone, start, end), catchup


def tick(pipelines: Iterable[Scheduled], since: datetime, now: datetime) -> list[Decision]:
    """What has come since the last look, at `since`; for a scheduler that has just begun that is now."""
    known: dict[object, Decision | None] = {}  # at midnight many tick alike
    found = []
    for one in pipelines:
        if one.likeness not in known:
            known[one.likeness] = decide(one, since, now)
        if (same := known[one.likeness]) is not None:
            found.append(replace(same, pipeline=one.pipeline))
    return found


def decide(one: Scheduled, since: datetime, now: datetime) -> Decision | None:
    """What is to be done for one pipeline, or None: nothing has changed."""
    if owed := _owed(one, now):
        return Decision(one.pipeline, (owed,), Position(now, one.rule))
    if one.schedule.once:
        return _once(one, now)
    if one.schedule.continuous:
        return _continuous(one, now)
    if not one.schedule.has_clock:
        return _without_ticks(one, now)
    ticks, decided = _RULES[one.catchup](one, _floor(one, now), since, now)
    position = Position(decided, one.rule)
    return Decision(one.pipeline, ticks, position) if ticks or position != one.position else None


def due(one: Scheduled, now: datetime) -> datetime | None:
    """When to look again, as long as no run ends before; None: not by the clock."""
    if one.schedule.once:
        found = None if _spent(one) else max(one.schedule.start or now, now)
    elif one.schedule.continuous:
        found = None if one.active else max(_continues(one, now), now)
    else:
        return next(one.schedule.ticks(now), None)
    return None if found is None or _is_over(one.schedule, found) else found


# How far back to look


def _owed(one: Scheduled, now: datetime) -> Tick | None:
    """The newest tick that was missed before an edit, by the schedule as it was until that is seen: an edit undoes no
    tick. It waits for room in the queue, since nobody keeps for long what the old schedule was."""
    known = one.position
    if known is None or known.rule == one.rule or one.catchup != "latest" or one.back:
        return None
    try:
        with reading("the schedule as it was"):
            old, catchup = schedule_of(known.rule)
    except Unreadable:
        return None
    missed = None if catchup == "none" else old.newest(known.decided, now)
    return old.tick(missed) if missed else None


def _floor(one: Scheduled, now: datetime) -> datetime:
    """Ticks strictly after this are open."""
    known = one.position
    if known is None:
        start = one.schedule.start
        return min(start - _INSTANT, now) if one.catchup == "all" and start else now
    if known.decided == FOREVER:
        return now
    if one.catchup != "all" and (known.rule != one.rule or one.back):
        return max(known.decided, now)
    return known.decided


# The three rules of catching up


def _all(one: Scheduled, floor: datetime, _: datetime, now: datetime) -> Choice:
    """Every tick, whatever happened; those that find no room wait in the queue."""
    return _made(_between(one, floor, now, max(0, QUEUE - one.queued)), floor)


def _latest(one: Scheduled, floor: datetime, since: datetime, now: datetime) -> Choice:
    """Ticks as they come; of missed ones the newest, once, when there is room."""
    ticks = _on_time(one, floor, since, now)
    missed = None if ticks or one.room < 1 else one.schedule.newest(floor, now)
    return _made((one.schedule.tick(missed),) if missed else ticks, floor)


def _none(one: Scheduled, floor: datetime, since: datetime, now: datetime) -> Choice:
    """Ticks as they come; missed ones, and those that find no room, are dropped."""
    ticks = _on_time(one, floor, since, now)
    return ticks, one.schedule.newest(floor, now) or floor


_RULES: dict[str, Callable[[Scheduled, datetime, datetime, datetime], Choice]] = {
    "all": _all,
    "latest": _latest,
    "none": _none,
}


def _on_time(one: Scheduled, floor: datetime, since: datetime, now: datetime) -> tuple[Tick, ...]:
    return _between(one, max(floor, since, now - LATE), now, max(0, one.room))


def _between(one: Scheduled, after: datetime, until: datetime, most: int) -> tuple[Tick, ...]:
    return tuple(islice(_until(one.schedule.intervals(after), until), most))


def _until(ticks: Iterator[Tick], until: datetime) -> Iterator[Tick]:
    return takewhile(lambda each: each.logical_date.astimezone(UTC) <= until, ticks)


def _made(ticks: tuple[Tick, ...], floor: datetime) -> Choice:
    return ticks, ticks[-1].logical_date.astimezone(UTC) if ticks else floor


# Without a clock


def _without_ticks(one: Scheduled, now: datetime) -> Decision | None:
    """Only by hand, or by assets: that it was edited to be so is kept, for what a later edit holds from."""
    known = one.position
    if known is None or known.rule == one.rule or known.decided == FOREVER:
        return None
    return Decision(one.pipeline, (), Position(_floor(one, now), one.rule))


def _once(one: Scheduled, now: datetime) -> Decision | None:
    moment = one.schedule.start or now
    if _spent(one) or moment > now or _is_over(one.schedule, moment):
        return None
    return Decision(one.pipeline, (one.schedule.tick(moment),), Position(FOREVER, one.rule))


def _spent(one: Scheduled) -> bool:
    return one.position is not None and one.position.decided == FOREVER


def _continuous(one: Scheduled, now: datetime) -> Decision | None:
    known = one.position
    follows = known if known and known.rule == one.rule else None
    if one.active or _continues(one, now) > now or _is_over(one.schedule, now):
        return None
    local = now.astimezone(one.schedule.zone)
    start = follows.decided.astimezone(one.schedule.zone) if follows else local
    return Decision(one.pipeline, (Tick(local, start, local),), Position(now, one.rule))


def _continues(one: Scheduled, now: datetime) -> datetime:
    """When the next run of a `@continuous` pipeline may begin."""
    after = [now if one.ended is None else one.ended + PAUSE]
    if one.schedule.start:
        after.append(one.schedule.start)
    if one.position and one.position.decided != FOREVER:
        after.append(one.position.decided + _INSTANT)  # a clock that was set back makes no tick twice
    return max(after)


def _is_over(schedule: Schedule, moment: datetime) -> bool:
    return schedule.end is not None and moment > schedule.end
