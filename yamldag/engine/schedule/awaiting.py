"""Runs that updates of assets start: who awaits what, and when a condition is met.

What is known here is read from the database when a scheduler starts, and follows what is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime

from msgspec import Struct, field

from yamldag.engine import times
from yamldag.engine.memory.records import new_id
from yamldag.engine.schedule.known import Known
from yamldag.plan.pipeline import Json
from yamldag.plan.schedule import Schedule, met, names
from yamldag.store import assets, schedules
from yamldag.store.assets import Update
from yamldag.store.database import Database
from yamldag.store.schedules import QueuedRun

Held = Callable[[str], bool]
"""Whether a pipeline may not have another run now."""


def moment_met(condition: Json, updates: Iterable[Update]) -> float | None:
    """When a condition came to hold: at the first update with which it does. None: it does not hold yet."""
    seen: set[str] = set()
    for update in updates:
        seen.add(update.asset)
        if met(condition, seen):
            return update.at
    return None


class Awaiting(Struct):
    database: Database
    _schedules: dict[str, Schedule] = field(default_factory=dict)
    """Of each pipeline that awaits assets."""
    _awaited: dict[str, frozenset[str]] = field(default_factory=dict)
    _unused: dict[str, list[Update]] = field(default_factory=dict)
    """Updates that wait for a condition to be met, or for room, the oldest first."""
    _open: set[str] = field(default_factory=set)
    """Pipelines to look at: something new has come, or it is held back."""
    _seen: int = 0
    """The newest update that was read."""
    _adopted: bool = False

    @property
    def idle(self) -> bool:
        """Nobody awaits anything."""
        return not self._awaited

    def adopt(self, pipelines: Mapping[str, Known], back: Collection[str] = ()) -> None:
        """These are in force now; of those `back` it was recorded that their files had gone. Whoever is new counts
        updates from now on."""
        waiting = {name: known.schedule for name, known in pipelines.items() if _awaits(known)}
        awaited = {name: frozenset(names(each.assets)) for name, each in waiting.items()}
        self._schedules = waiting
        if awaited == self._awaited:
            return
        new = awaited.keys() - self._awaited.keys()
        anew = new if self._adopted else new & set(back)
        skipping = {name for name in anew if pipelines[name].plan.catchup != "all"}
        self._seen = self.database.write(lambda: _begin(self.database, awaited, skipping))
        self._awaited, self._adopted = awaited, True
        self._unused = {name: assets.unused(self.database, name, self._seen) for name in awaited}
        self._open = set(awaited)

    def read(self) -> None:
        """Take in what was stored since."""
        if self.idle:
            return
        new = assets.after(self.database, self._seen)
        if not new:
            return
        self._seen = new[-1].id
        for name, awaited in self._awaited.items():
            found = [update for update in new if update.asset in awaited]
            if found:
                self._unused[name] += found
                self._open.add(name)

    def make_runs(self, held: Held, now: float) -> list[QueuedRun]:
        """Record a run for each condition that is met, the updates used up in the same transaction."""
        ready = {}
        for name in list(self._open):
            at = moment_met(self._schedules[name].assets, self._counted(name))
            if at is None:
                self._open.discard(name)
            elif not held(name) and not assets.is_paused(self.database, name):
                ready[name] = at
        if not ready:
            return []
        made = self.database.write(
            lambda: list(filter(None, (self._record(*each, now) for each in ready.items())))
        )
        for row in made:
            self._unused[row.pipeline].clear()
            self._open.discard(row.pipeline)
        return made

    def _counted(self, name: str) -> list[Update]:
        """Those within the pipeline's start and end."""
        schedule = self._schedules[name]
        if schedule.start is None and schedule.end is None:
            return self._unused[name]
        return [update for update in self._unused[name] if _is_within(schedule, _moment(update.at))]

    def _record(self, name: str, at: float, now: float) -> QueuedRun | None:
        database, updates = self.database, self._counted(name)
        met_at = times.stored(_moment(at))
        start = assets.newest_date(database, name) or met_at
        date = max(met_at, start)  # the clock may have been set back
        row = QueuedRun(new_id("assets", _moment(at)), name, "assets", date, start, date, "{}", now)
        if not schedules.queue_run(database, row):
            return None
        assets.set_assets(database, row.id, json.dumps([_told(update) for update in updates]))
        assets.use_up(database, name, {update.asset: update.id for update in self._unused[name]})
        return row


def _awaits(known: Known) -> bool:
    return known.schedule.assets is not None


def _begin(database: Database, awaited: Mapping[str, frozenset[str]], skipping: Collection[str]) -> int:
    """Store from where on who awaits what, for those of `skipping` from now on; the newest update there is."""
    newest, known = assets.newest(database), assets.uses(database)
    for name, wanted in awaited.items():
        had = known.get(name, {}).keys()
        if name in skipping:
            assets.use_up(database, name, dict.fromkeys(had, newest))
        for asset in wanted - had:
            assets.await_from(database, name, asset, newest)
        for asset in had - wanted:
            assets.forget(database, name, asset)
    return newest


def _is_within(schedule: Schedule, moment: datetime) -> bool:
    return (schedule.start is None or moment >= schedule.start) and (
        schedule.end is None or moment <= schedule.end
    )


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _told(update: Update) -> dict[str, str]:
    """As `run.assets` has it."""
    return {
        "asset": update.asset,
        "run": update.run,
        "task": update.task,
        "at": times.stored(_moment(update.at)),
    }
