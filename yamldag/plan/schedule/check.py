"""What is wrong with a written schedule, time zone, start and end: each thing at its place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC

from msgspec import Struct

from yamldag.plan.pipeline import Json
from yamldag.plan.schedule import cron, times
from yamldag.plan.schedule.reading import WORDS, Path, lines, microseconds, read
from yamldag.syntax import duration

_KEYS = ("every", "cron", "at", "assets", "timezone")
_FORMS = (
    "a preset such as `@daily`, a cron line, a list of cron lines, "
    "or a mapping with `every`, `cron`, `assets` or `at`"
)


class Fault(Struct, frozen=True):
    """Something wrong in the value at `path` below the pipeline's `key`."""

    path: Path
    start: int
    end: int
    """Offsets inside the scalar at `path`; both 0 where the value as a whole is meant."""
    code: str
    message: str
    help: str | None = None
    key: str = "schedule"
    """`schedule`, `timezone`, `start` or `end`."""
    at_key: bool = False
    """The last key of the path is meant, not its value."""


def faults(value: Json, timezone: str, start: str | None, end: str | None) -> list[Fault]:
    """Everything wrong with a pipeline's schedule, time zone, start and end."""
    found = [*_zone(timezone, (), "timezone"), *_bounds(timezone, start, end), *_schedule(value)]
    return found or list(_silence(value, timezone, start, end))


def both_days(value: Json) -> list[Fault]:
    """Of a schedule without faults, the cron lines that restrict days of the month and of the week."""
    found = []
    for line, path in lines(value):
        days = cron.read(line)
        if isinstance(days, cron.Cron) and days.days is not None and days.weekdays is not None:
            message = "fires on either: the days of the month, and the days of the week"
            found.append(
                Fault(
                    path, *cron.days_field(line), "YD804", message, "`*` in one of the two leaves the other"
                )
            )
    return found


def _bounds(timezone: str, start: str | None, end: str | None) -> Iterator[Fault]:
    zone = times.zone(timezone) or UTC
    first = times.moment(start, zone) if start is not None else None
    last = times.moment(end, zone, last=True) if end is not None else None
    if start is not None and first is None:
        yield _no_date(start, (), "start")
    elif first is not None and not times.within(first):
        yield _beyond(start, (), "start")
    if end is not None and last is None:
        yield _no_date(end, (), "end")
    if first and last and last < first:
        yield Fault(
            (), 0, len(end or ""), "YD605", f"`end` lies before `start`, which is `{start}`", key="end"
        )


def _silence(value: Json, timezone: str, start: str | None, end: str | None) -> Iterator[Fault]:
    """A schedule whose parts are well, but which has no tick between `start` and `end`."""
    if end is None and not (isinstance(value, dict) and "at" in value):
        return  # what fires at all fires after any start
    schedule = read(value, timezone, start, end)
    if schedule.has_clock and schedule.assets is None and next(schedule.ticks(), None) is None:
        bounds = " and ".join(name for name, bound in (("`start`", start), ("`end`", end)) if bound)
        words = {"`start`": "after `start`", "`end`": "before `end`"}.get(bounds, f"between {bounds}")
        yield Fault(
            (), 0, len(value) if isinstance(value, str) else 0, "YD602", f"the schedule never fires {words}"
        )


def _schedule(value: Json) -> Iterator[Fault]:
    if isinstance(value, dict):
        yield from _mapping(value)
    elif isinstance(value, list):
        yield from _cron(value, ())
    elif isinstance(value, str):
        if value not in WORDS:
            yield from _line(value, ())
    elif value is not None:
        yield _bad((), f"expected {_FORMS}, found `{json.dumps(value)}`")


def _mapping(value: dict[str, Json]) -> Iterator[Fault]:
    for key in value:
        if key not in _KEYS:
            yield _bad((key,), f"a schedule has no `{key}`: expected {_FORMS}", _nearest(key, _KEYS))
    known = [key for key in _KEYS if key in value]
    clocks = [key for key in known if key in {"every", "cron", "at"}]
    if not clocks and "assets" not in known and len(known) == len(value):
        yield _bad((), f"expected {_FORMS}")
    if len(clocks) > 1 or ("assets" in known and clocks not in ([], ["cron"])):
        first, second, *_ = (key for key in value if key in known and key != "timezone")
        message, help_ = (
            f"`{second}` can't stand beside `{first}`",
            "`assets` may stand beside `cron`, the others alone",
        )
        yield Fault((second,), 0, 0, "YD604", message, help_, at_key=True)
    if "timezone" in known and "cron" not in known and len(known) > 1:
        message = "`timezone` has a meaning beside `cron` only"
        help_ = "the pipeline's own is its key `timezone`"
        yield Fault(("timezone",), 0, 0, "YD604", message, help_, at_key=True)
    for key in known:
        yield from _PARTS[key](value[key], (key,))


