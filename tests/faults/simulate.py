"""A whole engine, from a seed: random plans, random ends, crashes at any commit, messages lost, late and twice.

    python -m tests.faults.simulate SEED

goes through one seed again, with its story.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tests.faults.machine import Clock, Crash, Fused, Hands, Machine
from tests.faults.oracle import DONE, Oracle, Row
from tests.faults.plans import POOL, SLOTS, Case, any_case
from yamldag.engine.loop.engine import Engine
from yamldag.engine.memory.records import plan_text, text_hash
from yamldag.engine.memory.run import Instance, Run, build
from yamldag.engine.step.world import Admit, Stop
from yamldag.engine.takeover.lives import Onlooker
from yamldag.engine.takeover.recovery import recover
from yamldag.executors.contract import Start
from yamldag.executors.local import LocalExecutor
from yamldag.plan.pipeline import Plan
from yamldag.plan.state import TaskState
from yamldag.store import moves
from yamldag.store.database import Database, open_database
from yamldag.store.invariants import CROWDED, INVARIANTS, SUCCESS, broken
from yamldag.store.rows import NewRun
from yamldag.store.tables import metadata

DAY = "2026-11-20T00:00:00.000000Z"
TURNS = 3000
CRASHES = 4


class Wrong(AssertionError):  # noqa: N818
    """A promise was broken."""


@dataclass(slots=True)
class Place:
    """A folder and a database, used for one seed after another."""

    folder: Path
    database: Database
    """Of the one who looks on."""

    @classmethod
    def make(cls, folder: Path) -> Place:
        (folder / "executor").mkdir()
        return cls(folder, open_database(f"sqlite:///{folder}/y.db"))

    def open(self) -> Database:
        opened = open_database(self.database.url)
        opened.execute("PRAGMA synchronous=OFF")  # no power is cut here
        return opened

    def clear(self) -> None:
        def empty() -> None:
            for table in reversed(metadata.sorted_tables):
                self.database.execute(f"DELETE FROM {table.name}")
            self.database.put("pool", {"name": POOL, "slots": SLOTS, "source": "project"}, ("name",))

        self.database.write(empty)


@dataclass(slots=True)
class Simulation:
    place: Place
    seed: int
    story: list[str] = field(default_factory=list)
    source: random.Random = field(init=False)
    cases: dict[str, Case] = field(init=False)
    machine: Machine = field(init=False)
    waiting: list[str] = field(init=False)
    engine: Engine | None = None
    opened: Database | None = None
    crashes: int = 0
    stops: int = 0
    slots: int | None = None
    lives: int = 0
    seen: int = -1
    """The version of the database that was last looked at."""
    killed: set[str] = field(default_factory=set)
    """Runs whose teardowns are not waited for."""

    def __post_init__(self) -> None:
        source = self.source = random.Random(self.seed)
        self.cases = {f"r{n}": any_case(source, f"p{n}") for n in range(source.choice([1, 1, 2, 3]))}
        clock = Clock()
        self.machine = Machine(source, clock, lambda run, label, number: self.cases[run].end(label, number))
        self.waiting = list(self.cases)
        self.slots = source.choice([None, 1, 2, 16])
        self.stops = source.choice([0, 0, 0, 1, 2])

    # The course of things

    def run(self) -> None:
        for _ in range(TURNS):
            try:
                self._turn()
            except Crash:
                self._crash()
                continue
            self._check_rows()
            if not self.waiting and not self.ask("SELECT 1 FROM run WHERE state IN ('queued', 'running')"):
                self._check_ends()
                return
        raise Wrong(f"it does not end: {self._rows()}")

    def _turn(self) -> None:
        if self.engine is None:
            self._begin_life()
        elif self.waiting and self.source.random() < 0.5:
            self._begin_run(self.engine, self.waiting[-1])
        elif self.stops and self.engine.world.runs and self.source.random() < 0.1:
            self._stop(self.engine)
        else:
            self.engine.turn(None if self.engine.world.runs else 1.0)

    def _begin_life(self) -> None:
        self.lives += 1
        fuse = self.source.randint(0, 8) if self.crashes < CRASHES and self.source.random() < 0.6 else None
        when = self.source.choice(["before", "during", "after"])
        hands = Hands(self.machine, self.place.folder / "executor", f"x{self.lives}", fuse is not None)
        self.say(f"life {self.lives}, fuse {fuse} {when}")
        hands.on_start = self._check_starts
        life = moves.Life("serve", "here", 1, hands.id, self.machine.clock.now())
        database = cast(Database, Fused(self._open(), fuse, when))
        runner = moves.begin_runner(database, life)
        database.live(runner)
        engine = Engine(database, hands, self.machine.clock, runner, {}, watch=self._tell, slots=self.slots)
        onlooker = Onlooker(self.place.folder / "executor", "here", alone=True)
        recover(engine, cast(LocalExecutor, hands), onlooker)
        self.engine = engine

    def _open(self) -> Database:
        self.close()
        self.opened = self.place.open()
        return self.opened

    def close(self) -> None:
        if self.opened is not None:
            self.opened.close()
            self.opened = None

    def _begin_run(self, engine: Engine, name: str) -> None:
        begin_run(engine, name, self.cases[name].plan, self.place.folder)
        self.waiting.remove(name)

    def _stop(self, engine: Engine) -> None:
        self.stops -= 1
        run = self.source.choice(sorted(engine.world.runs))
        how = self.source.choice(["cancel", "cancel", "kill"])
        self.say(f"{how} {run}")
        if how == "kill":
            self.killed.add(run)
        engine.tell(Stop(run, how))

    def _crash(self) -> None:
        self.crashes += 1
        self.engine = None
        made = {row[0] for row in self.ask("SELECT id FROM run")}
        self.waiting = [name for name in self.cases if name not in made]
        dies = self.source.random() < 0.3
        self.say(f"crash{', with the runner' if dies else ''}")
        if dies:
            self.machine.die()
        self.machine.clock.time += self.source.choice([0.0, 5.0, 100.0])

    def _tell(self, instance: Instance, state: TaskState) -> None:
        self.say(f"{instance.node.run.id} {instance.label} {state} ({instance.attempts})")

    def say(self, line: str) -> None:
        self.story.append(f"{self.machine.clock.now():.1f} {line}")

    def ask(self, query: str) -> list[Any]:
        return list(self.place.database.execute(query).fetchall())

    # What must hold at any moment

    def _check_rows(self) -> None:
        [(version,)] = self.ask("PRAGMA data_version")
        if version == self.seen:
            return  # nobody has written since
        self.seen = version
        for each in broken(self.ask, (*INVARIANTS, CROWDED)):
            raise Wrong(f"{each.invariant.name}: {each.where}")
        if self.engine is None:
            return
        if self.engine.lost:
            raise Wrong(f"the only engine has lost {self.engine.lost}")
        held = set(self.engine.world.running)
        stored = {row[0] for row in self.ask("SELECT id FROM attempt WHERE state = 'running'")}
        if held != stored:
            raise Wrong(f"the engine holds {held}, the rows say {stored} are running")

    def _check_starts(self, batch: Sequence[Start]) -> None:
        """Only what is stored as running starts, within its bounds, and when its rule says run."""
        stored = {row[0]: row[1:] for row in self.ask(
            "SELECT attempt.id, run, task, map_index FROM attempt "
            "JOIN task_instance ON task_instance.id = attempt.instance WHERE attempt.state = 'running'"
        )}  # fmt: skip
        rows = self._rows()
        for start in batch:
            if start.attempt not in stored:
                raise Wrong(f"attempt {start.attempt} starts, and is not stored as running")
            run, task, index = stored[start.attempt]
            oracle = Oracle(self.cases[run].plan, [row for row in rows if row.run == run])
            row = next(row for row in oracle.of(task) if row.index == index)
            if (wanted := oracle.wanted(row)) != "run":
                raise Wrong(f"{run} {task}[{index}] starts where the rules say {wanted}: {oracle.rows}")
        sent = {start.attempt for start in batch}
        running = {body.attempt for body in self.machine.live} | sent
        if self.slots is not None and len(running) > self.slots:
            raise Wrong(f"{len(running)} run at once, of {self.slots} slots")
        held = 0
        for run, case in self.cases.items():
            mine = [each for each in running if stored.get(each, ("", "", 0))[0] == run]
            if len(mine) > case.plan.max_active_tasks:
                raise Wrong(f"{len(mine)} of {run} run at once, of {case.plan.max_active_tasks}")
            for task in case.plan.tasks:
                held += task.pool_slots * sum(stored[each][1] == task.id for each in mine) if task.pool else 0
                most = case.plan.mapped[task.mapped_by].max_active if task.mapped_by else None
                count = sum(stored[each][1] == task.id for each in mine)
                if most is not None and count > most:
                    raise Wrong(f"{count} instances of {run} {task.id} run at once, of {most}")
        if held > SLOTS:
            raise Wrong(f"{held} slots are held of a pool of {SLOTS}")

    # What must hold in the end

    def _rows(self) -> list[Row]:
        return [
            Row(*row)
            for row in self.ask("SELECT id, run, task, map_index, state, attempts FROM task_instance")
        ]

    def _check_ends(self) -> None:
        for each in broken(self.ask, (SUCCESS,)):
            raise Wrong(f"{each.invariant.name}: {each.where}")
        runs = {name: (state, stop) for name, state, stop in self.ask("SELECT id, state, stop FROM run")}
        if runs.keys() != self.cases.keys():
            raise Wrong(f"there are the runs {runs}")
        rows = self._rows()
        for name, (state, stop) in runs.items():
            oracle = Oracle(self.cases[name].plan, [row for row in rows if row.run == name])
            self._check_histories(oracle)
            if stop:
                wanted = "failed" if stop == "timeout" else "cancelled"
                if name not in self.killed:
                    self._check_teardowns(oracle)
            else:
                wanted = oracle.run_state()
                self._check_states(oracle)
            if state != wanted:
                raise Wrong(f"{name} is {state}, the rules say {wanted}")
        self._check_bodies()

    def _check_states(self, oracle: Oracle) -> None:
        for row in oracle.rows:
            task, wanted = oracle.tasks[row.task], oracle.wanted(row)
            fan = oracle.plan.mapped.get(task.mapped_by or "")
            if wanted == "run" and (False in task.when or (fan and not fan.foreach)):
                wanted = "skipped"
            if wanted == "run":
                if row.attempts < 1 or row.state not in ("success", "failed", "skipped"):
                    raise Wrong(f"{row} should have run")
            elif (row.state, row.attempts) != (wanted, 0):
                raise Wrong(f"{row} should be {wanted}")

    def _check_histories(self, oracle: Oracle) -> None:
        """Each instance's attempts lead to its state, with no try too many or too few, and not too soon."""
        for row in oracle.rows:
            task = oracle.tasks[row.task]
            attempts = self.ask(
                "SELECT state, reason, exit_code, started, ended FROM attempt "
                f"WHERE instance = {row.id} ORDER BY number"
            )
            tried = [each for each in attempts if not (each[1] == "lost" and task.on_lost == "retry")]
            if len(tried) > task.retries + 1:
                raise Wrong(f"{row} was tried {len(tried)} times, of {task.retries + 1}: {attempts}")
            if any(state == "success" for state, *_ in attempts[:-1]):
                raise Wrong(f"{row} went on after a success: {attempts}")
            if (
                attempts
                and row.state != attempts[-1][0]
                and not (attempts[-1][0] == "failed" and row.state == "skipped")
            ):
                raise Wrong(f"{row} is not as its last attempt: {attempts}")
            for number, (one, other) in enumerate(itertools.pairwise(attempts), 1):
                if one[1] == "lost" and task.on_lost == "retry":
                    continue
                delay = min(task.retry_delay, task.max_retry_delay)
                if other[3] < one[4] + delay - 1e-6:
                    raise Wrong(f"{row}: attempt {number + 1} came before its delay: {attempts}")

    def _check_teardowns(self, oracle: Oracle) -> None:
        """Of a run that was stopped, but not killed: what was set up is torn down."""
        for row in oracle.rows:
            task = oracle.tasks[row.task]
            setups = [state for setup in task.teardown_of for state in oracle.seen(setup, row)]
            if "success" in setups and row.attempts == 0:
                raise Wrong(f"{row} did not tear down")
        if any(row.state not in DONE for row in oracle.rows):
            raise Wrong(f"unfinished: {oracle.rows}")

    def _check_bodies(self) -> None:
        """What the bodies know of themselves is what the rows say of them."""
        stored = {
            row[0]: row[1:] for row in self.ask("SELECT id, state, exit_code, reason, ended FROM attempt")
        }
        for body in self.machine.bodies.values():
            assert body.ended is not None, f"{body} still runs"
            if body.attempt not in stored:
                raise Wrong(f"{body} is not recorded")
            state, code, reason, ended = stored[body.attempt]
            if (code, reason, ended) != (body.ended.exit, body.ended.reason, body.ended.ended):
                raise Wrong(f"{body} is recorded as {stored[body.attempt]}")
            if code == 0 and state != "success":
                raise Wrong(f"{body} succeeded and is {state}")
        for attempt, (_, _, reason, _) in stored.items():
            if attempt not in self.machine.bodies and reason not in ("refused", "waited", "stopped"):
                raise Wrong(f"attempt {attempt} ended by {reason}, and never began")


def begin_run(engine: Engine, name: str, plan: Plan, folder: Path) -> None:
    """Record a run of that plan, and let the engine move it."""
    now, text = engine.clock.now(), plan_text(plan)
    version = moves.Version(plan.pipeline, "p.yml", text_hash(text), text, now)
    row = NewRun(
        name, plan.pipeline, version.hash, "manual", "running", DAY, DAY, DAY, None, "{}", None, now, now,
        engine.runner,
    )  # fmt: skip

    def record() -> bool:
        moves.save_version(engine.database, version)
        return moves.create_run(engine.database, row)

    if not engine.database.write(record):
        raise Wrong(f"run {name} is there already")
    run = Run(name, plan, engine.runner, "manual", DAY, DAY, DAY, started=now)
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
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Path(folder)


if __name__ == "__main__":
    with memory() as folder:
        print("\n".join(simulate(Place.make(folder), int(sys.argv[1])).story))
