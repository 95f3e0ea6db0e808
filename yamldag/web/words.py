"""Times, durations and numbers as a page says them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def span(seconds: float) -> str:
    """A duration in at most two units: `40 ms`, `1.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 0.9995:
        return f"{max(seconds, 0.0) * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller, word in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {word}" if rest else "")
    return f"{whole} s"


def about(seconds: float) -> str:
    """How far a moment is, roughly: `in 4 min`, `3 h ago`, `now`."""
    away = abs(seconds)
    if away < 1:
        return "now"
    units = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    size, unit = next(pair for pair in units if away >= pair[0])
    number = int(away // size)
    return f"in {number} {unit}" if seconds > 0 else f"{number} {unit} ago"


def moment(at: float | datetime, zone: tzinfo, now: float) -> str:
    """A time of day in a zone, with the day unless it is today: `03:15 KST`, `Sat 21 Nov 03:15 KST`."""
    here = (at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)).astimezone(zone)
    today = datetime.fromtimestamp(now, UTC).astimezone(zone)
    clock = f"{here:%H:%M:%S}" if here.second else f"{here:%H:%M}"
    if here.date() == today.date():
        day = ""
    elif abs((here - today).days) < 200:
        day = f"{here:%a} {here.day} {here:%b} "
    else:
        day = f"{here.day} {here:%b} {here.year} "
    return f"{day}{clock} {here.tzname()}"


def counted(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def size(number: float) -> str:
    """Bytes, roughly."""
    for unit in ("bytes", "KB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