def _every(value: Json, path: Path) -> Iterator[Fault]:
    if not isinstance(value, str):
        help_ = f"write `{json.dumps(value)}m` for minutes" if type(value) in {int, float} else None
        yield Fault(
            path, 0, 0, "YD407", f"expected a duration such as `15m`, found `{json.dumps(value)}`", help_
        )
    elif duration.seconds(value) is None:
        yield Fault(path, 0, len(value), "YD407", f"expected a duration such as `15m`, found `{value}`")
    elif microseconds(value) < 1:
        yield Fault(path, 0, len(value), "YD407", f"a schedule needs a duration above 0, found `{value}`")


def _cron(value: Json, path: Path) -> Iterator[Fault]:
    lines = value if isinstance(value, list) else [value]
    if not lines:
        yield _bad(path, "expected at least one cron line, found an empty list")
    for index, line in enumerate(lines):
        place = (*path, index) if isinstance(value, list) else path
        if isinstance(line, str):
            yield from _line(line, place)
        else:
            yield _bad(place, f"expected a cron line such as `0 6 * * *`, found `{json.dumps(line)}`")


def _line(line: str, path: Path) -> Iterator[Fault]:
    if line.startswith("@") and line not in cron.PRESETS:
        yield _preset(line, path)
        return
    read = cron.read(line)
    if isinstance(read, tuple):
        for flaw in read:
            yield Fault(path, flaw.start, flaw.end, "YD601", flaw.message, _meant(line) or flaw.help)
    elif not read.fires():
        message = f"`{line.strip()}` can never fire: none of its months has such a day"
        yield Fault(path, *cron.days_field(line), "YD602", message)


def _preset(line: str, path: Path) -> Fault:
    if line in WORDS:
        return Fault(
            path, 0, len(line), "YD604", f"`{line}` stands alone as a schedule, not among cron lines"
        )
    known = (*cron.PRESETS, *WORDS)
    same = {"@midnight": "@daily", "@annually": "@yearly"}.get(line)
    nearest = f"did you mean `{same}`?" if same else _nearest(line, known)
    message = f"expected one of {', '.join(f'`{name}`' for name in known)}, found `{line}`"
    return Fault(path, 0, len(line), "YD604", message, nearest)


def _meant(line: str) -> str | None:
    """What someone may have meant who wrote one word in place of five fields."""
    if f"@{line}" in (*cron.PRESETS, *WORDS):
        return f"did you mean `@{line}`?"
    return f"did you mean `{{every: {line}}}`?" if duration.seconds(line) is not None else None


def _at(value: Json, path: Path) -> Iterator[Fault]:
    if not isinstance(value, list) or not value:
        shown = value if isinstance(value, str) else json.dumps(value)
        help_ = f"write it as a list: `[{value}]`" if isinstance(value, str) else None
        yield _bad(path, f"expected a list of times such as `2026-01-01T06:00`, found `{shown}`", help_)
        return
    for index, text in enumerate(value):
        found = times.moment(text, UTC) if isinstance(text, str) else None
        if found is None:
            yield _no_date(text, (*path, index), "schedule")
        elif not times.within(found):
            yield _beyond(text, (*path, index), "schedule")


def _assets(value: Json, path: Path) -> Iterator[Fault]:
    if isinstance(value, str) and value:
        return
    members: Json = value
    if isinstance(value, dict):
        if len(value) != 1 or not value.keys() <= {"any", "all"}:
            yield _bad(path, "expected one of `any` and `all`, and a list of assets behind it")
            return
        ((word, members),) = value.items()
        path = (*path, word)
    if not isinstance(members, list) or not members:
        yield _bad(path, f"expected a list of assets, found `{json.dumps(members)}`")
        return
    for index, member in enumerate(members):
        yield from _assets(member, (*path, index))


def _zone(name: Json, path: Path, key: str = "schedule") -> Iterator[Fault]:
    if not isinstance(name, str):
        message = f"expected the name of a time zone such as `Europe/Berlin`, found `{json.dumps(name)}`"
        yield Fault(path, 0, 0, "YD603", message, key=key)
    elif times.zone(name) is None:
        message = f"there is no time zone `{name}` in the IANA database"
        yield Fault(path, 0, len(name), "YD603", message, times.near_zone(name), key)


_Part = Callable[[Json, Path], Iterator[Fault]]
_PARTS: dict[str, _Part] = {
    "every": _every,
    "cron": _cron,
    "at": _at,
    "assets": _assets,
    "timezone": _zone,
}


def _no_date(text: Json, path: Path, key: str) -> Fault:
    shown = text if isinstance(text, str) else json.dumps(text)
    message = f"expected a date such as `2026-01-31` or a time such as `2026-01-31T06:00`, found `{shown}`"
    return Fault(path, 0, len(text) if isinstance(text, str) else 0, "YD408", message, key=key)


def _beyond(text: Json, path: Path, key: str) -> Fault:
    message = f"expected a date between {times.ENDS}, found `{text}`"
    return Fault(path, 0, len(str(text)), "YD408", message, key=key)


def _bad(path: Path, message: str, help_: str | None = None) -> Fault:
    return Fault(path, 0, 0, "YD604", message, help_)


def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    from difflib import get_close_matches

    close = get_close_matches(word, known, 1)
    return f"did you mean `{close[0]}`?" if close else None
