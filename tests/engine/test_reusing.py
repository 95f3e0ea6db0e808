"""What a `cache` is asked for, and when it is not asked."""

from __future__ import annotations

from pathlib import Path

from tests.engine.simulation import Simulation, plan, states, task
from yamldag.engine.loop.cache import Cache
from yamldag.engine.loop.templates import Templates
from yamldag.engine.memory.run import Instance
from yamldag.engine.step.choice import Wish
from yamldag.engine.step.world import Asked, Reused
from yamldag.plan.pipeline import Cache as Declared
from yamldag.store.database import open_database


class Full:
    """It has an output for everything."""

    def key(self, instance: Instance) -> str:
        return "k"

    def find(self, instance: Instance, key: str, now: float) -> Reused | None:
        return Reused(7, "an earlier one")


def test_a_task_that_was_cleared_makes_its_output_anew_whatever_is_kept() -> None:
    simulation = Simulation()
    simulation.world.cache = Full()
    run = simulation.admit(plan(task("a", cache=Declared("k")), task("b")))
    [a, _] = run.instances
    assert (a.state, a.attempts, a.output) == ("success", 0, 7)
    simulation.step(Asked(1, "r", "clear", Wish((("a", None),))))
    assert (states(run)["a"], a.attempts) == ("running", 1)
    simulation.finish()
    assert (a.attempts, a.output) == (1, None)


def test_two_tasks_that_do_the_same_have_outputs_of_their_own(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/y.db")
    cache = Cache(database, Templates({}))
    simulation = Simulation()
    dates = dict.fromkeys(
        ("logical_date", "data_interval_start", "data_interval_end"), "2026-01-01T00:00:00Z"
    )
    run = simulation.admit(plan(task("a", cache=Declared("k")), task("b", cache=Declared("k"))), **dates)
    first, second = (cache.key(each) for each in run.instances)
    assert first != second
    other = simulation.admit(plan(task("a", cache=Declared("k"))), "another run", **dates)
    assert [cache.key(each) for each in other.instances] == [first]
    database.close()
