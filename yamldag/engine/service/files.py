"""Looks at the project's files now and then: what they say is in force from then on."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from msgspec import Struct

from yamldag.engine import times
from yamldag.engine.schedule.known import Known
from yamldag.engine.service.desk import Desk
from yamldag.engine.service.looks import Looks
from yamldag.engine.takeover.unsent import take_over_notices
from yamldag.store import moves, pools, schedules


class Files(Struct):
    desk: Desk
    looks: Looks
    _pools: set[str] | None = None
    """Those that the project's file declared when it was last read; None: an earlier scheduler has read it."""

    @classmethod
    def of(cls, desk: Desk) -> Files:
        return cls(desk, Looks(desk.catalogue, desk.say))

    def look(self, now: float) -> None:
        """If it is time."""
        if self.looks.are_due(now):
            take_over_notices(self.desk.engine, self.desk.folder)
            if self.looks.look(now):
                self.adopt(now)

    def adopt(self, now: float) -> None:
        """What the files say now is in force from now on."""
        pipelines, back = self.desk.catalogue.pipelines, set[str]()
        if self.desk.leads:
            database = self.desk.database
            back = database.read(lambda: schedules.removed(database)) & pipelines.keys()
            self._save(pipelines, now)
            self.desk.awaiting.adopt(pipelines, back)
            self._mark(pipelines, back, now)
        self.desk.agenda.adopt(pipelines, back)

    def _save(self, pipelines: Mapping[str, Known], now: float) -> None:
        """Record the pools and the versions that are new."""
        database, agenda = self.desk.database, self.desk.agenda
        wanted = self.desk.catalogue.project.pools

        def save() -> None:
            before = pools.unused(database) if self._pools is None else self._pools
            pools.declare(database, wanted)
            for name in before - wanted.keys():
                pools.drop(database, name, "project")
            for name, known in pipelines.items():
                if not known.stale and agenda.version(name) != known.version:
                    moves.save_version(database, _version(known, now))

        database.write(save)
        self._pools = set(wanted)

    def _mark(self, pipelines: Mapping[str, Known], back: Collection[str], now: float) -> None:
        """Record whose files are gone, or are back: last of all, for who is back is known by it until then."""
        database, gone = self.desk.database, self._gone()

        def mark() -> None:
            for name in back:
                if pipelines[name].plan.catchup != "all":
                    schedules.skip(database, name, times.stored_at(now), now)
            schedules.mark_removed(database, pipelines.keys(), gone, now)

        database.write(mark)

    def _gone(self) -> list[str]:
        """Pipelines that are recorded, and in no file any more."""
        database, catalogue = self.desk.database, self.desk.catalogue
        files = database.read(lambda: schedules.files(database))
        return catalogue.gone(
            {name: os.path.join(catalogue.project.root, file) for name, file in files.items()}
        )


def _version(known: Known, now: float) -> moves.Version:
    plan = known.plan
    return moves.Version(plan.pipeline, plan.file, known.version, known.text, now)
