"""Dates in templates: read from text, written, moved by days."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from yamldag.plan.expression.limits import check_pattern
from yamldag.plan.expression.values import TemplateError

_COMPACT = re.compile(r"[0-9]{8}(T[0-9]{6})?")
_YEAR = re.compile(r"%([Y%])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read(value: str | date, zone: tzinfo | None) -> datetime:
    """The moment that a date or its text means, in the zone given; a date alone is its first moment."""
    if isinstance(value, str):
        moment = _parsed(value)
    else:
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    if zone is None:
        return moment
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)


def written(moment: datetime, form: str) -> str:
    """`strftime`, within bounds; years before 1000 have four digits, too, which the C library leaves open."""
    check_pattern(form)
    padded = _YEAR.sub(lambda found: f"{moment.year:04}" if found[1] == "Y" else found[0], form)
    try:
        return moment.strftime(padded)
    except ValueError:
        raise TemplateError("the form of a date can't be read") from None


def compact(moment: datetime) -> str:
    """`20260131T060000`, as it is on the moment's own clock."""
    return re.sub("[-:]", "", moment.isoformat(timespec="seconds")[:19])


def add_days(value: str | date, days: int) -> str | date:
    """So many days of the calendar later, of the same kind and, for text, in the same form."""
    try:
        if isinstance(value, str):
            return _moved_text(value, days)
        return _settled(value + timedelta(days=days))
    except OverflowError:
        raise TemplateError("a date would lie beyond the years 1 to 9999") from None


def _settled(value: date) -> date:
    """A time of day that the spring gap leaves out moves forward by it."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).astimezone(value.tzinfo)
    return value


def _moved_text(text: str, days: int) -> str:
    moved = _parsed(text) + timedelta(days=days)
    if _COMPACT.fullmatch(text):
        return compact(moved)[: len(text)]
    if _DATE.fullmatch(text):
        return moved.date().isoformat()
    return moved.isoformat(sep=text[10])


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise TemplateError(f"`{shown}` is no date") from None
