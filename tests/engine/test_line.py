"""Among any number of runs the one whose first is the oldest, or the most urgent, goes first."""

from __future__ import annotations

import heapq
import random

from tests.engine.simulation import plan, task
from yamldag.engine.memory.run import Instance, Node, Ready, Run
from yamldag.engine.step.line import Line


def ready_in(run: Run, chance: random.Random, number: int) -> Ready:
    node = Node(run, task("a"), 0)
    return (-chance.randrange(3), float(chance.randrange(20)), 0, number, Instance(number, node))


def first_of(runs: list[Run], line: set[Run]) -> list[Ready] | None:
    """By a look at all of them."""
    there = [run for run in runs if run in line and run.ready]
    return min(there, key=lambda run: (*run.ready[0][:2], run.logical_date, run.id)).ready if there else None


def test_the_first_is_the_same_as_by_a_look_at_all() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        line, inside = Line(), set[Run]()
        runs = [Run(f"r{n}", plan(), 1, logical_date=str(chance.randrange(3))) for n in range(6)]
        for number in range(120):
            run = chance.choice(runs)
            kind = chance.randrange(4)
            if kind == 0:
                heapq.heappush(run.ready, ready_in(run, chance, number))
                line.add(run)
                inside.add(run)
            elif kind == 1:  # its first is taken
                if run.ready:
                    heapq.heappop(run.ready)
            elif kind == 2:  # it is full, or over
                line.discard(run)
                inside.discard(run)
            elif run.ready:  # it has room again
                line.add(run)
                inside.add(run)
            assert line.first(lambda one: one.ready) is first_of(runs, inside), seed


def test_runs_with_claims_stand_among_the_others() -> None:
    line = Line()
    plain, claiming = Run("a", plan(), 1), Run("b", plan(), 1)
    chance = random.Random(1)
    heapq.heappush(plain.ready, (0, 2.0, 0, 1, ready_in(plain, chance, 1)[-1]))
    entry: Ready = (0, 1.0, 0, 2, ready_in(claiming, chance, 2)[-1])
    claiming.queues["db"] = [entry]
    line.update([plain, claiming])
    assert line.first(lambda run: run.queues["db"]) is claiming.queues["db"]
    assert line.first(lambda run: None) is plain.ready  # no slots: it leaves the line until some are free
    line.add(claiming)
    del claiming.queues["db"]  # its claim is given up
    claiming.ready.append(entry)
    assert line.first(lambda run: run.ready) is claiming.ready


def test_one_that_waits_for_nothing_is_not_in_line() -> None:
    line = Line()
    run = Run("a", plan(), 1)
    heapq.heappush(run.ready, ready_in(run, random.Random(1), 1))
    line.add(run)
    assert line
    run.ready.clear()
    assert line.first(lambda one: one.ready) is None
    assert not line
