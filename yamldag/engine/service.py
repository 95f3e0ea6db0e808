"""The scheduler: one loop that turns when a tick comes, a task ends, a retry is due or a file has changed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FrameType

from yamldag.bug import write_log
from yamldag.engine import times
from yamldag.engine.loop.engine import Engine
from yamldag.engine.memory.params import BadParams, resolve
from yamldag.engine.memory.records import new_id
from yamldag.engine.memory.run import Run, build
from yamldag.engine.outside import settle
from yamldag.engine.schedule.agenda import Agenda
from yamldag.engine.schedule.awaiting import Awaiting
from yamldag.engine.schedule.catalogue import Catalogue, Known, last_good
from yamldag.engine.schedule.ticker import LATE, Decision
from yamldag.engine.status import Board, Status
from yamldag.engine.step.world import Admit
from yamldag.engine.takeover.peers import Peers
from yamldag.engine.takeover.stored import stored_run
from yamldag.engine.takeover.unsent import take_over_notices
from yamldag.store import assets, moves, pools, schedules, views
from yamldag.store.rows import NewRun
from yamldag.store.schedules import QueuedRun, StoredPosition

LOOK = 2.0
"""Seconds between two looks at the files, at least."""
EASE = 100
"""How many times as long as a look has taken the pause after it is, at least: many files cost no more than few."""
PORTION = 50
"""Runs that are begun before their tasks are started."""
NEWS = 0.5
"""Seconds between two looks at what other processes have updated, while a pipeline awaits assets."""
GRACE = 10.0
"""Seconds that running tasks get when the scheduler is told to stop; then their runner minds them alone."""


@dataclass(slots=True)
class Service:
    """Of one thread, but for `stop` and `reload`, which signal handlers and other threads may call."""

    engine: Engine
    catalogue: Catalogue
    folder: Path
    """The project's `.yamldag`: runs and logs are there."""
    say: Callable[[str], None]
    peers: Peers | None = None
    """The other schedulers; None: there are none, and nothing is left of any."""
    board: Board = field(init=False)
    agenda: Agenda = field(init=False)
    awaiting: Awaiting = field(init=False)
    stops: int = 0
    """How often it was told to stop."""
    _began: float = field(init=False)
    _pools: dict[str, int] = field(default_factory=dict)
    """Those that the project's file declared when it was last read."""
    _files_at: float = 0.0
    _pause: float = LOOK
    _news_at: float = 0.0
    _told: float = 0.0
    _give_up: float | None = None
    _killed: bool = False
    _late: float = 0.0
    _complained: bool = False
    _gone_plans: dict[str, Known] = field(default_factory=dict)
    _led: bool = False

    def __post_init__(self) -> None:
        now = self._began = self.engine.clock.now()
        self._read_agenda(now)
        self._files_at = now + LOOK
        self.board = Board(self._status(now))

    def _read_agenda(self, now: float) -> None:
        """Know all that one must who leads."""
        peers = self.peers
        self._led = self.leads
        self.agenda = Agenda.read(self.engine.database, now)
        self.engine.called.clear()  # those are read as well
        self.awaiting = Awaiting(self.engine.database)
        if peers is not None:
            self.agenda.since = now - peers.late
            for run, pipeline in peers.elsewhere.items():
                self.agenda.began(pipeline, run)
        for moved in self.engine.world.runs.values():
            self.agenda.began(moved.plan.pipeline, moved.id)
        self._adopt_pipelines(now)

    @property
    def leads(self) -> bool:
        """Whether ticks, queued runs and all else that belongs to no run are this scheduler's to see to."""
        return self.peers is None or self.peers.leads

    # From outside

    def stop(self) -> None:
        """Start nothing more, and end when nothing runs, or after a while; told again: stop what runs."""
        if not self.stops:
            self._told = self.engine.clock.now()
        self.stops += 1
        self.engine.wake()

    def reload(self) -> None:
        """Look at the files now."""
        self._files_at = 0.0
        self.engine.wake()

    def wants_no_more(self) -> bool:
        """Whether a database that is away is not worth waiting for: it was told to stop, and time runs out."""
        return self.stops > 1 or (bool(self.stops) and self.engine.clock.now() - self._told >= GRACE / 2)

    # The loop

    def run(self) -> None:
        """Turn until it was told to stop."""
        self.turn(wait=False)
        while not self._is_over():
            self.turn()

    def turn(self, *, wait: bool = True) -> None:
        """Wait for what comes first, and do all that follows from it."""
        now = self.engine.clock.now()
        now = self._wait(now + self._patience(now) if wait else now)
        self._clear_up()
        if self.stops:
            self._wind_down(now)
        else:
            self._see_peers(now)
            if self.leads:
                self._hear(now)
                self._tick(now)
                self._meet(now)
            self._look(now)
            if self.leads:
                self._start(now)
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
        if self.stops:
            return 0.0 if self._give_up is None else max(0.0, min(self._give_up - now, 1.0))
        if self.leads and self.agenda.hurries:
            return 0.0
        due = self.agenda.due()
        first = self._files_at if due is None or not self.leads else min(due, self._files_at)
        first = min(first, self._news_at) if self.leads and not self.awaiting.idle else first
        wait = max(0.0, min(first - now, LOOK))
        return wait if self.peers is None else min(wait, self.peers.patience(now))

    # The others

    def _see_peers(self, now: float) -> None:
        """Go on for those that are gone, hear of the runs that the others move, and lead if it is our turn."""
        if self.peers is None:
            return
        self.peers.turn(now)
        if self.leads and not self._led:
            self._read_agenda(now)
            self.say("this scheduler leads now")
        for pipeline, run, at in self.peers.ended():
            self.agenda.ended(pipeline, run, at)
            self.engine.news.again()

    # News

    def _hear(self, now: float) -> None:
        """Take in what other processes have written: requests, queued runs, pauses."""
        if not self.engine.fresh:
            return
        self.engine.fresh = False
        for told in settle(self.engine.database, now):
            self.say(told)
        database = self.engine.database
        database.read(lambda: self.agenda.hear(database))
        self._gone_plans = {}
        self._news_at = 0.0

    # Files

    def _look(self, now: float) -> None:
        if now < self._files_at <= now + self._pause:  # later than that: the clock was set back
            return
        begun = time.thread_time()
        self._read_files(now)
        self._pause = max(LOOK, EASE * (time.thread_time() - begun))
        self._files_at = now + self._pause

    def _read_files(self, now: float) -> None:
        take_over_notices(self.engine, self.folder)
        try:
            changed = self.catalogue.refresh()
        except Exception as problem:  # a file that the compiler dies of must not stop what runs
            self._complain(problem)
            return
        self._complained = False
        if changed:
            self._adopt_pipelines(now)

    def _complain(self, problem: Exception) -> None:
        """Once, until it is over."""
        if not self._complained:
            log = write_log("reading files that have changed", problem)
            self.say(f"changed files can't be read; please report this bug in yamldag with its log: {log}")
        self._complained = True

    def _adopt_pipelines(self, now: float) -> None:
        """What the files say now is in force from now on."""
        pipelines, wanted = self.catalogue.pipelines, self.catalogue.project.pools
        gone = self._pools.keys() - wanted.keys()

        def save() -> None:
            pools.declare(self.engine.database, wanted)
            for name in gone:
                pools.drop(self.engine.database, name, "project")
            for name, known in pipelines.items():
                if not known.stale and self.agenda.version(name) != known.version:
                    self._save(known, now)
            schedules.mark_removed(self.engine.database, pipelines.keys(), removed, now)

        if self.leads:
            removed = self._gone()
            self.engine.database.write(save)
            self._pools = wanted
            self.awaiting.adopt(pipelines)
        self.agenda.adopt(pipelines)

    def _gone(self) -> list[str]:
        """Pipelines that are recorded, and in no file any more."""
        database, root = self.engine.database, self.catalogue.project.root
        files = database.read(lambda: schedules.files(database))
        return self.catalogue.gone({name: os.path.join(root, file) for name, file in files.items()})

    def _save(self, known: Known, now: float) -> None:
        plan = known.plan
        version = moves.Version(plan.pipeline, plan.file, known.version, known.text, now)
        moves.save_version(self.engine.database, version)

    # Ticks

    def _tick(self, now: float) -> None:
        """Record the runs of the ticks that have come, with the positions that say so."""
        decisions = self.agenda.decide(now)
        if not decisions:
            return
        database = self.engine.database

        def record() -> list[QueuedRun]:
            made: list[QueuedRun] = []
            for each in decisions:
                made += [row for row in self._rows(each, now) if schedules.queue_run(database, row)]
                decided = times.stored(each.position.decided)
                position = StoredPosition(decided, each.position.rule)
                schedules.set_position(database, each.pipeline, position, now)
            return made

        made = database.write(record)
        self.agenda.decided(decisions, made)
        if made:
            late = now - datetime.fromisoformat(made[-1].logical_date).timestamp()
            self._late = late if late < LATE.total_seconds() else self._late

    def _rows(self, decision: Decision, now: float) -> Iterator[QueuedRun]:
        for tick in decision.ticks:
            date, start, end = map(times.stored, tick)
            name = new_id("scheduled", tick.logical_date)
            yield QueuedRun(name, decision.pipeline, "scheduled", date, start, end, "{}", now)

    def _meet(self, now: float) -> None:
        """Record the runs of the conditions over assets that are met."""
        due = self.engine.updated or not now < self._news_at <= now + NEWS
        if self.awaiting.idle or not due:
            return
        self.engine.updated = False
        self._news_at = now + NEWS
        self.awaiting.read()
        self.agenda.queued(self.awaiting.make_runs(self.agenda.is_full, now))

    # Runs

    def _start(self, now: float) -> None:
        """Start what is queued and finds room, the oldest logical date first."""
        if not self.agenda.names:
            self.agenda.hurries = False
            return
        for row, known in self.agenda.take({**self._elsewhere(), **self.catalogue.pipelines}, PORTION):
            if row.version is None:
                self._begin(row, known, now)
            else:
                self._begin_again(row, row.version, now)

    def _elsewhere(self) -> dict[str, Known]:
        """The newest versions of pipelines that are in no file, for runs that were asked for by hand."""
        names = self.agenda.elsewhere()
        if names != self._gone_plans.keys():
            self._gone_plans = last_good(self.engine.database, self.catalogue.project.root, names)
        return self._gone_plans

    def _begin_again(self, row: QueuedRun, version: str, now: float) -> None:
        """A run of which tasks were cleared goes on by its own plan."""
        engine, database = self.engine, self.engine.database
        owner = engine.runner if self.peers is None else self.peers.choose()
        if not database.write(lambda: moves.start_run(database, row.id, version, owner, now)):
            return
        self.agenda.began(row.pipeline, row.id, row.backfill)
        if self._gave(row, owner):
            return
        with views.reading(database.url) as db:
            stored = views.one_run(db, row.id)
            assert stored is not None
            run, new = stored_run(db, stored, database.url, engine.runner, engine.ids, self.folder)
        engine.tell(Admit(run, new))
        self.say(f"run {run.id} of {run.plan.pipeline} starts again")

    def _gave(self, row: QueuedRun, owner: int) -> bool:
        """Whether another scheduler moves it from now on."""
        if self.peers is None or owner == self.engine.runner:
            return False
        self.peers.gave(row.id, row.pipeline)
        self.say(f"run {row.id} of {row.pipeline} is given to scheduler {owner}")
        return True

    def _refuse(self, row: QueuedRun, bad: BadParams, now: float) -> None:
        database, words = self.engine.database, "; ".join(bad.faults)
        if database.write(lambda: schedules.refuse_run(database, row.id, words, now)):
            self.say(f"run {row.id} of {row.pipeline} failed: {words}")

    def _begin(self, row: QueuedRun, known: Known, now: float) -> None:
        """Fix its plan, and let the engine have it."""
        engine, plan = self.engine, known.plan
        try:
            params = resolve(plan, json.loads(row.params))
        except BadParams as bad:
            self._refuse(row, bad, now)
            return
        owner = engine.runner if self.peers is None else self.peers.choose()

        def fix() -> bool:
            if not moves.start_run(engine.database, row.id, known.version, owner, now):
                return False
            schedules.fix_params(engine.database, row.id, json.dumps(params, ensure_ascii=False))
            return True

        if not engine.database.write(fix):
            return  # somebody has taken or cancelled it meanwhile
        self.agenda.began(row.pipeline, row.id, row.backfill)
        if self._gave(row, owner):
            return
        run = Run(row.id, plan, engine.runner, row.type, *row[3:6], params=params, started=now)
        run.backfill = row.backfill
        run.folder, run.logs = places(self.folder, run.id)
        run.assets = assets.of_run(engine.database, run.id) if row.type == "assets" else []
        engine.tell(Admit(build(run, engine.ids)))
        self.say(f"run {run.id} of {plan.pipeline} started")

    def _clear_up(self) -> None:
        """Take note of the runs that have ended, and of those that tasks have made."""
        if self.leads:
            self.agenda.queued(_queued(each.row) for each in self.engine.called)
        self.engine.called.clear()
        self._news_at = 0.0 if self.engine.over else self._news_at  # there may be room now
        for run in self.engine.over:
            ended = run.ended or 0.0
            self.agenda.ended(run.plan.pipeline, run.id, ended)
            if run.stop or run.backfill:  # clears that had to wait, and what follows in the backfill
                self.engine.news.again()
            why = f": {run.reason}" if run.reason else ""
            self.say(
                f"run {run.id} of {run.plan.pipeline} {run.state.value} in {ended - run.started:.1f} s{why}"
            )
        self.engine.over.clear()
        for name in self.engine.lost:
            self.agenda.lost(name)
            self.say(f"run {name} is moved by another process now")
        self.engine.lost.clear()

    # The end

    def _wind_down(self, now: float) -> None:
        running = list(self.engine.world.running)
        if self._give_up is None:
            self._give_up = now + GRACE
            self.engine.leave()
            if self.peers is not None:
                self.peers.withdraw()
            if running and self.stops == 1:
                tasks = "1 task still runs" if len(running) == 1 else f"{len(running)} tasks still run"
                self.say(f"stopping: {tasks}; a second signal stops what runs")
        if self.stops > 1 and not self._killed:
            self._killed = True
            self._give_up = now + GRACE + 1.0  # the runner kills after its own grace
            self.engine.executor.stop(running)

    def _is_over(self) -> bool:
        """Nothing runs any more, or it has had its time: what goes on is found by the next start."""
        if not self.stops or self._give_up is None:
            return False
        at_work = self.engine.world.running or not self.engine.outbox.idle
        return not at_work or self.engine.clock.now() >= self._give_up

    # What others see

    def _status(self, now: float) -> Status:
        world = self.engine.world
        return Status(
            self._began,
            now,
            self.engine.slots or 0,
            len(world.running),
            self.agenda.waiting,
            max(0.0, self._late),
            bool(self.stops),
            self.catalogue.pipelines,
            self.catalogue.broken,
            self.agenda.snapshot(),
            self.agenda.paused,
            1 if self.peers is None else max(1, len(self.peers.members)),
            self.leads,
            self._pools,
        )


def _queued(row: NewRun) -> QueuedRun:
    dates = (row.logical_date, row.data_interval_start, row.data_interval_end)
    return QueuedRun(row.id, row.pipeline, row.type, *dates, row.params, row.created)


def places(folder: Path, run: str) -> tuple[str, str]:
    """The scratch folder and the folder of logs of a run, absolute."""
    top = folder.absolute()
    return str(top / "runs" / run), str(top / "logs" / run)


@contextmanager
def signals(service: Service) -> Iterator[None]:
    """INT and TERM stop it, HUP makes it look at its files."""

    wanted = {
        signal.SIGINT: service.stop,
        signal.SIGTERM: service.stop,
        signal.SIGHUP: service.reload,
    }

    def heed(number: int, _: FrameType | None) -> None:
        wanted[signal.Signals(number)]()

    before = {number: signal.signal(number, heed) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
