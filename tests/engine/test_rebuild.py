"""A run that is read back from its rows, at any point, is the run that was in memory."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.engine.simulation import BAD, OK, Simulation, plan, scripted, states, task
from tests.engine.test_step import SCOPE, any_plan
from yamldag.engine.memory.rebuild import StoredInstance, rebuild
from yamldag.engine.memory.run import Run
from yamldag.engine.step.world import Admit, Result
from yamldag.plan.pipeline import Plan
from yamldag.store import moves, views
from yamldag.store.database import Database, open_database
from yamldag.store.rows import NewRun

DAY = "2026-11-20T00:00:00.000000Z"


def new_row(name: str = "r", **more: Any) -> NewRun:
    row = NewRun(name, "p", "v", "manual", "running", DAY, DAY, DAY, None, "{}", None, 1.0, 1.0, 1)
    return row._replace(**more)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    moves.begin_runner(opened, moves.Life("local", "here", 1, "/", 1.0))
    moves.save_version(opened, moves.Version("p", "p.yml", "v", "{}", 1.0))
    moves.create_run(opened, new_row())
    yield opened
    opened.close()


def stores(database: Database, result: Result) -> None:
    assert moves.store(database, result.batches).lost == set()


def stored(database: Database, of: Plan, like: Run) -> Run:
    with views.reading(database.url) as db:
        rows = [StoredInstance._make(row) for row in views.instances(db, like.id)]
    run = Run(like.id, of, owner=1, started=like.started, stop=like.stop, reason=like.reason)
    return rebuild(run, rows, iter(range(10**6, 10**7)))


@dataclass
class Same:
    """What must be equal in a run read back."""

    of: Plan
    database: Database

    def check(self, live: Run) -> None:
        read = stored(self.database, self.of, live)
        assert self.picture(read) == self.picture(live)

    def picture(self, run: Run) -> Any:
        nodes = [
            (node.expanded, node.tally, [self.instance(each) for each in node.instances])
            for node in run.nodes.values()
        ]
        return run.unfinished, run.bad, nodes

    def instance(self, each: Any) -> Any:
        skipped = ("node", "own")
        values = {name: getattr(each, name) for name in each.__slots__ if name not in skipped}
        undecided = each.state == "none"
        return values, each.own if undecided and each.own and each.own != type(each.own)() else None


@pytest.mark.parametrize("number", range(25))
def test_after_every_step_the_rows_say_what_is_in_memory(number: int, database: Database) -> None:
    of, script = any_plan(random.Random(number))
    simulation = Simulation(script=scripted(script), seed=number)
    run = simulation.new_run(of)
    same = Same(of, database)

    def store(result: Result) -> None:
        assert moves.store(database, result.batches).lost == set()
        same.check(run)

    simulation.on_step = store
    simulation.step(Admit(run))
    simulation.finish()
    with views.reading(database.url) as db:
        row = views.one_run(db, "r")
    assert row is not None
    assert row["state"] == run.state


@pytest.mark.parametrize("number", range(25))
def test_a_run_taken_over_at_any_step_ends_as_if_nothing_had_happened(
    number: int, database: Database
) -> None:
    source = random.Random(number)
    of, script = any_plan(source)
    whole = Simulation(script=scripted(script), seed=number)
    wanted = whole.admit(of)
    whole.finish()

    crash = source.randint(1, len(whole.batches))
    first = Simulation(script=scripted(script), seed=number + 1)
    run = first.new_run(of)
    first.on_step = lambda result: stores(database, result)
    first.step(Admit(run))
    for _ in range(crash - 1):
        if first.world.runs:
            first.advance()
    if not first.world.runs:
        return
    second = Simulation(script=scripted(script), seed=number + 2, now=first.now)
    second.ids = second.world.ids = iter(range(10**6, 10**7))
    taken = stored(database, of, run)
    second.on_step = lambda result: stores(database, result)
    second.step(Admit(taken, new=False))
    second.live |= dict(second.world.running)
    second.finish()
    assert states(taken) == states(wanted)
    assert taken.state == wanted.state
    assert (second.world.running, taken.active, taken.unfinished) == ({}, 0, 0)


def test_a_run_that_was_recorded_and_no_more_begins_anew(database: Database) -> None:
    of = plan(task("a"), task("b", "a"))
    simulation = Simulation()
    live = simulation.new_run(of)
    read = stored(database, of, live)
    simulation.on_step = lambda result: stores(database, result)
    simulation.step(Admit(read))
    simulation.finish()
    assert (read.state, states(read)) == ("success", {"a": "success", "b": "success"})


def test_a_late_end_cannot_overwrite_what_someone_else_has_written(database: Database) -> None:
    simulation = Simulation(script=scripted({"a": BAD}))
    run = simulation.new_run(plan(task("a")))
    moves.store(database, simulation.step(Admit(run)).batches)
    database.execute("UPDATE attempt SET state = 'success', ended = 2")
    late = simulation.step(simulation.end(min(simulation.live)))
    assert moves.store(database, late.batches).lost == {"r"}
    with views.reading(database.url) as db:
        assert views.instances(db, "r")[0].state == "running"
        assert views.one_run(db, "r")["state"] == "running"  # type: ignore[index]
        assert [row["event"] for row in views.events(db, "r")] == ["schedule", "queue", "start"]


def test_a_run_that_has_been_taken_over_is_lost_and_the_others_are_stored(database: Database) -> None:
    assert moves.create_run(database, new_row("other"))
    simulation = Simulation()
    runs = [simulation.new_run(plan(task("a")), name) for name in ("r", "other")]
    assert moves.store(database, simulation.step(*map(Admit, runs)).batches).lost == set()
    database.execute(
        "INSERT INTO runner (id, kind, host, pid, executor, started, seen) VALUES (2, 'local', 'there', 2, 'x', 1, 1)"
    )
    database.execute("UPDATE run SET owner = 2 WHERE id = 'r'")
    ends = simulation.step(*(simulation.end(attempt) for attempt in list(simulation.live)))
    assert moves.store(database, ends.batches).lost == {"r"}
    with views.reading(database.url) as db:
        assert {row["id"]: row["state"] for row in views.runs(db)} == {"r": "running", "other": "success"}


def test_a_tick_has_one_run_however_often_it_is_asked_for(database: Database) -> None:
    ticked = {"type": "scheduled", "tick": DAY}
    assert moves.create_run(database, new_row("s1", **ticked))
    assert not moves.create_run(database, new_row("s2", **ticked))
    assert not moves.create_run(database, new_row("r"))
    assert moves.create_run(database, new_row("m2"))


def test_a_queued_run_is_started_by_one_alone(database: Database) -> None:
    moves.create_run(database, new_row("q", version=None, state="queued", started=None, owner=None))
    assert moves.start_run(database, "q", "v", 1, 5.0)
    assert not moves.start_run(database, "q", "v", 1, 6.0)


def test_what_the_database_refuses_otherwise_is_not_taken_for_a_lost_run(database: Database) -> None:
    simulation = Simulation()
    batches = simulation.step(Admit(simulation.new_run(plan(task("a")), "unknown"))).batches
    with pytest.raises(database.error, match=r"(?i)foreign key"):
        moves.store(database, batches)


def test_setups_are_known_again(database: Database) -> None:
    simulation = Simulation(script=lambda instance: OK)
    run = simulation.new_run(SCOPE)
    moves.store(database, simulation.step(Admit(run)).batches)
    moves.store(database, simulation.step(simulation.end(min(simulation.live))).batches)
    Same(SCOPE, database).check(run)


def test_a_run_that_was_being_cancelled_is_stopped_again_by_who_takes_it_over(database: Database) -> None:
    simulation = Simulation()
    run = simulation.new_run(SCOPE)
    stores(database, simulation.step(Admit(run)))
    stores(database, simulation.step(simulation.end(min(simulation.live))))
    stores(database, simulation.stop(run))
    other = Simulation()
    other.ids = other.world.ids = iter(range(10**6, 10**7))
    taken = stored(database, SCOPE, run)
    result = other.step(Admit(taken, new=False))
    assert result.stop == list(other.world.running)
    other.live |= dict(other.world.running)
    other.step(other.end(min(other.live), BAD, "stopped"))
    other.finish()
    assert (taken.state, states(taken)["work"], states(taken)["down"]) == ("cancelled", "failed", "success")
