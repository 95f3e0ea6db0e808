"""A whole engine, or several, from a seed: random plans, random ends, crashes at any commit, messages lost, late and
twice, clears, hangs.

    python -m tests.faults.simulate SEED

goes through one seed again, with its story.
"""

from __future__ import annotations

import gc
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from sqlalchemy.pool import SingletonThreadPool

from tests.faults.machine import Clock, Crash, Fused, Hands, Machine
from tests.faults.plans import POOL, SLOTS, Case, any_case
from tests.faults.promises import Promises, Wrong
from yamldag.engine.loop.engine import Engine
from yamldag.engine.memory.building import build
from yamldag.engine.memory.newer import Newer
from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.outside import clear, renew, settle
from yamldag.engine.step.choice import Wish
from yamldag.engine.step.world import Admit, Stop
from yamldag.engine.takeover.lives import BEATS, Onlooker
from yamldag.engine.takeover.recovery import admit, recover
from yamldag.engine.takeover.unsent import take_over_notices
from yamldag.executors.local import places
from yamldag.executors.local.executor import LocalExecutor
from yamldag.plan.pipeline import Plan, text_hash, to_text
from yamldag.plan.state import TaskState
from yamldag.store import address, moves
from yamldag.store.database import Database, Fenced, open_database
from yamldag.store.rows import NewRun
from yamldag.store.tables import metadata

DAY = "2026-11-20T00:00:00.000000Z"
TURNS = 4000
CRASHES = 4
LEASE = 5.0
NOBODY = 2**22 + 1
"""No process has this number."""


@dataclass(slots=True)
class Place:
    """A folder and a database, used for one seed after another."""

    folder: Path
    database: Database
    """Of the one who looks on."""
    spare: list[Database] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path) -> Place:
        (folder / "executor").mkdir()
        place = cls(folder, open_database(f"sqlite:///{folder}/y.db"))
        place.hasten(place.database)
        engine = address.reading(place.database.url)
        engine.pool = SingletonThreadPool(engine.pool._creator)  # nobody forks here
        return place

    def hasten(self, database: Database) -> None:
        database.execute("PRAGMA synchronous=OFF")  # no power is cut here

    def open(self) -> Database:
        """For a life of an engine: a connection that another one has left, if there is any."""
        if self.spare:
            return Database(self.database.url, self.spare.pop()._driver)
        opened = open_database(self.database.url)
        self.hasten(opened)
        return opened

    def clear(self) -> None:
        def empty() -> None:
            for table in metadata.tables:
                self.database.execute(f"DELETE FROM {table}")
            self.database.put("pool", {"name": POOL, "slots": SLOTS, "source": "project"}, ("name",))

        self.database.execute("PRAGMA foreign_keys=OFF")  # else each row is looked up
        self.database.write(empty)
        self.database.execute("PRAGMA foreign_keys=ON")
        for left in (self.folder / "executor").iterdir():
            left.unlink()


@dataclass(slots=True)
class Life:
    """Of one engine."""

    engine: Engine
    hands: Hands
    onlooker: Onlooker
    lock: int
    beat: float
    looked: float
    hangs_until: float = 0.0


