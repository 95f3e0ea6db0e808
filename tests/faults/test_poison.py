"""Rows that somebody or something has spoilt: their run has failed, in words, and everything else goes on."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from tests.e2e.project import Project
from tests.engine.test_peers import Heir
from tests.engine.test_service import Clock
from tests.faults.long import much
from tests.faults.simulate import memory
from tests.faults.test_full_disk import serving
from yamldag.compile.project import find
from yamldag.engine.loop.engine import Engine
from yamldag.engine.schedule.catalogue import Catalogue, last_in_force
from yamldag.engine.service import Service
from yamldag.engine.takeover.lives import Onlooker, new_life
from yamldag.engine.takeover.peers import Peers
from yamldag.executors.contract import Start
from yamldag.executors.local.executor import LocalExecutor
from yamldag.executors.local.recovery import Found
from yamldag.store import moves
from yamldag.store.database import Database, open_database
from yamldag.store.invariants import ALL, broken

PIPELINES = {
    "victim": """\
pipeline: victim
params: {name: {type: string, default: x}}
tasks:
  list: {bash: make}
  each: {bash: "hold {{ item }}", foreach: "{{ tasks.list.output }}", needs: list}
  wait: {wait: {delay: 20s}}
  poll: {wait: {file: nowhere, poke_interval: 5s}, timeout: 30s}
  last: {bash: "{{ params.name | sh }} {{ tasks.list.output | length }}", needs: [each, wait]}
""",
    "other": "pipeline: other\nschedule: {every: 10s}\ntasks:\n  a: {bash: 'true'}\n",
}
COLUMNS = {
    "plan": ("pipeline_version", "plan", "pipeline = 'victim'"),
    "params": ("run", "params", "id = 'r'"),
    "queued params": ("run", "params", "id = 'q'"),
    "only": ("run", "only_tasks", "id = 'r'"),
    "assets": ("run", "assets", "id = 'r'"),
    "item": ("task_instance", "item", "run = 'r' AND map_index = 1"),
    "output": ("output", "value", "1 = 1"),
    "deferral": ("deferral", "spec", "1 = 1"),
    "request": ("request", "detail", "1 = 1"),
    "cached": ("cached", "value", "1 = 1"),
    "position": ("schedule_position", "schedule", "1 = 1"),
    "backfill": ("backfill", "params", "1 = 1"),
}
ASSETS = '[{"asset": "a", "run": "x", "task": "t", "at": "2027-01-15T08:00:00.000000Z"}]'
REQUEST = '{"units": [["each", 0]], "above": false, "below": true, "failed": false}'
VALUES = (
    "",
    "null",
    "[]",
    "{}",
    '"x"',
    "1",
    "true",
    "[1]",
    '{"a": 1}',
    "[" * 5000,
    "NaN",
    "\x00",
    "🦆",
    "{]",
)


class Hands(Heir):
    """Attempts of `hold` go on until they are ended; what another life has started goes on too."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        super().__init__(clock)
        self.automatic = False
        self.folder = folder

    def start(self, batch: Sequence[Start]) -> None:
        super().start(batch)
        for each in batch:
            if each.argv[-1].startswith("make"):
                Path(each.env["YAMLDAG_OUTPUT"]).write_text("[1, 2, 3]")
            if not each.argv[-1].startswith("hold"):
                self.end(each.attempt)

    def stop(self, attempts: Iterable[int], *, kill: bool = False) -> None:
        super().stop([each for each in attempts if each in self.live], kill=kill)

    def recover(self, running: Mapping[int, str], **_: object) -> dict[int, Found]:
        return dict.fromkeys(running, Found("running"))


@dataclass
class Life:
    """A scheduler on that database."""

    root: Path

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.said: list[str] = []
        self.hands = Hands(self.clock, self.root)
        self.database: Database = open_database(f"sqlite:///{self.root}/.yamldag/y.db")
        self.database.execute("PRAGMA synchronous=OFF")
        runner = moves.begin_runner(self.database, new_life("serve", "x", self.clock.now(), "here", 16))
        self.database.live(runner)
        engine = Engine(self.database, self.hands, self.clock, runner, dict(os.environ), slots=16)
        onlooker = Onlooker(self.root / ".yamldag" / "executor", "here", alone=True)
        peers = Peers(engine, cast(LocalExecutor, self.hands), onlooker, self.said.append)
        peers.look()
        catalogue = Catalogue(
            find(str(self.root), None, {}), lambda: last_in_force(self.database, str(self.root))
        )
        self.service = Service(engine, catalogue, self.root / ".yamldag", self.said.append, peers)

    def go(self, seconds: float) -> None:
        until = self.clock.time + seconds
        while self.clock.time < until:
            self.service.turn()

    def ask(self, query: str) -> list[Any]:
        return list(self.database.execute(query))


