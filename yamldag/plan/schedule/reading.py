"""A schedule without faults, read: which sources tick for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from yamldag.plan.pipeline import Json
from yamldag.plan.schedule import assets, cron, days, times
from yamldag.plan.schedule.model import Schedule
from yamldag.plan.schedule.ticking import Clock, Grid, Moments, Source, instant
from yamldag.syntax import duration

Path = tuple[str | int, ...]
WORDS = ("@once", "@continuous")


def read(value: Json, timezone: str, start: str | None, end: str | None) -> Schedule:
    """The schedule of a pipeline whose values are without faults; `value=None`: one that never ticks."""
    zone = _known(timezone)
    first = times.moment(start, zone) if start else None
    return Schedule(
        zone,
        tuple(_sources(value, zone, first)),
        first,
        times.moment(end, zone, last=True) if end else None,
        once=value == "@once",
        continuous=value == "@continuous",
        assets=assets.normalise(value["assets"]) if isinstance(value, dict) and "assets" in value else None,
    )


def _sources(value: Json, zone: tzinfo, start: datetime | None) -> Iterator[Source]:
    if value == "@once" and start:
        yield Moments((instant(start),))
    mapping: dict[str, Json] = value if isinstance(value, dict) else {}
    if every := mapping.get("every"):
        yield Grid(microseconds(every), instant(start or times.EPOCH))
    if at := mapping.get("at"):
        yield Moments(tuple(sorted({instant(_moment(moment, zone)) for moment in _list(at)})))
    clock = mapping.get("timezone")
    for line, _ in lines(value):
        read = cron.read(line)
        assert isinstance(read, cron.Cron), line
        named = days.lines(read.days, read.months, read.weekdays)
        yield Clock(read, named, _known(clock) if isinstance(clock, str) else zone)


def lines(value: Json, path: Path = ()) -> Iterator[tuple[str, Path]]:
    """The cron lines of a schedule without faults, each with its path."""
    if isinstance(value, dict):
        yield from lines(value.get("cron"), (*path, "cron"))
    elif isinstance(value, list):
        yield from ((line, (*path, index)) for index, line in enumerate(value) if isinstance(line, str))
    elif isinstance(value, str) and value not in WORDS:
        yield value, path


def microseconds(text: Json) -> int:
    assert isinstance(text, str)
    return round((duration.seconds(text) or 0) * 1_000_000)


def _moment(text: Json, zone: tzinfo) -> datetime:
    assert isinstance(text, str)
    moment = times.moment(text, zone)
    assert moment, text
    return moment


def _known(name: str) -> tzinfo:
    zone = times.zone(name)
    assert zone, name
    return zone


def _list(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value