@dataclass(slots=True)
class Simulation:
    place: Place
    seed: int
    story: list[str] = field(default_factory=list)
    source: random.Random = field(init=False)
    cases: dict[str, Case] = field(init=False)
    machine: Machine = field(init=False)
    promises: Promises = field(init=False)
    several: int = 1
    """Engines on the database."""
    lives: list[Life] = field(default_factory=list)
    opened: list[Database] = field(default_factory=list)
    born: int = 0
    crashes: int = 0
    stops: int = 0
    clears: int = 0
    slots: int | None = None
    seen: Counter[str] = field(default_factory=Counter)
    """How often something has happened that few seeds bring about."""
    known: dict[str, list[Any]] = field(default_factory=dict)
    """What the database has answered since it was last written to."""

    def __post_init__(self) -> None:
        source = self.source = random.Random(self.seed)
        names = [f"r{n}" for n in range(source.choice([1, 1, 2, 3]))]
        if len(names) > 1 and source.random() < 0.5:  # of one pipeline, one day after the other
            one = any_case(source, "p0")
            self.cases = dict.fromkeys(names, one)
        else:
            self.cases = {name: any_case(source, f"p{n}") for n, name in enumerate(names)}
        self.machine = Machine(source, Clock(), lambda run, label, number: self.cases[run].end(label, number))
        self.slots = source.choice([None, 1, 2, 16])
        self.stops = source.choice([0, 0, 0, 1, 2])
        self.clears = source.choice([0, 0, 0, 1, 2])
        self.several = source.choice([1, 1, 1, 2, 3])
        self.machine.stride = 40.0 if self.several == 1 else 1.5
        self._record(source.random() < 0.5)
        self.promises = Promises(self.ask, self.machine, self.cases, self.slots, self.seen)

    def _record(self, backfill: bool) -> None:
        """The runs that are to be, some as parts of a backfill."""
        database, now = self.place.database, self.machine.clock.now()

        def record() -> None:
            for number, (name, case) in enumerate(self.cases.items()):
                date = self._date(name)
                moves.save_version(database, version_of(case.plan, now))
                type_ = "backfill" if backfill and number else "manual"
                moves.create_run(database, row_of(name, case.plan, date, now)._replace(type=type_))
            if backfill:
                database.execute(
                    "INSERT INTO backfill (id, pipeline, first, last, reprocess, max_active, params, created) "
                    "VALUES ('b', 'p0', ?, ?, 'none', 2, '{}', ?)", (DAY, DAY, now),
                )  # fmt: skip
                database.execute("UPDATE run SET backfill = 'b' WHERE type = 'backfill'")

        database.write(record)
        self.known.clear()

    # The course of things

    def run(self) -> None:
        for _ in range(TURNS):
            self._turn()
            if self.source.random() < 0.1:
                self.promises.check_rows()
            if self._is_over():
                if self.clears and self.source.random() < 0.5:
                    self._clear()
                    continue
                self.promises.check_rows()
                self.promises.check_ends()
                return
        raise Wrong(f"it does not end: {self.promises.rows()}")

    def _is_over(self) -> bool:
        return not self.ask(
            "SELECT 1 FROM run WHERE state IN ('queued', 'running') UNION ALL "
            "SELECT 1 FROM notification WHERE state = 'waiting' UNION ALL SELECT 1 FROM request WHERE done IS NULL"
        )

    def _turn(self) -> None:
        now = self.machine.clock.now()
        if len(self.lives) < self.several and (not self.lives or self.source.random() < 0.3):
            self._begin_life()
            return
        awake = [life for life in self.lives if life.hangs_until <= now]
        if not awake:
            self.machine.clock.time = min(life.hangs_until for life in self.lives)
            return
        late = [life for life in awake if now - life.beat > LEASE / BEATS]
        life = self.source.choice(late or awake)
        try:
            self._act(life)
            self.promises.check_engine(life.engine)
        except Crash:
            self._crash(life)
        except Fenced:
            self._leave(life)

    def _act(self, life: Life) -> None:
        dice, engine = self.source.random(), life.engine
        if self.several > 1:
            self._see_others(life)
        if dice < 0.5 and (
            queued := self.ask("SELECT id, version FROM run WHERE state = 'queued' ORDER BY id DESC")
        ):
            self._begin_run(life, *queued[0])
        elif self.stops and engine.world.runs and dice > 0.9:
            self._stop(engine)
        elif self.clears and dice > 0.85:
            self._clear()
        elif len(self.lives) > 1 and 0.6 < dice < 0.62:
            life.hangs_until = self.machine.clock.now() + self.source.choice([LEASE, 4 * LEASE, 20 * LEASE])
            self.say(f"{life.hands.id} hangs until {life.hangs_until:.1f}")
        else:
            self._let_time_go_by(life)
            engine.turn(None if engine.world.runs and self.several == 1 else 1.0)
            self._renew(engine)
            if any(run.stop or run.backfill for run in engine.over):
                engine.news.again()
            engine.over.clear()
            if engine.fresh:
                engine.fresh = False
                settle(engine.database, self.machine.clock.now())

    def _renew(self, engine: Engine) -> None:
        """As the service does."""
        for each in engine.renewals:
            try:
                renew(engine.database, each.run.id, engine.runner, each.request, self.machine.clock.now())
            except moves.Lost:
                engine.lost.add(each.run.id)
            else:
                self.seen["renewals"] += 1
                self.say(f"{each.run.id} goes on by a newer plan")
                engine.news.again()
        engine.renewals.clear()

    def _let_time_go_by(self, life: Life) -> None:
        """While nothing runs there is nothing to see until something is due."""
        now, due = self.machine.clock.now(), life.engine.world.due()
        if due is not None and due > now and not self.machine.is_busy:
            spent = (due - now) * self.source.choice([0.5, 1.0, 1.0])
            self.machine.clock.time += min(spent, self.machine.stride)

    def _see_others(self, life: Life) -> None:
        """What the service does between turns, by the clock of the simulation."""
        now, engine = self.machine.clock.now(), life.engine
        if now - life.beat >= LEASE / BEATS:
            life.beat = now
            engine.database.write(lambda: None)
        if now - life.looked >= LEASE / 2:
            life.looked = now
            if found := recover(engine, cast(LocalExecutor, life.hands), life.onlooker):
                self.seen["takeovers"] += 1
                self.say(f"{life.hands.id} goes on with {found}")
            take_over_notices(engine, self.place.folder)
        mine = self.ask(f"SELECT id FROM run WHERE owner = {engine.runner} AND state = 'running'")
        if {name for (name,) in mine} - engine.world.runs.keys():
            admit(engine, cast(LocalExecutor, life.hands), life.onlooker)

    def _begin_life(self) -> None:
        self.born += 1
        fuse = self.source.randint(0, 8) if self.crashes < CRASHES and self.source.random() < 0.6 else None
        when = self.source.choice(["before", "during", "after"])
        folder, name, now = self.place.folder / "executor", f"x{self.born}", self.machine.clock.now()
        hands = Hands(self.machine, folder, name, fuse is not None)
        self.say(f"life {name}, fuse {fuse} {when}")
        hands.on_start = partial(self.promises.check_starts, name)
        alone = self.several == 1
        lock = -1 if alone else places.lock_owner(folder, name)
        self.machine.alive.add(name)
        database = cast(Database, Fused(self._open(), fuse, when, self.known.clear))
        onlooker = Onlooker(folder, "here", LEASE, alone, elapsed=self.machine.clock.now)
        boot = "here" if alone else "elsewhere"
        try:
            runner = moves.begin_runner(
                database, moves.Life("serve", "here", NOBODY, name, now, boot, self.slots)
            )
            database.live(runner)
            engine = Engine(
                database, hands, self.machine.clock, runner, {}, watch=self._tell, slots=self.slots
            )
            life = Life(engine, hands, onlooker, lock, now, now)
            self.lives.append(life)
            recover(engine, cast(LocalExecutor, hands), onlooker)
            take_over_notices(engine, self.place.folder)
        except Crash:
            if self.lives and self.lives[-1].hands is hands:
                self._crash(self.lives[-1])
            else:
                self._die(hands, lock)

    def _open(self) -> Database:
        self.opened.append(self.place.open())
        return self.opened[-1]

    def close(self) -> None:
        for life in self.lives:
            if life.lock >= 0:
                os.close(life.lock)
        self.place.spare += self.opened

    def _begin_run(self, life: Life, name: str, version: str | None) -> None:
        """As the leader does: it is given to one of them, if it is not begun here."""
        engine, now = life.engine, self.machine.clock.now()
        owner = self.source.choice(self.lives).engine.runner
        mark = version or version_of(self.cases[name].plan, now).hash
        if not engine.database.write(lambda: moves.start_run(engine.database, name, mark, owner, now)):
            raise Wrong(f"run {name} waits, and can't be begun")
        self.say(f"{name} is given to {owner}")
        if owner == engine.runner and version is None:
            admit_new(engine, name, self.cases[name].plan, self.place.folder, self._date(name))
            engine.turn(0.0)  # before it looks which runs are given to it
        elif owner == engine.runner and not admit(engine, cast(LocalExecutor, life.hands), life.onlooker):
            raise Wrong(f"run {name} can't be read")

    def _date(self, name: str) -> str:
        return f"2026-11-{20 + list(self.cases).index(name)}T00:00:00.000000Z"

    def _stop(self, engine: Engine) -> None:
        self.stops -= 1
        run = self.source.choice(sorted(engine.world.runs))
        how = self.source.choice(["cancel", "cancel", "kill"])
        self.say(f"{how} {run}")
        if how == "kill":
            self.promises.killed.add(run)
        engine.tell(Stop(run, how))

    def _clear(self) -> None:
        """As a command does."""
        self.clears -= 1
        run = self.source.choice(list(self.cases))
        tasks = [task.id for task in self.cases[run].plan.tasks]
        units = tuple((task, None) for task in self.source.sample(tasks, self.source.randint(0, 1)))
        wish = Wish(units, failed=self.source.random() < 0.3)
        newer = self._newer(run) if self.source.random() < 0.4 else None
        done = clear(self.place.database, run, wish, self.machine.clock.now(), newer)
        self.known.clear()
        self.promises.clear(run, [task for task, _ in units] or tasks, wish, done, newer)
        self.seen["clears"] += 1
        self.say(f"clear {units or 'all'} of {run}{' by a newer plan' if newer else ''}: {done}")

    def _newer(self, run: str) -> Newer:
        """What the file says by now is recorded first."""
        plan, database = self.cases[run].newer, self.place.database
        version = version_of(plan, self.machine.clock.now())
        database.write(lambda: moves.save_version(database, version))
        return Newer(plan, version.hash)

    def _crash(self, life: Life) -> None:
        self.lives.remove(life)
        self._die(life.hands, life.lock)

    def _die(self, hands: Hands, lock: int) -> None:
        self.crashes += 1
        self.machine.alive.discard(hands.id)
        if lock >= 0:
            os.close(lock)
        dies = self.source.random() < 0.3
        self.say(f"{hands.id} crashes{', with the runner' if dies else ''}")
        if dies:
            self.machine.die(hands.id)
        self.machine.clock.time += min(self.source.choice([0.0, 5.0, 100.0]), self.machine.stride)

    def _leave(self, life: Life) -> None:
        """It was taken for dead."""
        if not life.hangs_until:
            raise Wrong(f"{life.hands.id} was fenced, and never hung")
        self.seen["fenced"] += 1
        self.say(f"{life.hands.id} is fenced")
        self.lives.remove(life)
        self.machine.alive.discard(life.hands.id)
        self.machine.die(life.hands.id)
        os.close(life.lock)

    def _tell(self, instance: Instance, state: TaskState) -> None:
        self.say(f"{instance.node.run.id} {instance.label} {state} ({instance.attempts})")

    def say(self, line: str) -> None:
        self.story.append(f"{self.machine.clock.now():.1f} {line}")

    def ask(self, query: str) -> list[Any]:
        """Asked of the database once, until somebody writes."""
        if query not in self.known:
            self.known[query] = list(self.place.database.execute(query).fetchall())
        return list(self.known[query])


