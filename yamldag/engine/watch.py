"""What a server of pages knows that schedules nothing itself: the files, what comes next, and who is at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from yamldag.engine.loop.news import News
from yamldag.engine.schedule.agenda import Agenda
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.service.looks import Looks
from yamldag.engine.status import Board, Status
from yamldag.store import lives
from yamldag.store.database import Away, Database, Patience

LOOK = 2.0
"""Seconds between two looks at the schedulers."""


class Watch:
    """Of one thread, but for `stop` and `reload`, which signal handlers and other threads may call."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        lease: float,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`lease`: seconds without a sign after which a scheduler is no longer at work. Raises Away."""
        self.database, self.catalogue, self.lease = database, catalogue, lease
        self.clock = clock
        self._over = threading.Event()
        database.wait_by(Patience(None, say, self._over.is_set))
        self._looks, self._news = Looks(catalogue, say), News(database)
        now = self._began = self.clock()
        self._agenda = database.read(lambda: Agenda.read(database, now))
        self._agenda.adopt(catalogue.pipelines)
        self._members: list[lives.Member] = []
        self._running, self._look_at = 0, 0.0
        self.board = Board(self._seen(now))

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def reload(self) -> None:
        """Look at the files now."""
        self._looks.at = 0.0

    def run(self) -> None:
        """Look on until it was told to stop."""
        while not self._over.wait(self._news.wait(self.clock())):
            try:
                self.turn()
            except Away:  # told to stop, it waits no longer
                return

    def turn(self) -> None:
        """See what has changed."""
        now = self.clock()
        if self._looks.are_due(now) and self._looks.look(now):
            self._agenda.adopt(self.catalogue.pipelines)
        if self._news.look(now):
            self.database.read(lambda: self._agenda.overhear(self.database, now))
        self.board.status = self._seen(now)

    def _seen(self, now: float) -> Status:
        if not now < self._look_at <= now + LOOK:  # later than that: the clock was set back
            self._look_at = now + LOOK
            self.database.read(self._look_around)
        self._agenda.foresee(now)
        project = self.catalogue.project
        return Status(
            self._began,
            now,
            slots=sum(each.slots or 0 for each in self._members),
            running=self._running,
            queued=self._agenda.waiting,
            pipelines=self.catalogue.pipelines,
            broken=self.catalogue.broken,
            next=self._agenda.snapshot(),
            paused=self._agenda.paused,
            schedulers=len(self._members),
            leads=False,
            pools=project.pools,
            project=project,
            apart=True,
        )

    def _look_around(self) -> None:
        self._members = lives.members(self.database, self.lease)
        self._running = len(lives.all_running_attempts(self.database))
