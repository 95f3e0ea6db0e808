"""What the parts of a scheduler work on together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from yamldag.engine.loop.engine import Engine
from yamldag.engine.schedule.agenda import Agenda
from yamldag.engine.schedule.awaiting import Awaiting
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.takeover.peers import Peers
from yamldag.store.database import Database


@dataclass(slots=True)
class Desk:
    engine: Engine
    catalogue: Catalogue
    folder: Path
    """The project's `.yamldag`: runs and logs are there."""
    say: Callable[[str], None]
    peers: Peers | None
    """The other schedulers; None: there are none, and nothing is left of any."""
    agenda: Agenda = field(init=False)
    awaiting: Awaiting = field(init=False)

    @property
    def database(self) -> Database:
        return self.engine.database

    @property
    def leads(self) -> bool:
        """Whether ticks, queued runs and all else that belongs to no run are this scheduler's to see to."""
        return self.peers is None or self.peers.leads

    def read(self, now: float) -> None:
        """Know all that one must who leads."""
        self.agenda = Agenda.read(self.database, now)
        self.engine.called.clear()  # those are read as well
        self.awaiting = Awaiting(self.database)
        if self.peers is not None:
            self.agenda.since = now - self.peers.late
            for run, pipeline in self.peers.elsewhere.items():
                self.agenda.began(pipeline, run)
        for moved in self.engine.world.runs.values():
            self.agenda.began(moved.plan.pipeline, moved.id)
