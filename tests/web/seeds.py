"""A project of many pipelines and runs, written straight into the store: a night's work in a second.

Everything follows from the numbers, so that two seeds of one size are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from yamldag.compile.project import find
from yamldag.engine import times
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.schedule.known import Known
from yamldag.engine.status import Board, Status
from yamldag.plan.state import Event
from yamldag.store import moves
from yamldag.store.database import Database, open_database

NOW = 1_800_000_000.0
HOUR = 3600.0
FAILED = 7
"""Every so manieth run fails, at its last task."""


@dataclass
class Seeded:
    """A project, its database, and a scheduler's status as if one were at work."""

    root: Path
    url: str
    catalogue: Catalogue
    board: Board

    @property
    def folder(self) -> Path:
        return self.root / ".yamldag"

    def edit(self, name: str, text: str) -> None:
        """The file of a pipeline says something else from now on."""
        (self.root / "pipelines" / f"{name}.yml").write_text(text)
        self.catalogue = Catalogue(find(str(self.root), None, {}))
        self.board.status = replace(self.board.status, pipelines=self.catalogue.pipelines)

    def runs(self, pipeline: int = 0) -> list[str]:
        with_id = f"p{pipeline:03}-%"
        database = open_database(self.url)
        try:
            rows = database.execute("SELECT id FROM run WHERE id LIKE ? ORDER BY created", (with_id,))
            return [name for (name,) in rows]
        finally:
            database.close()


def seed(
    root: Path, pipelines: int = 3, runs: int = 5, tasks: int = 3, url: str | None = None, keys: str = ""
) -> Seeded:
    """`pipelines` × `runs` × `tasks`, of which the newest run of the first pipeline goes on, and one task in it.
    `keys`: more that the second task of each says, as `pool: crm`."""
    (root / "pipelines").mkdir(parents=True, exist_ok=True)
    for number in range(pipelines):
        (root / "pipelines" / f"p{number:03}.yml").write_text(_file(number, tasks, keys))
    (root / ".yamldag" / "logs").mkdir(parents=True, exist_ok=True)
    log = root / ".yamldag" / "logs" / "seed.log"
    log.write_text("connecting\n\x1b[31mERROR: no such table: orders\x1b[0m\n")
    catalogue = Catalogue(find(str(root), None, {}))
    url = url or f"sqlite:///{root}/.yamldag/yamldag.db"
    database = open_database(url)
    try:
        life = moves.begin_runner(database, moves.Life("serve", "here", 1, "x", NOW))
        for known in catalogue.pipelines.values():
            moves.save_version(
                database, moves.Version(known.plan.pipeline, known.plan.file, known.version, known.text, NOW)
            )
        database.write(lambda: _fill(database, catalogue, runs, life, str(log)))
    finally:
        database.close()
    status = Status(NOW - 100, NOW - 1, 16, running=1)
    coming = {name: NOW + 60 + number for number, name in enumerate(catalogue.pipelines)}
    board = Board(replace(status, pipelines=catalogue.pipelines, broken=catalogue.broken, next=coming))
    return Seeded(root, url, catalogue, board)


def _file(number: int, tasks: int, keys: str) -> str:
    chain = "\n".join(
        f"  t{task}: {{bash: 'true'"
        + (f", needs: t{task - 1}" if task else "")
        + (f", {keys}" if keys and task == 1 else "")
        + "}"
        for task in range(tasks)
    )
    return f'pipeline: p{number:03}\ndescription: Number {number}.\nschedule: "@hourly"\nowner: team-{number % 5}\ntasks:\n{chain}\n'


def _fill(database: Database, catalogue: Catalogue, runs: int, life: int, log: str) -> None:
    rows: dict[str, list[tuple[Any, ...]]] = {"run": [], "task_instance": [], "attempt": [], "event": []}
    number = 0
    for place, known in enumerate(catalogue.pipelines.values()):
        for at in range(runs):
            for table, row in _run(known, place, at, runs, life, log, number):
                rows[table].append(row)
            number += len(known.plan.tasks)
    for table, those in rows.items():
        columns, marks = _COLUMNS[table], ", ".join("?" for _ in _COLUMNS[table].split(","))
        database.many(f"INSERT INTO {table} ({columns}) VALUES ({marks})", those)


_COLUMNS = {
    "run": "id, pipeline, version, type, state, logical_date, data_interval_start, data_interval_end, tick, params, "
    "created, started, ended, owner",
    "task_instance": "id, run, task, map_index, state, attempts, tries, attempt, ready, started, ended, reason",
    "attempt": "id, instance, number, state, runner, started, ended, exit_code, reason, message, log",
    "event": "run, instance, attempt, event, state, at",
}


def _run(
    known: Known, place: int, at: int, runs: int, life: int, log: str, number: int
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    name = f"p{place:03}-{at:05}"
    began = NOW - (runs - at) * HOUR
    going = place == 0 and at == runs - 1
    bad = not going and (place * 3 + at) % FAILED == FAILED - 1
    state = "running" if going else "failed" if bad else "success"
    date = times.stored_at(began)
    tasks = list(known.plan.tasks)
    ended = None if going else began + 30.0 * len(tasks) + place % 7
    version = known.version
    yield "run", (
        name, known.plan.pipeline, version, "scheduled", state, date, date, date, date, "{}", began, began, ended, life,
    )  # fmt: skip
    for order, task in enumerate(tasks):
        last = order == len(tasks) - 1
        was = ("running" if last else "success") if going else "failed" if bad and last else "success"
        one = number + order + 1
        start, end = began + 30.0 * order, None if was == "running" else began + 30.0 * (order + 1)
        reason = "exit code 1" if was == "failed" else None
        yield "task_instance", (one, name, task.id, -1, was, 1, 1, one, start, start, end, reason)
        code = None if end is None else int(was == "failed")
        yield "attempt", (one, one, 1, was, life, start, end, code, "exit" if code else None, reason, log)
        event = {"running": Event.START, "success": Event.SUCCEED, "failed": Event.FAIL}[was]
        yield "event", (name, one, one, event.value, was, end or start)
