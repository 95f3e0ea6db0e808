"""Looks at the project's files now and then: what they say is in force from then on."""

from __future__ import annotations

import os

from msgspec import Struct, field

from yamldag.engine.schedule.known import Known
from yamldag.engine.service.desk import Desk
from yamldag.engine.service.looks import Looks
from yamldag.engine.takeover.unsent import take_over_notices
from yamldag.store import moves, pools, schedules


class Files(Struct):
    desk: Desk
    looks: Looks
    _pools: dict[str, int] = field(default_factory=dict)
    """Those that the project's file declared when it was last read."""

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
        database, agenda = self.desk.database, self.desk.agenda
        pipelines, wanted = self.desk.catalogue.pipelines, self.desk.catalogue.project.pools
        gone = self._pools.keys() - wanted.keys()

        def save() -> None:
            pools.declare(database, wanted)
            for name in gone:
                pools.drop(database, name, "project")
            for name, known in pipelines.items():
                if not known.stale and agenda.version(name) != known.version:
                    self._save(known, now)
            schedules.mark_removed(database, pipelines.keys(), removed, now)

        if self.desk.leads:
            removed = self._gone()
            database.write(save)
            self._pools = wanted
            self.desk.awaiting.adopt(pipelines)
        agenda.adopt(pipelines)

    def _gone(self) -> list[str]:
        """Pipelines that are recorded, and in no file any more."""
        database, catalogue = self.desk.database, self.desk.catalogue
        files = database.read(lambda: schedules.files(database))
        return catalogue.gone(
            {name: os.path.join(catalogue.project.root, file) for name, file in files.items()}
        )

    def _save(self, known: Known, now: float) -> None:
        plan = known.plan
        version = moves.Version(plan.pipeline, plan.file, known.version, known.text, now)
        moves.save_version(self.desk.database, version)
