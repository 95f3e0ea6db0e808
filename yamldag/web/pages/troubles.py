"""What needs a person, in words, worst first: what failed, what is late, files that do not compile."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from yamldag.engine.asking.naming import label
from yamldag.engine.schedule.catalogue import Broken
from yamldag.engine.schedule.known import Known
from yamldag.engine.status import Status
from yamldag.engine.step import deadline
from yamldag.plan import schedule
from yamldag.store.overview import Harm, Shown
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.web import tail, words
from yamldag.web.pages import records
from yamldag.web.pages.links import code_link, run_link

PATIENCE = 60.0
"""Seconds that a tick's run may wait before it is late."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A diagnostic on one line."""

    place: str
    code: str
    message: str
    help: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """One entry. What has a `run` can be looked at and, mostly, run again or cancelled."""

    state: str
    """`failed`, `late` or `broken`."""
    what: str
    when: str
    link: str | None
    line: str = ""
    """What it said of its failure."""
    more: tuple[str, ...] = ()
    """Sentences: what it stops, what is due."""
    run: str | None = None
    log: str | None = None
    mistakes: tuple[Mistake, ...] = ()
    harm: tuple[float, ...] = field(default=(), compare=False)
    """How bad it is among its like: the smallest first."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read of the database."""

    over: Mapping[str, Shown]
    """Of each pipeline the newest run that is over."""
    newest: Mapping[str, Sequence[Shown]]
    """The newest runs of the pipelines that failed or have open runs, the newest first."""
    open: Sequence[Shown]
    harms: Mapping[str, Harm]
    overdue: Collection[str]
    """Open runs whose deadline has passed."""


def failed(facts: Facts, status: Status, logs: Path, now: float, most: int) -> list[Trouble]:
    """Of the pipelines whose last run that is over has failed, the `most` that do most harm."""
    waiting = _waiting(status)
    rows = [
        (_harm(row, facts.harms.get(row["id"]), status.pipelines[name], waiting), name, row)
        for name, row in failed_runs(facts, status).items()
    ]
    rows.sort(key=lambda each: (each[0], each[1]))
    return [_failure(harm, name, row, facts, status, logs, now) for harm, name, row in rows[:most]]


def failed_runs(facts: Facts, status: Status) -> dict[str, Shown]:
    """Of each pipeline in force whose last run has failed, that run; one that goes on counts once it is certain
    to fail."""
    found = {name: row for name, row in facts.over.items() if row["state"] == "failed"}
    for row in facts.open:
        harm, known = facts.harms.get(row["id"]), status.pipelines.get(row["pipeline"])
        if harm is not None and known is not None and not may_fail(harm.first["task"], known):
            found[row["pipeline"]] = row
    return {name: row for name, row in found.items() if name in status.pipelines}


def may_fail(task: str, known: Known) -> bool:
    return any(each.id == task and each.allow_failure for each in known.plan.tasks)


def _waiting(status: Status) -> dict[str, list[str]]:
    """Of each asset the pipelines that wait for it."""
    found: dict[str, list[str]] = {}
    for name, known in status.pipelines.items():
        if known.schedule.assets is not None:
            for asset in dict.fromkeys(schedule.names(known.schedule.assets)):
                found.setdefault(asset, []).append(name)
    return found


def _harm(row: Shown, harm: Harm | None, known: Known, waiting: Mapping[str, list[str]]) -> tuple[float, ...]:
    """The smallest is the worst: pipelines and assets that wait for it, then tasks, then the newest."""
    stopped = _assets(harm, known)
    others = {name for asset in stopped for name in waiting.get(asset, ())}
    return (-len(others), -len(stopped), -len(harm.stopped) if harm else 0, -(row["ended"] or row["created"]))


def _assets(harm: Harm | None, known: Known) -> list[str]:
    """What is not made because of it."""
    if harm is None:
        return []
    tasks = {harm.first["task"], *harm.stopped}
    return sorted({asset for task in known.plan.tasks if task.id in tasks for asset in task.produces})


def _failure(
    harm: tuple[float, ...],
    name: str,
    row: Shown,
    facts: Facts,
    status: Status,
    logs: Path,
    now: float,
) -> Trouble:
    known, found = status.pipelines[name], facts.harms.get(row["id"])
    over = row["ended"] or (found.first["ended"] if found else None) or row["created"]
    when = f"failed {words.about(over - now)}{_often(facts.newest.get(name, ()), now)}"
    goes_on = ["The rest of the run goes on."] if row["state"] == "running" else []
    more = [*_stops(found, known, status), *goes_on, *_due(known, row, status, now)]
    if found is None:
        said = row["reason"] or ""
        return Trouble("failed", name, when, run_link(row["id"]), said, tuple(more), row["id"], harm=harm)
    first = found.first
    task = label(first["task"], first["map_index"], first["item"])
    said = tail.telling_line(tail.tail(first["log"], logs, 4096)) or first["reason"] or ""
    if first["attempts"] > 1:
        when += f", on try {first['attempts']}"
    if first["reason"] and first["reason"] != said:
        more.insert(0, f"It ended with {first['reason']}.")
    log = run_link(row["id"], first["task"], first["map_index"])
    what = f"{name} › {task}"
    return Trouble("failed", what, when, log, said, tuple(more), row["id"], log, harm=harm)