def version_of(plan: Plan, now: float) -> moves.Version:
    text = to_text(plan)
    return moves.Version(plan.pipeline, "p.yml", text_hash(text), text, now)


def row_of(name: str, plan: Plan, date: str, now: float) -> NewRun:
    """Of a run that waits."""
    return NewRun(
        name, plan.pipeline, None, "manual", "queued", date, date, date, None, "{}", None, now, None, None
    )  # fmt: skip


def begin_run(engine: Engine, name: str, plan: Plan, folder: Path) -> None:
    """Record a run of that plan, and let the engine move it."""
    now = engine.clock.now()
    version = version_of(plan, now)
    row = row_of(name, plan, DAY, now)._replace(
        version=version.hash, state="running", started=now, owner=engine.runner
    )

    def record() -> bool:
        moves.save_version(engine.database, version)
        return moves.create_run(engine.database, row)

    assert engine.database.write(record)
    admit_new(engine, name, plan, folder, DAY)


def admit_new(engine: Engine, name: str, plan: Plan, folder: Path, date: str) -> None:
    """As the service does with a run that it begins."""
    run = Run(name, plan, engine.runner, "manual", date, date, date, started=engine.clock.now())
    run.folder, run.logs = (str(folder / kind / name) for kind in ("runs", "logs"))
    engine.tell(Admit(build(run, engine.ids)))


def simulate(place: Place, seed: int) -> Simulation:
    """Raises Wrong, with the seed that replays it."""
    place.clear()
    simulation = Simulation(place, seed)
    try:
        simulation.run()
    except Exception as problem:
        told = "\n  ".join(simulation.story[-60:])
        raise Wrong(
            f"seed {seed}: {problem}\n  {told}\n  again: python -m tests.faults.simulate {seed}"
        ) from problem
    finally:
        simulation.close()
    return simulation


@contextmanager
def memory() -> Iterator[Path]:
    """A folder that is not on a disk, where there is such a place."""
    shared = "/dev/shm"
    gc.freeze()  # what is loaded is not looked through again for each few seeds
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Path(folder)
    gc.unfreeze()


if __name__ == "__main__":
    with memory() as folder:
        print("\n".join(simulate(Place.make(folder), int(sys.argv[1])).story))
