"""From a rendered `wait` task to what it waits for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from yamldag.engine import times
from yamldag.engine.memory.deferral import ERRAND, FILE, POKE, RUN, TIME, Deferral
from yamldag.engine.memory.run import Instance
from yamldag.operators.contract import Outcome, text
from yamldag.plan.pipeline import Json
from yamldag.plan.schedule import ENDS, dated
from yamldag.syntax import duration

LOOKS = {"http": "url", "python": "function", "sql": "query"}
"""What is asked by an errand of the operator of that name, and the parameter that its short form sets."""
_LONGEST = 60.0
"""Seconds that one request, or one query, may take."""


class UnfitError(Exception):
    """A value that can't be what it should be: these words say why to a person."""


def deferral(instance: Instance, params: Mapping[str, Json], cwd: str) -> Deferral | Outcome:
    """What the newest attempt of a `wait` task waits for. Paths are relative to `cwd`."""
    assert instance.started is not None
    timeout = instance.node.task.timeout
    made = Deferral(TIME, instance.started, None if timeout is None else instance.started + timeout)
    try:
        _fill(made, instance, params, cwd)
    except UnfitError as unfit:
        return Outcome("failed", str(unfit))
    return made


def look(params: Mapping[str, Json]) -> tuple[str, dict[str, Json], float | None]:
    """The operator that one look calls, its parameters, and the seconds that it may take."""
    name = next(each for each in LOOKS if each in params)
    given = params[name]
    found: dict[str, Json] = given if isinstance(given, dict) else {LOOKS[name]: given}
    if name == "sql":
        found = {**found, "answer": True}
    return name, found, _timeout(name)


def _timeout(name: str) -> float | None:
    return None if name == "python" else _LONGEST


def _fill(made: Deferral, instance: Instance, params: Mapping[str, Json], cwd: str) -> None:
    timezone = instance.node.run.plan.timezone
    if "delay" in params:
        since = instance.ready if instance.ready is not None else made.since
        made.at = min(since, made.since) + _seconds("delay", params["delay"])
    elif "until" in params:
        made.at = _until(text(params["until"]).strip(), instance.node.run.logical_date, timezone)
        made.fixed = True
    elif "file" in params:
        made.what, made.path = FILE, os.path.join(cwd, text(params["file"]))
    elif "pipeline" in params:
        made.what, made.pipeline = RUN, text(params["pipeline"])
        made.task = None if params.get("task") is None else text(params["task"])
        made.date = date(params, instance.node.run.logical_date, timezone)
    else:
        made.what = ERRAND
    made.poke = _seconds("poke_interval", params["poke_interval"]) if "poke_interval" in params else POKE
    soft = params.get("soft_fail", False)
    if not isinstance(soft, bool):
        raise UnfitError(f"`soft_fail` should be true or false, found `{text(soft)}`")
    made.soft_fail = soft
    if made.poke <= 0:
        raise UnfitError("`poke_interval` should be longer than nothing")


def _seconds(name: str, value: Json) -> float:
    found = duration.seconds(text(value).strip())
    if found is None:
        raise UnfitError(f"`{name}` should be a duration such as 30s or 1h30m, found `{text(value)}`")
    return found


def _until(written: str, logical_date: str, timezone: str) -> float:
    """A time of the day is that of the logical date, in the pipeline's zone."""
    if written[:2].rstrip(":").isdecimal() and ":" in written[:3]:
        day = times.local(logical_date, timezone).date()
        written = f"{day}T{written if written[2] == ':' else f'0{written}'}"
    return times.read(_moment("until", written, timezone)).timestamp()


def date(params: Mapping[str, Json], default: str, timezone: str) -> str:
    """The logical date that is meant, as stored. Raises UnfitError."""
    if params.get("date") is None:
        return default
    return _moment("date", text(params["date"]).strip(), timezone)


def _moment(name: str, written: str, timezone: str) -> str:
    found = dated(written, ZoneInfo(timezone))
    if found is None:
        raise UnfitError(
            f"`{name}` should be a date or a time such as 2026-01-31T06:00 that exists "
            f"and lies between {ENDS}, found `{written}`"
        )
    return times.stored(found)