def _often(rows: Sequence[Shown], now: float) -> str:
    """How many of its runs failed in a row, up to the last one."""
    over = [row for row in rows if row["state"] in ("success", "failed")]
    row = next((at for at, each in enumerate(over) if each["state"] != "failed"), len(over))
    if row < 2:
        return ""
    least = "at least " if row == records.BARS else ""
    return f", {least}{row} runs in a row since {words.about((over[row - 1]['ended'] or now) - now)}"


def _stops(found: Harm | None, known: Known, status: Status) -> list[str]:
    if found is None:
        return []
    assets = _assets(found, known)
    waiting = _waiting(status)
    others = sorted({name for asset in assets for name in waiting.get(asset, ())})
    stopped = [words.counted(len(found.stopped), "task")] if found.stopped else []
    stopped += [f"the {'asset' if len(assets) == 1 else 'assets'} {', '.join(assets)}"] if assets else []
    parts = [f"It stops {' and '.join(stopped)}."] if stopped else []
    return parts + (
        [f"{', '.join(others)} {'waits' if len(others) == 1 else 'wait'} for that."] if others else []
    )


def _due(known: Known, row: Shown, status: Status, now: float) -> list[str]:
    """Until when it should be right, and when it comes again."""
    if row["state"] == "running" and known.plan.deadline:
        limit = deadline.moment_of(known.plan, row["logical_date"])
        said = "It should be" if limit > now else "It should have been"
        return [f"{said} over by {words.moment(limit, records.zone_of(known), now)}."]
    due = status.next.get(known.plan.pipeline)
    if known.plan.pipeline in status.paused:
        return ["It is paused."]
    return [f"Next tick {words.about(due - now)}."] if due else []


def late(facts: Facts, status: Status, now: float) -> list[Trouble]:
    """Ticks whose run has not begun, and runs that are past their deadline."""
    waits: dict[str, Shown] = {}
    found = []
    for row in facts.open:
        known = status.pipelines.get(row["pipeline"])
        if known is None or row["pipeline"] in status.paused:
            continue
        if row["id"] in facts.overdue:
            found.append(_overdue(row, known, facts, now))
        elif row["state"] == "queued" and row["type"] == "scheduled":
            waits.setdefault(row["pipeline"], row)
    found += [_waits(row, facts, status, now) for row in waits.values() if now - _tick(row) > PATIENCE]
    return sorted(found, key=lambda each: each.harm)


def _tick(row: Shown) -> float:
    return records.instant(row["logical_date"])


def _overdue(row: Shown, known: Known, facts: Facts, now: float) -> Trouble:
    due = deadline.moment_of(known.plan, row["logical_date"]) if known.plan.deadline else now
    run = records.run_line(row, known, now)
    when = f"should have been over {words.about(due - now)}"
    state = f"Its run of {run.date} {'runs' if run.state == 'running' else 'waits'}"
    more = f"{state}{_for(run, facts)}."
    return Trouble("late", run.pipeline, when, run_link(run.id), more=(more,), run=run.id, harm=(due - now,))


def _for(run: records.RunLine, facts: Facts) -> str:
    usual = records.usual(facts.newest.get(run.pipeline, ()))
    if not run.took:
        return ""
    return f" ({run.took}, usually {words.span(usual)})" if usual is not None else f" ({run.took})"


def _waits(row: Shown, facts: Facts, status: Status, now: float) -> Trouble:
    name = row["pipeline"]
    known, away = status.pipelines[name], now - _tick(row)
    run = records.run_line(row, known, now)
    going = [each for each in facts.open if each["pipeline"] == name and each["state"] == "running"]
    if len(going) >= known.plan.max_active_runs:
        first = records.run_line(going[0], known, now)
        others = f" and {words.counted(len(going) - 1, 'other')} run" if len(going) > 1 else " still runs"
        why = f"Its run of {first.date}{others}{_for(first, facts)}, and max_active_runs is {len(going)}."
        return Trouble(
            "late", name, _late_by(run, away), run_link(first.id), more=(why,), run=first.id, harm=(-away,)
        )
    slots = f"{status.running} of {status.slots} slots are taken."
    return Trouble(
        "late", name, _late_by(run, away), run_link(run.id), more=(slots,), run=run.id, harm=(-away,)
    )


def _late_by(run: records.RunLine, away: float) -> str:
    return f"the tick of {run.date} is {words.span(away)} late"


def broken(status: Status) -> list[Trouble]:
    """Files that do not compile."""
    return [_broken(each, status.pipelines.values()) for each in status.broken]


def _broken(file: Broken, pipelines: Collection[Known]) -> Trouble:
    path = os.path.abspath(file.path)
    held = [each for each in pipelines if each.path == path]
    kept = [each.plan.pipeline for each in held if each.stale]
    more = (f"The last good version of {', '.join(kept)} goes on running.",) if kept else ()
    link = code_link((kept or [held[0].plan.pipeline])[0]) if held else None
    return Trouble(
        "broken", file.path, "does not compile", link, more=more, mistakes=tuple(map(mistake, file.found))
    )


def mistake(found: Diagnostic) -> Mistake:
    line, column = found.place.source.place(found.place.start)
    return Mistake(f"{line}:{column}", f"{found.code} {found.name}", found.message, found.help or "")
