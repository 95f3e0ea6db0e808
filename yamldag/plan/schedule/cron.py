"""A cron line of five fields: what is wrong with it, and which days and minutes it means."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from yamldag.plan.schedule.days import LAST, Days, Weekdays, ever

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 1,4,7,10 *",
    "@yearly": "0 0 1 1 *",
}


class Cron(Struct, frozen=True):
    minutes: tuple[int, ...]
    """Minutes of the day, ascending: hours and minutes together."""
    every_hour: bool
    days: Days | None
    """None: `*`."""
    months: tuple[int, ...]
    weekdays: Weekdays | None
    """None: `*`. If both fields are restricted, a day that either names will do."""

    def fires(self) -> bool:
        """Whether there is any such day."""
        return ever(self.days, self.months, self.weekdays)


class Flaw(NamedTuple):
    """Something wrong, and where it stands in the line."""

    start: int
    end: int
    message: str
    help: str | None = None


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    cycle: int
    names: dict[str, int]

    @property
    def wanted(self) -> str:
        names = list(self.names)
        also = f", or a name from `{names[0]}` to `{names[-1]}`" if names else ""
        return f"a number from {self.low} to {self.high}{also}"


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_MINUTE = _Field("minute", 0, 59, 60, {})
_HOUR = _Field("hour", 0, 23, 24, {})
_DAY = _Field("day of the month", 1, 31, 31, {})
_MONTH = _Field("month", 1, 12, 12, {name: index for index, name in enumerate(_MONTHS, 1)})
_WEEKDAY = _Field("day of the week", 0, 7, 7, {name: index for index, name in enumerate(_WEEKDAYS)})
_FIELDS = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)
_ANY = {"*", "*/1"}
_COUNTS = {6: "seconds are not part of a cron line; what comes more often than each minute is `every: 30s`"}


@lru_cache(1024)
def read(line: str) -> Cron | tuple[Flaw, ...]:
    """A cron line or a preset as days and minutes, or all that keeps it from being one."""
    words = list(re.finditer(r"\S+", PRESETS.get(line, line)))
    if len(words) != len(_FIELDS):
        message = f"expected the five fields of a cron line, found {len(words)}"
        help_ = _COUNTS.get(len(words), "minute, hour, day of the month, month, day of the week")
        return (Flaw(0, len(line), message, help_),)
    flaws: list[Flaw] = []
    fields = [_field(field, word[0], word.start(), flaws) for field, word in zip(_FIELDS, words, strict=True)]
    return tuple(flaws) or _cron(fields, [word[0] for word in words])


def days_field(line: str) -> tuple[int, int]:
    """Where the day of the month stands in a line without flaws."""
    match = list(re.finditer(r"\S+", line))[2]
    return match.span()


def _cron(fields: list[set[tuple[int, int]]], words: list[str]) -> Cron:
    minutes, hours, days, months = (sorted(value for value, _ in field) for field in fields[:4])
    return Cron(
        tuple(hour * 60 + minute for hour in hours for minute in minutes),
        len(hours) == 24,
        None if words[2] in _ANY else frozenset(days),
        tuple(months),
        None if words[4] in _ANY else frozenset(((day - 1) % 7, count) for day, count in fields[4]),
    )


def _field(field: _Field, text: str, at: int, flaws: list[Flaw]) -> set[tuple[int, int]]:
    """Pairs of a value and, for a day of the week, its count in the month."""
    values: set[tuple[int, int]] = set()
    found: list[Flaw] = []
    place = at
    for item in text.split(","):
        values |= _item(field, item, place, found)
        place += len(item) + 1
    flaws += [_visible(flaw, at) for flaw in found]
    return values


def _visible(flaw: Flaw, at: int) -> Flaw:
    """Where something is missing, the character before it is marked, or the field's first."""
    if flaw.start < flaw.end:
        return flaw
    start = max(flaw.start - 1, at)
    return flaw._replace(start=start, end=start + 1)


