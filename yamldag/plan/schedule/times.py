"""Time zones and the moments that a text names."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = datetime(2, 1, 1, tzinfo=UTC)
LAST = datetime(9998, 12, 30, tzinfo=UTC)
"""A year within the calendar's ends, so that no zone's offset and no data interval leads out of it."""
ENDS = f"{FIRST.date()} and {LAST.date()}"
_NAME = re.compile(r"(?!posix/|right/|localtime|posixrules|Factory)[A-Za-z][A-Za-z0-9_+/-]*")
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6})[0-9]*)?)?"
    r"(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?)?"
)


def zone(name: str) -> ZoneInfo | None:
    """The IANA time zone of that name, or None."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: `America` is a folder
        return None


def moment(text: str, zone: tzinfo, *, last: bool = False) -> datetime | None:
    """The moment in UTC that a date or time names; None if there is no such date or the text is not one.

    A date alone is its first moment, or with `last` its last microsecond. A time without offset is in
    `zone` and settles as a tick does: out of a gap by its length, in a repeated hour on the second pass.
    """
    match = _MOMENT.fullmatch(text)
    if not match:
        return None
    try:
        return _date(match, zone, last) if match[4] is None else _time(match, zone)
    except ValueError:  # the 30th of February
        return None


def within(moment: datetime) -> bool:
    """Whether something can happen at that moment: it lies between FIRST and LAST."""
    return FIRST <= moment <= LAST


def dated(text: str, zone: tzinfo) -> datetime | None:
    """The same of a moment that something happens at: None too if it is not within."""
    found = moment(text, zone)
    return found if found is not None and within(found) else None


def _date(match: re.Match[str], zone: tzinfo, last: bool) -> datetime:
    day = datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=zone)
    try:
        # fold=0, so where midnight comes twice the day begins with the first
        return (
            (day + timedelta(days=1)).astimezone(UTC) - timedelta(microseconds=1)
            if last
            else day.astimezone(UTC)
        )
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if last else datetime.min.replace(tzinfo=UTC)


def _time(match: re.Match[str], zone: tzinfo) -> datetime | None:
    year, month, day, hour, minute, second = (int(match[index] or 0) for index in range(1, 7))
    wall = datetime(
        year, month, day, hour, minute, second, int((match[7] or "").ljust(6, "0")), _offset(match) or zone
    )
    try:
        return settle(wall).astimezone(UTC)
    except OverflowError:
        return None


def _offset(match: re.Match[str]) -> timezone | None:
    if match[8]:
        return UTC
    if not match[9]:
        return None
    if int(match[11]) > 59:
        raise ValueError
    offset = timedelta(hours=int(match[10]), minutes=int(match[11]))
    return timezone(offset if match[9] == "+" else -offset)


def settle(wall: datetime) -> datetime:
    """A wall-clock time with the fold of a tick: out of a gap forward, in a repeated hour the second."""
    late = wall.replace(fold=1)
    first, second = wall.utcoffset(), late.utcoffset()
    assert first is not None
    assert second is not None
    return late if second < first else wall


def near_zone(name: str) -> str:
    """Help that suggests the zone that may have been meant, by its name or by that of its place."""
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    names = {known.lower(): known for known in available_timezones() if zone(known)}
    places = {known.rpartition("/")[2]: full for known, full in sorted(names.items(), reverse=True)}
    word = name.strip().lower().replace(" ", "_")
    close = get_close_matches(word, names, 1, 0.75) or get_close_matches(word, places, 1, 0.8)
    if not close:
        return "zones have names such as `Europe/Berlin`"
    return f"did you mean `{names.get(close[0]) or places[close[0]]}`?"
