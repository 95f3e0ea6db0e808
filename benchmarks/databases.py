"""`python -m benchmarks.databases [URL …]`: what it costs to record 1,000 tasks, on each kind of database.

The engine with an executor whose tasks end at once: no process is started, so all that is left is to decide and to
record.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import inputs
from yamldag.compile.load import compile_files
from yamldag.compile.project import find
from yamldag.engine.clock import MachineClock
from yamldag.engine.loop.engine import Engine
from yamldag.engine.memory.building import build
from yamldag.engine.memory.run import Run
from yamldag.engine.step.world import Admit
from yamldag.executors.contract import Ended, Start
from yamldag.plan.pipeline import Plan, text_hash, to_text
from yamldag.store import moves
from yamldag.store.database import Database, open_database
from yamldag.store.rows import NewRun

TASKS, SLOTS, ROUNDS = 1_000, 8, 5
DAY = "2026-11-20T00:00:00.000000Z"


class AtOnce:
    """Every attempt has ended when it is asked for."""

    def __init__(self) -> None:
        self._ends: list[Ended] = []

    def start(self, batch: Sequence[Start]) -> None:
        now = time.time()
        self._ends += [Ended(each.attempt, 0, "exit", now, now) for each in batch]

    def receive(self, _timeout: float | None) -> list[Ended]:
        found, self._ends = self._ends, []
        return found

    def stop(self, attempts: Iterable[int], *, kill: bool = False) -> None:
        pass

    def acknowledge(self, attempts: Iterable[int]) -> None:
        pass

    def wake(self) -> None:
        pass

    def close(self) -> None:
        pass


class Timed:
    """Seconds spent in the database's transactions, and how many they were."""

    def __init__(self, database: Database) -> None:
        self.spent, self.number = 0.0, 0
        self._write = database.write
        database.write = self  # type: ignore[method-assign]

    def __call__(self, work: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        try:
            return self._write(work)
        finally:
            self.spent += time.perf_counter() - begun
            self.number += 1


def once(url: str, plan: Plan, folder: Path) -> tuple[float, int]:
    """(seconds in the database, transactions) of one run."""
    database = open_database(url)
    now = time.time()
    runner = moves.begin_runner(database, moves.Life("local", "bench", os.getpid(), "none", now))
    database.live(runner)
    text = to_text(plan)
    name = f"bench-{runner}-{now}"
    row = NewRun(
        name, plan.pipeline, text_hash(text), "manual", "running", DAY, DAY, DAY, None, "{}", None, now, now, runner
    )  # fmt: skip

    def record() -> None:
        moves.save_version(database, moves.Version(plan.pipeline, plan.file, text_hash(text), text, now))
        moves.create_run(database, row)

    database.write(record)
    engine = Engine(database, AtOnce(), MachineClock(), runner, {}, slots=SLOTS)
    run = Run(name, plan, runner, "manual", DAY, DAY, DAY, started=now)
    run.folder, run.logs = str(folder / "runs" / name), str(folder / "logs" / name)
    os.makedirs(run.folder)
    timed = Timed(database)
    engine.tell(Admit(build(run, engine.ids)))
    engine.work(lambda: bool(engine.over))
    assert run.state.value == "success", run.state
    database.close()
    return timed.spent, timed.number


def compiled(folder: Path, graph: inputs.Graph) -> Plan:
    file = folder / "bench.yml"
    file.write_text(inputs.as_pipeline(graph, SLOTS))
    found = compile_files(find(str(folder), None, {}), [str(file)], lints=False)
    plan = found.units[0].plan()
    assert plan is not None
    return plan


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    urls = sys.argv[1:] or [f"sqlite:///{folder}/bench.db"]
    shapes = {
        f"{TASKS:,} without edges": inputs.independent(TASKS),
        f"{TASKS:,} in layers of 50": inputs.layers(TASKS, 50),
        "a chain of 100": inputs.chain(100),
    }
    sys.stdout.write(
        "| tasks | database | seconds in it | transactions | ms per transaction |\n|---|---|---|---|---|\n"
    )
    try:
        for what, graph in shapes.items():
            plan = compiled(folder, graph)
            taken: dict[str, list[tuple[float, int]]] = {url: [] for url in urls}
            for round_ in range(ROUNDS + 1):
                for url in urls:
                    sample = once(url, plan, folder)
                    if round_:
                        taken[url].append(sample)
            for url, samples in taken.items():
                spent, number = statistics.median(each[0] for each in samples), samples[0][1]
                kind = url.partition(":")[0]
                sys.stdout.write(
                    f"| {what} | {kind} | {spent:.3f} | {number} | {spent / number * 1000:.2f} |\n"
                )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
