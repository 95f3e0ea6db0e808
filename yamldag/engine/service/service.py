"""One loop that turns when a tick comes, a task ends, a retry is due or a file has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from yamldag.engine.loop.engine import Engine
from yamldag.engine.memory.run import Run
from yamldag.engine.outside import settle
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.service import heartbeat
from yamldag.engine.service.desk import Desk
from yamldag.engine.service.farewell import Farewell
from yamldag.engine.service.files import Files
from yamldag.engine.service.heartbeat import Heartbeat
from yamldag.engine.service.looks import LOOK
from yamldag.engine.service.renewing import renew_all
from yamldag.engine.service.starts import Starts
from yamldag.engine.service.ticks import Ticks
from yamldag.engine.status import Board, Status
from yamldag.engine.takeover.peers import Peers
from yamldag.store.rows import NewRun
from yamldag.store.schedules import QueuedRun


class Service:
    """Of one thread, but for `stop` and `reload`, which signal handlers and other threads may call."""

    def __init__(
        self,
        engine: Engine,
        catalogue: Catalogue,
        folder: Path,
        say: Callable[[str], None],
        peers: Peers | None = None,
    ) -> None:
        """`folder` is the project's `.yamldag`; without `peers` no other scheduler was ever there."""
        self.engine, self.folder, self.say = engine, folder, say
        self.ended: Callable[[str], None] = lambda _: None
        """Told of each run that has ended."""
        self.desk = Desk(engine, catalogue, folder, say, peers)
        self.files, self.ticks = Files.of(self.desk), Ticks(self.desk)
        self.starts, self.farewell = Starts(self.desk), Farewell(self.desk)
        self.heartbeat = Heartbeat(say, heartbeat.request)
        now = self._began = engine.clock.now()
        self._take_up(now)
        self.files.looks.at = now + LOOK
        self.board = Board(self._status(now))

    def _take_up(self, now: float) -> None:
        self._led = self.leads
        self.desk.read(now)
        self.files.adopt(now)

    @property
    def catalogue(self) -> Catalogue:
        """The pipelines in force."""
        return self.desk.catalogue

    @property
    def leads(self) -> bool:
        """Whether ticks, queued runs and all else that belongs to no run are this scheduler's to see to."""
        return self.desk.leads

    # From outside

    def stop(self) -> None:
        """Start nothing more, and end when nothing runs, or after a while; told again: stop what runs."""
        self.farewell.tell()
        self.engine.wake()

    def reload(self) -> None:
        """Look at the files now."""
        self.files.looks.at = 0.0
        self.engine.wake()

    def wants_no_more(self) -> bool:
        """Whether a database that is away is not worth waiting for."""
        return self.farewell.hurries

    # The loop

    def run(self) -> None:
        """Turn until it was told to stop."""
        self.turn(wait=False)
        while not self.farewell.over:
            self.turn()

    def turn(self, *, wait: bool = True) -> None:
        """Wait for what comes first, and do all that follows from it."""
        now = self.engine.clock.now()
        now = self._wait(now + self._patience(now) if wait else now)
        renew_all(self.desk, now)
        self._clear_up()
        if self.farewell.stops:
            self.farewell.wind_down()
        else:
            self._see_peers(now)
            if self.leads:
                self._hear(now)
                self.ticks.see(now)
            else:
                self._look_on(now)
            self.files.look(now)
            if self.leads:
                self.starts.start(now)
                self.heartbeat.beat(lambda: heartbeat.of(self.catalogue.project, self.desk.database), now)
        self.board.status = self._status(now)

    def _wait(self, until: float) -> float:
        """Let the engine turn until something has happened, or that moment has come; the time then."""
        before = self.engine.clock.now()
        while not self.engine.turn(max(0.0, until - before)):
            now = self.engine.clock.now()
            if not before <= now < until:  # also if the clock was set back
                return now
            before = now
        return self.engine.clock.now()

    def _patience(self, now: float) -> float:
        if self.farewell.stops:
            return self.farewell.patience()
        if self.leads and self.desk.agenda.hurries:
            return 0.0
        due = self.ticks.due if self.leads else None
        first = self.files.looks.at if due is None else min(due, self.files.looks.at)
        wait = max(0.0, min(first - now, LOOK))
        return wait if self.desk.peers is None else min(wait, self.desk.peers.patience(now))

    def _see_peers(self, now: float) -> None:
        """Go on for those that are gone, hear of the runs that the others move, and lead if it is our turn."""
        peers = self.desk.peers
        if peers is None:
            return
        peers.turn(now)
        if self.leads and not self._led:
            self._take_up(now)
            self.say("this scheduler leads now")
        for pipeline, run, at in peers.ended():
            self.desk.agenda.ended(pipeline, run, at)
            self.engine.news.again()
        for run in peers.renewed():
            self.desk.agenda.lost(run)
            self.engine.news.again()

    def _hear(self, now: float) -> None:
        """Take in what other processes have written: requests, queued runs, pauses."""
        if not self.engine.fresh:
            return
        self.engine.fresh = False
        for told in settle(self.engine.database, now):
            self.say(told)
        database = self.engine.database
        database.read(lambda: self.desk.agenda.hear(database))
        self.starts.forget()
        self.ticks.expect_news()

    def _look_on(self, now: float) -> None:
        """What the one that leads does, for whoever looks at the pages of this one."""
        database, agenda = self.engine.database, self.desk.agenda
        if self.engine.fresh:
            self.engine.fresh = False
            database.read(lambda: agenda.overhear(database, now))
        agenda.foresee(now)

    def _clear_up(self) -> None:
        """Take note of the runs that have ended, and of those that tasks have made."""
        engine, agenda = self.engine, self.desk.agenda
        if self.leads:
            agenda.queued(_queued(each.row) for each in engine.called)
        engine.called.clear()
        if engine.over:
            self.ticks.expect_news()  # there may be room now
            if self.leads and agenda.waiting:
                engine.hear()  # who takes that room is decided among all that were asked for before
        for run in engine.over:
            self.ended(run.id)
            self._note_end(run)
        engine.over.clear()
        for name in engine.lost:
            agenda.lost(name)
            self.say(f"run {name} is moved by another process now")
        engine.lost.clear()
        for name, words in engine.given_up.items():
            agenda.lost(name)
            self.say(f"run {name} failed: {words}")
        engine.given_up.clear()

    def _note_end(self, run: Run) -> None:
        ended = run.ended or 0.0
        self.desk.agenda.ended(run.plan.pipeline, run.id, ended)
        if run.stop or run.backfill:  # clears that had to wait, and what follows in the backfill
            self.engine.news.again()
        why = f": {run.reason}" if run.reason else ""
        took = ended - run.started
        self.say(f"run {run.id} of {run.plan.pipeline} {run.state.value} in {took:.1f} s{why}")

    # What others see

    def _status(self, now: float) -> Status:
        agenda, peers = self.desk.agenda, self.desk.peers
        return Status(
            self._began,
            now,
            self.engine.slots or 0,
            len(self.engine.world.running),
            agenda.waiting,
            max(0.0, self.ticks.late),
            bool(self.farewell.stops),
            self.catalogue.pipelines,
            self.catalogue.broken,
            agenda.snapshot(),
            agenda.paused,
            1 if peers is None else max(1, len(peers.members)),
            self.leads,
            self.catalogue.project.pools,
            self.engine.steps,
            self.engine.starts,
            self.engine.database.spent,
            self.catalogue.project,
        )


def _queued(row: NewRun) -> QueuedRun:
    dates = (row.logical_date, row.data_interval_start, row.data_interval_end)
    return QueuedRun(row.id, row.pipeline, row.type, *dates, row.params, row.created)