def _write(folder: Path, statement: str, values: Sequence[Any]) -> None:
    """As another process: a scheduler hears of that."""
    with closing(sqlite3.connect(folder / ".yamldag" / "y.db")) as db:
        db.execute(statement, values)
        db.commit()


@pytest.fixture(scope="module")
def spoilable() -> Iterator[Path]:
    """A project with a run of everything under way."""
    with memory() as folder:
        (folder / "pipelines").mkdir()
        (folder / ".yamldag" / "executor").mkdir(parents=True)
        (folder / "yamldag.yml").write_text("{}\n")
        for name, text in PIPELINES.items():
            (folder / "pipelines" / f"{name}.yml").write_text(text)
        life = Life(folder)
        life.go(1)
        row = (
            "INSERT INTO run (id, pipeline, type, state, logical_date, data_interval_start, data_interval_end, "
            "params, created) VALUES (?, 'victim', 'manual', 'queued', ?, ?, ?, '{\"name\": \"y\"}', 1.0)"
        )
        dates = ("2027-01-15T08:00:00.000000Z",) * 3
        _write(folder, row, ("r", *dates))
        life.go(4)
        assert len(life.hands.live) == 3
        life.database.execute(row, ("q", *dates))
        tasks = json.dumps(["list", "each", "wait", "poll", "last"])
        life.database.execute("UPDATE run SET only_tasks = ?, assets = ? WHERE id = 'r'", (tasks, ASSETS))
        life.database.execute(
            f"INSERT INTO request (run, kind, detail, created) VALUES ('r', 'clear', '{REQUEST}', 1)"
        )
        life.database.execute(
            "INSERT INTO cached (hash, instance, value, created) VALUES ('h', 1, '[1]', 1.0)"
        )
        life.database.execute(
            "INSERT INTO backfill (id, pipeline, first, last, reprocess, max_active, params, created) "
            "VALUES ('b', 'other', ?, ?, 'none', 1, '{}', 1.0)", dates[:2],
        )  # fmt: skip
        life.database.close()
        yield folder


def spoil(source: random.Random, text: str) -> str:
    """Cut off, changed by a letter, or replaced by something that is JSON or not."""
    how = source.randrange(4)
    if how == 0:
        return text[: source.randrange(len(text) + 1)]
    if how == 1:
        at = source.randrange(len(text))
        return text[:at] + source.choice('"{}[],:0x\\ ') + text[at + 1 :]
    if how == 2:
        return source.choice(VALUES)
    try:
        return json.dumps(_changed(source, json.loads(text)))
    except ValueError:
        return "{"


def _changed(source: random.Random, value: Any) -> Any:
    """Something within it is another thing, or is missing."""
    if isinstance(value, dict) and value and source.random() < 0.9:
        name = source.choice(sorted(value))
        if source.random() < 0.2:
            return {key: each for key, each in value.items() if key != name}
        return {**value, name: _changed(source, value[name])}
    if isinstance(value, list) and value and source.random() < 0.9:
        at = source.randrange(len(value))
        return [*value[:at], _changed(source, value[at]), *value[at + 1 :]]
    return source.choice([None, True, 7, -1.5, "x", [], {}, [1], {"x": 1}])


