"""Attempts that wait without a worker, through the pure step: a fake clock, looks that find what the test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.engine.simulation import OK, Simulation, each, plan, states, task, with_output
from yamldag.engine.memory.deferral import CALL, ERRAND, FILE, RUN, TIME, Deferral, from_text, to_text
from yamldag.engine.memory.rebuild import StoredInstance, rebuild
from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.step.errands import Errand, Returned
from yamldag.engine.step.world import Admit, Called, Looked, Prepared, Result
from yamldag.operators.contract import Attempt, Outcome
from yamldag.plan.pipeline import Plan, Task
from yamldag.store.rows import NewRun

Wait = Callable[[Instance], Deferral]


@dataclass
class Waiting(Simulation):
    """Tasks whose id is in `waits` are deferred."""

    waits: dict[str, Wait] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.world.errand = self._errand

    def _prepare(self, instance: Instance) -> Prepared:
        wait = self.waits.get(instance.node.task.id)
        return Prepared("log", wait(instance)) if wait else super()._prepare(instance)

    def _errand(self, instance: Instance) -> Errand:
        place = Attempt("r", "a", 1, None, "/", "/", "/", "o", "r", "l", "s")
        return Errand(next(self.ids), "python", {}, {}, {}, place, None, owner=instance)

    def at(self, moment: float) -> Result:
        self.now = moment
        return self.step()


def until(at: float, end: float | None = None, **more: Any) -> Wait:
    return lambda instance: Deferral(TIME, instance.started or 0.0, end, at=at, **more)


def look(what: str, end: float | None = None, **more: Any) -> Wait:
    return lambda instance: Deferral(what, instance.started or 0.0, end, **more)


def only(run: Run) -> Instance:
    (instance,) = run.instances
    return instance


def test_a_time_is_met_when_it_comes_and_not_before() -> None:
    simulation = Waiting(waits={"a": until(1050)})
    run = simulation.admit(plan(task("a"), task("b", "a")))
    assert (states(run), simulation.world.running, simulation.world.due()) == (
        {"a": "deferred", "b": "none"},
        {},
        1050,
    )
    simulation.at(1049)
    assert states(run)["a"] == "deferred"
    simulation.at(1050)
    assert states(run) == {"a": "success", "b": "running"}
    instance = run.nodes["a"].instances[0]
    assert (instance.started, instance.ended, instance.attempts) == (1000, 1050, 1)
    simulation.finish()
    assert simulation.world.deferred == {}


def test_what_waits_leaves_its_room_to_others_and_keeps_its_place_in_its_mapping() -> None:
    simulation = Waiting(waits={"a": until(1050)}, slots=1)
    of = plan(
        task("a", mapped_by="a"),
        task("b"),
        max_active_tasks=1,
        mapped={"a": each(1, 2, 3, max_active=2)},
    )
    run = simulation.admit(of)
    assert states(run) == {"a[0]": "deferred", "a[1]": "deferred", "a[2]": "scheduled", "b": "running"}
    simulation.at(1050)
    assert [run.nodes["a"].instances[n].state for n in range(3)] == ["success", "success", "scheduled"]
    simulation.waits["a"] = until(1060)
    simulation.finish()
    assert run.state == "success"


@pytest.mark.parametrize(
    ("soft", "retries", "wanted"),
    [(False, 0, "failed"), (False, 1, "up_for_retry"), (True, 1, "skipped")],
)
def test_its_time_is_over(soft: bool, retries: int, wanted: str) -> None:
    simulation = Waiting(waits={"a": look(FILE, 1005, path="/x", soft_fail=soft)})
    run = simulation.admit(plan(task("a", retries=retries)))
    simulation.at(1005)
    assert (only(run).state, only(run).reason) == (wanted, "timed out after 5s")
    assert simulation.world.deferred == {}


def test_looks_come_at_once_and_then_together() -> None:
    simulation = Waiting(waits={"a": look(FILE, path="/x", poke=60.0)})
    run = simulation.admit(plan(task("a", mapped_by="a"), mapped={"a": each(*range(5))}))
    found = simulation.step()
    assert sorted(found.looks) == sorted(each.attempt or 0 for each in run.instances)
    assert simulation.world.due() == 1060
    simulation.at(1059.9)
    assert len(simulation.at(1060).looks) == 5


def test_what_was_found_ends_the_attempt_once() -> None:
    simulation = Waiting(waits={"a": look(FILE, path="/x")})
    run = simulation.admit(plan(task("a")))
    attempt = only(run).attempt
    assert attempt is not None
    found = simulation.step(Looked(attempt, OK), Looked(attempt, OK))
    assert run.state == "success"
    assert len(found.batches["r"].deferral_ends) == len(found.batches["r"].attempt_ends) == 1
    assert simulation.step(Looked(attempt, OK)).batches == {}


def returned(result: Result, outcome: Outcome, reason: str = "exit") -> Returned:
    (errand,) = result.errands
    return Returned(errand, outcome, reason, 0.0, 0.0)


def test_an_errand_looks_again_until_it_finds_something() -> None:
    simulation = Waiting(waits={"a": look(ERRAND, poke=10.0)})
    run = simulation.admit(plan(task("a")))
    first = simulation.step()
    assert simulation.at(1100).errands == []  # one at a time
    simulation.step(returned(first, with_output(False)))
    second = simulation.at(1110)
    simulation.step(returned(second, with_output([])), returned(first, with_output(True)))
    third = simulation.at(1120)
    assert only(run).state == "deferred"
    simulation.step(returned(third, with_output("there")))
    assert (only(run).state, only(run).output) == ("success", None)


@pytest.mark.parametrize("reason", ["lost", "stopped", "timeout"])
def test_a_look_that_came_to_nothing_is_made_again(reason: str) -> None:
    simulation = Waiting(waits={"a": look(ERRAND, poke=10.0)})
    run = simulation.admit(plan(task("a")))
    simulation.step(returned(simulation.step(), Outcome("failed", "gone"), reason))
    assert only(run).state == "deferred"
    assert len(simulation.at(1010).errands) == 1


@pytest.mark.parametrize("how", ["cancel", "kill", "lost"])
def test_a_stop_ends_it_at_once_and_recalls_its_errand(how: str) -> None:
    simulation = Waiting(waits={"a": look(ERRAND)})
    run = simulation.admit(plan(task("a"), task("b", "a")))
    (errand,) = simulation.step().errands
    found = simulation.stop(run, how)
    assert found.recall == [errand.id]
    assert states(run) == {"a": "failed", "b": "skipped"}
    assert run.state == ("failed" if how == "lost" else "cancelled")
    assert simulation.step(returned(Result({}, [], [], [], [], [], errands=[errand]), OK)).batches == {}


def test_a_run_or_a_task_of_one_that_ends_well_is_looked_at_in_the_same_step() -> None:
    date = "2026-01-01T00:00:00.000000Z"
    simulation = Waiting(
        waits={
            "task": look(RUN, pipeline="p", date=date, task="x"),
            "whole": look(RUN, pipeline="p", date=date),
            "other": look(RUN, pipeline="p", date="2026-01-02T00:00:00.000000Z"),
        }
    )
    waiting = simulation.admit(Plan("w", tasks=(task("task"), task("whole"), task("other"))), "w")
    simulation.step()  # the first looks
    simulation.admit(plan(task("x"), task("y", "x")), "p", logical_date=date)

    def looked(result: Result) -> set[str]:
        return {simulation.world.deferred[attempt].label for attempt in result.looks}

    found = []
    while simulation.live:
        found.append(looked(simulation.step(*(simulation.end(one) for one in list(simulation.live)))))
    assert found == [{"task"}, {"whole"}]
    simulation.stop(waiting)
    assert simulation.world.awaited == {}


def calling(simulation: Waiting, of: Plan) -> Wait:
    def call(instance: Instance) -> Deferral:
        return Deferral(CALL, instance.started or 0.0, run="callee")

    return call


def test_the_end_of_a_called_run_is_looked_at_and_its_run_ends_with_its_caller() -> None:
    simulation = Waiting()
    simulation.waits["a"] = calling(simulation, plan(task("x")))
    run = simulation.admit(plan(task("a")))
    callee = simulation.admit(plan(task("x")), "callee")
    simulation.step()
    simulation.stop(run)
    assert (only(run).state, run.state) == ("failed", "cancelled")
    assert callee.stop == "cancel"
    simulation.step(simulation.end(next(iter(simulation.live)), reason="stopped"))
    assert simulation.world.runs == {}
    assert simulation.world.called == {}


def test_a_called_run_that_is_moved_elsewhere_is_asked_to_end() -> None:
    simulation = Waiting()
    simulation.waits["a"] = calling(simulation, plan())
    run = simulation.admit(plan(task("a")))
    found = simulation.stop(run)
    assert [each.run for each in found.batches["r"].uncalled] == ["callee"]


def test_a_called_run_is_stored_with_the_attempt_that_waits() -> None:
    row = NewRun("callee", "p", None, "pipeline", "queued", "", "", "", None, "{}", None, 1.0, None, None, 3)

    class Calling(Waiting):
        def _prepare(self, instance: Instance) -> Prepared:
            waits = Deferral(CALL, instance.started or 0.0, run=row.id)
            return Prepared("log", waits, Called(row, plan(), "r"))

    simulation = Calling()
    simulation.admit(plan(task("a")))
    (batches,) = simulation.batches
    assert batches["r"].called == [row]
    assert [each.state for each in batches["r"].new_attempts] == ["deferred"]
    assert len(batches["r"].deferrals) == 1


def test_a_teardown_that_waits_is_not_stopped_with_its_run() -> None:
    simulation = Waiting(waits={"down": until(1050), "work": until(1090)})
    run = simulation.admit(
        plan(task("up", setup=True), task("work", "up"), task("down", "up", teardown_of=("up",)))
    )
    simulation.step(simulation.end(next(iter(simulation.live))))
    simulation.stop(run)
    assert states(run) == {"up": "success", "work": "failed", "down": "deferred"}
    simulation.at(1050)
    assert (states(run)["down"], run.state) == ("success", "cancelled")


def test_waiting_goes_on_from_its_rows() -> None:
    before = Waiting(waits={"a": look(FILE, 1060, path="/x", poke=5.0, soft_fail=True)})
    run = before.admit(plan(task("a")))
    (row,) = before.batches[0]["r"].deferrals
    instance = only(run)
    stored = StoredInstance(
        instance.id, "a", -1, None, "deferred", 1, 1, instance.attempt, None, None, 1000, None, None, None
    )
    after = Waiting(now=1030.0)
    again = rebuild(
        Run("r", plan(task("a")), owner=2, started=1000),
        [stored],
        after.ids,
        [(row.instance, row.spec, row.since, row.until)],
    )
    assert list(after.step(Admit(again, new=False)).looks) == [instance.attempt]
    after.at(1060)
    assert (only(again).state, only(again).reason, only(again).started) == (
        "skipped",
        "timed out after 1m",
        1000,
    )


@pytest.mark.parametrize(
    "deferral",
    [
        Deferral(TIME, 1.0, None, at=5.5),
        Deferral(FILE, 1.0, 9.0, path="/a/ü*.csv", poke=0.5, soft_fail=True),
        Deferral(RUN, 1.0, pipeline="p", task="g.t", date="2026-01-01T00:00:00.000000Z"),
        Deferral(CALL, 1.0, run="r"),
        Deferral(ERRAND, 1.0),
    ],
)
def test_what_is_waited_for_survives_storing(deferral: Deferral) -> None:
    again = from_text(to_text(deferral), deferral.since, deferral.until)
    names = [name for name in Deferral.__struct_fields__ if name not in ("next", "errand")]
    assert [getattr(again, name) for name in names] == [getattr(deferral, name) for name in names]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_ends_when_every_run_ends_and_nothing_is_left_behind(seed: int) -> None:
    simulation = Waiting(seed=seed, slots=2)
    dice = simulation.random

    def wait(instance: Instance) -> Deferral:
        return until(simulation.now + dice.randint(0, 9), simulation.now + dice.randint(1, 9))(instance)

    def of() -> Plan:
        names = "abcdef"
        tasks: list[Task] = []
        for number, name in enumerate(names):
            parents = dice.sample(names[:number], min(number, dice.randint(0, 2)))
            tasks.append(task(name, *parents, retries=dice.randint(0, 2), retry_delay=1.0))
        return plan(*tasks, max_active_tasks=dice.randint(1, 3))

    for name in "ace":
        simulation.waits[name] = wait
    runs = [simulation.admit(of(), f"r{number}") for number in range(3)]
    if seed % 2:
        simulation.stop(runs[0])
    simulation.finish()
    world = simulation.world
    assert (world.deferred, world.awaited, world.called, world.running) == ({}, {}, {}, {})
    assert [run.active for run in runs] == [0, 0, 0]
    begun = sum(len(batch.deferrals) for batches in simulation.batches for batch in batches.values())
    ended = sum(len(batch.deferral_ends) for batches in simulation.batches for batch in batches.values())
    assert begun == ended > 0