def _item(field: _Field, text: str, at: int, flaws: list[Flaw]) -> set[tuple[int, int]]:
    if field is _DAY and text in {"L", "l"}:
        return {(LAST, 0)}
    if field is _WEEKDAY and "#" in text:
        return _counted(text, at, flaws)
    if field is _WEEKDAY and (match := re.fullmatch(r"[Ll]([a-zA-Z0-9]+)|([a-zA-Z0-9]+)[Ll]", text)):
        day = _value(field, match[match.lastindex or 0], at + match.start(match.lastindex or 0), flaws)
        return set() if day is None else {(day, LAST)}
    return {(value, 0) for value in _range(field, text, at, flaws)}


def _counted(text: str, at: int, flaws: list[Flaw]) -> set[tuple[int, int]]:
    name, _, count = text.partition("#")
    day = _value(_WEEKDAY, name, at, flaws)
    if count not in {"1", "2", "3", "4", "5"}:
        start = at + len(name) + 1
        found = f"found `{count}`" if count else "found nothing"
        message = f"a month has a day of the week at most five times: expected 1 to 5 behind `#`, {found}"
        flaws.append(Flaw(start, at + len(text), message))
        return set()
    return set() if day is None else {(day, int(count))}


def _range(field: _Field, text: str, at: int, flaws: list[Flaw]) -> list[int]:
    base, slash, step_text = text.partition("/")
    ends = _ends(field, base, at, bool(slash), flaws)
    step = _step(field, step_text, at + len(base) + 1, flaws) if slash else 1
    if not ends or not step:
        return []
    low, high = ends
    if "-" in base and step > high - low + 1:
        flaws.append(Flaw(at, at + len(text), f"a step of {step} is larger than the range `{base}`"))
    return [(value - field.low) % field.cycle + field.low for value in range(low, high + 1, step)]


def _ends(field: _Field, base: str, at: int, stepped: bool, flaws: list[Flaw]) -> tuple[int, int] | None:
    """Of a range; `22-4` goes on past the end of the cycle, so its second end is the larger here, too."""
    if base == "*":
        return field.low, field.low + field.cycle - 1
    first, dash, second = base.partition("-")
    low = _value(field, first, at, flaws)
    high = _value(field, second, at + len(first) + 1, flaws) if dash else low
    if low is None or high is None:
        return None
    if stepped and not dash:
        return low % field.cycle if field is _WEEKDAY else low, field.low + field.cycle - 1
    return low, high if high >= low else high + field.cycle


def _step(field: _Field, text: str, at: int, flaws: list[Flaw]) -> int | None:
    step = _number(text)
    if step is None or step == 0:
        found = f"expected a number above 0 behind `/`, found {f'`{text}`' if text else 'nothing'}"
        flaws.append(Flaw(at, at + len(text), found))
        return None
    if step > field.cycle:
        message = (
            f"a step of {text} is larger than the range of the {field.name}, {field.low} to {field.high}"
        )
        help_ = "for a fixed distance across hours and days use `every`, such as `every: 90m`"
        flaws.append(Flaw(at, at + len(text), message, help_))
        return None
    return step


def _value(field: _Field, text: str, at: int, flaws: list[Flaw]) -> int | None:
    number = _number(text)
    value = field.names.get(text.lower()) if number is None else number
    if value is not None and field.low <= value <= field.high:
        return value
    found = f"`{text}`" if text else "nothing"
    message = f"the {field.name} is {field.wanted}; found {found}"
    flaws.append(Flaw(at, at + len(text), message, _hint(field, text)))
    return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _hint(field: _Field, text: str) -> str | None:
    word = text.lower()
    if word == "?":
        return "write `*`"
    if word[:1] in {"r", "h"} and not word[1:2].isalpha():
        return "a tick must be the same whenever it is computed: choose a number"
    if word == "l":
        return (
            "`L` alone is the last day of the month, and stands in the third field; `5L` is the last Friday"
        )
    if re.fullmatch(r"[0-9]*lw|[0-9]+w|w[0-9]+", word):
        return "the nearest working day is not known here"
    return next((f"did you mean `{name}`?" for name in field.names if word.startswith(name)), None)