@pytest.mark.parametrize("column", COLUMNS)
def test_what_is_spoilt_ends_its_own_run_alone(
    column: str, spoilable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, name, where = COLUMNS[column]
    state = spoilable / ".yamldag"
    monkeypatch.chdir(spoilable)
    with closing(sqlite3.connect(state / "y.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(state / "y.db", state / "kept.db")
    try:
        for seed in range(much(60, 1000)):
            for old in state.glob("y.db*"):
                old.unlink()
            shutil.copy(state / "kept.db", state / "y.db")
            source = random.Random(f"{column} {seed}")
            with closing(sqlite3.connect(state / "y.db")) as db:
                [text] = db.execute(f"SELECT {name} FROM {table} WHERE {where} LIMIT 1").fetchone()
                spoilt = spoil(source, text)
                db.execute(f"UPDATE {table} SET {name} = ? WHERE {where}", (spoilt,))
                db.commit()
            _goes_on(f"seed {seed}: {spoilt[:300]!r}")
    finally:
        for old in state.glob("y.db*"):
            old.unlink()
        shutil.move(state / "kept.db", state / "y.db")


def _goes_on(words: str) -> None:
    life = Life(Path.cwd())
    try:
        life.go(1)
        for attempt in [row[0] for row in life.ask("SELECT id FROM attempt WHERE state = 'running'")]:
            if attempt not in life.hands.live:
                now = life.clock.now()
                life.hands.live[attempt] = cast(Start, None)
                life.hands.end(attempt)
                assert now
        life.go(40)
        for _ in range(3):
            for attempt in list(life.hands.live):
                life.hands.end(attempt)
            life.go(5)
        states = dict(life.ask("SELECT id, state FROM run WHERE pipeline = 'victim'"))
        assert not {"queued", "running"} & set(states.values()), words
        reasons = [
            row[0]
            for row in life.ask("SELECT reason FROM run WHERE pipeline = 'victim' AND state = 'failed'")
        ]
        assert all(reason is None or "Error" not in reason for reason in reasons), (words, reasons)
        [(others, done)] = life.ask(
            "SELECT count(*), sum(state = 'success') FROM run WHERE pipeline = 'other' AND state <> 'running'"
        )
        assert others == done, words
        assert others >= 4, (words, others)
        found = [f"{each.invariant.name}: {each.where}" for each in broken(life.database.execute, ALL)]
        assert found == [], (words, found)
    except Exception as problem:
        raise AssertionError(words) from problem
    finally:
        life.database.close()


def test_doctor_names_what_can_not_be_read(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("pipelines/p.yml", "pipeline: p\ntasks:\n  a: {bash: 'true'}\n")
    assert project("run", "p").code == 0
    assert project("trigger", "p").code == 0
    with closing(sqlite3.connect(tmp_path / ".yamldag" / "yamldag.db")) as db:
        db.execute("UPDATE run SET params = '{' WHERE state = 'queued'")
        db.execute("UPDATE pipeline_version SET plan = replace(plan, 'true', 'false')")
        db.commit()
        [(name,)] = db.execute("SELECT id FROM run WHERE state = 'queued'")
    answer = project("doctor", "--json")
    assert answer.code == 1
    [found] = [each for each in answer.json["checks"] if each["state"] == "wrong"]
    assert found["name"] == "rows"
    assert "of pipeline p" in found["message"]
    assert f"params of run {name}" in found["message"]


def test_a_file_that_can_not_be_read_stops_nothing_else(tmp_path: Path) -> None:
    """Bytes at random, in a thousand files."""
    project = Project(tmp_path)
    source = random.Random(1)
    project.write("pipelines/good.yml", "pipeline: good\nschedule: '@once'\ntasks:\n  a: {bash: 'true'}\n")
    good = b"pipeline: x\nschedule: {every: 10s}\ntasks:\n  a: {bash: 'true', needs: []}\n"
    for number in range(much(100, 1000)):
        spoilt = bytearray(good)
        for _ in range(source.randint(1, 9)):
            spoilt[source.randrange(len(spoilt))] = source.randrange(256)
        (tmp_path / "pipelines" / f"bad{number}.yml").write_bytes(spoilt)
    with serving(project) as served:
        served.wait_for(lambda: served.ask("SELECT 1 FROM run WHERE pipeline = 'good' AND state = 'success'"))
        (tmp_path / "pipelines" / "bad0.yml").write_bytes(b"\xff\xfe\x00")
        project.write(
            "pipelines/later.yml", "pipeline: later\nschedule: '@once'\ntasks:\n  a: {bash: 'true'}\n"
        )
        served.wait_for(
            lambda: served.ask("SELECT 1 FROM run WHERE pipeline = 'later' AND state = 'success'")
        )
        assert "bug in yamldag" not in served.said
