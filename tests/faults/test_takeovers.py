"""What an heir makes of attempts whose engine, or whose runner, is gone: one engine after another on one database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.engine.simulation import plan, task
from tests.faults.machine import Clock, Hands, Machine
from tests.faults.simulate import NOBODY, Place, begin_run
from yamldag.engine.loop.engine import Engine
from yamldag.engine.step.attempts import LOSSES
from yamldag.engine.takeover.lives import Onlooker
from yamldag.engine.takeover.recovery import recover
from yamldag.executors.local.executor import LocalExecutor
from yamldag.store import moves

LEASE = 20.0
ONE = plan(task("a", params={"script": "true"}, folder="/"))


class Lives:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.machine = Machine(random.Random(1), Clock(), lambda run, label, number: "ok")

    def begin(self, name: str, boot: str) -> tuple[Engine, Hands]:
        hands = Hands(self.machine, self.place.folder / "executor", name)
        self.machine.alive.add(name)
        database, now = self.place.open(), self.machine.clock.now()
        runner = moves.begin_runner(database, moves.Life("serve", "here", NOBODY, name, now, boot, 4))
        database.live(runner)
        return Engine(database, cast(LocalExecutor, hands), self.machine.clock, runner, {}), hands

    def heir(
        self, engine: Engine, hands: Hands, *, alone: bool = False, onlooker: Onlooker | None = None
    ) -> None:
        folder = self.place.folder / "executor"
        onlooker = onlooker or Onlooker(folder, "here", LEASE, alone, elapsed=self.machine.clock.now)
        recover(engine, cast(LocalExecutor, hands), onlooker)

    def attempts(self) -> list[tuple[str, str | None]]:
        rows = self.place.database.execute("SELECT state, reason FROM attempt ORDER BY number").fetchall()
        return [(state, reason) for state, reason in rows]


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    place = Place.make(tmp_path)
    yield Lives(place)
    place.database.close()


def test_a_task_that_takes_its_runner_with_it_each_time_is_given_up_whoever_looks(lives: Lives) -> None:
    """Each loss was seen by another engine: they are counted by what is stored."""
    engine, hands = lives.begin("x0", "here")
    begin_run(engine, "r", ONE, lives.place.folder)
    engine.turn(0.0)
    for number in range(1, LOSSES + 1):
        assert lives.attempts() == [*[("failed", "lost")] * (number - 1), ("running", None)]
        lives.machine.alive.discard(hands.id)
        lives.machine.die(hands.id)
        engine.database.close()
        engine, hands = lives.begin(f"x{number}", "here")
        lives.heir(engine, hands, alone=True)
    engine.database.close()
    assert lives.attempts() == [("failed", "lost")] * LOSSES
    [row] = lives.place.database.execute("SELECT state FROM run").fetchall()
    assert row == ("failed",)


def test_what_one_that_hangs_still_watches_is_given_up_and_runs_again(lives: Lives) -> None:
    hung, _ = lives.begin("x0", "elsewhere")
    begin_run(hung, "r", ONE, lives.place.folder)
    hung.turn(0.0)
    engine, hands = lives.begin("x1", "here")
    onlooker = Onlooker(lives.place.folder / "executor", "here", LEASE, elapsed=lives.machine.clock.now)
    lives.heir(engine, hands, onlooker=onlooker)
    assert lives.attempts() == [("running", None)], "it was not silent yet"
    lives.machine.clock.time += 4 * LEASE
    lives.heir(engine, hands, onlooker=onlooker)
    engine.turn(0.0)
    assert lives.attempts()[0] == ("failed", "lost")
    assert len(lives.attempts()) == 2
    for each in (hung, engine):
        each.database.close()
