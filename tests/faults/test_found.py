"""What the simulation has found, each as its smallest case."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.project import Project
from tests.engine.simulation import FATAL, OK, Simulation, each, plan, run_to_end, scripted, states, task


def test_a_chain_that_waits_for_every_chain_keeps_no_place() -> None:
    """`mid` waits for each item's `a`, and each item's `b` for `mid`: with one chain at a time nothing moved."""
    of = plan(
        task("a", mapped_by="g"),
        task("mid", "a"),
        task("b", "mid", mapped_by="g"),
        mapped={"g": each(1, 2, max_active=1)},
    )
    run = run_to_end(of)
    assert (run.state, set(states(run).values())) == ("success", {"success"})


def test_an_empty_list_skips_a_task_of_a_group_only_once_its_own_rule_says_run() -> None:
    """Else its state hung on whether its parent outside or the list came first."""
    of = plan(task("out"), task("a", mapped_by="g"), task("b", "out", mapped_by="g"), mapped={"g": each()})
    assert states(run_to_end(of, {"out": FATAL})) == {"out": "failed", "a": "skipped", "b": "upstream_failed"}
    assert states(run_to_end(of)) == {"out": "success", "a": "skipped", "b": "skipped"}


def stopped_during_its_setup(end: str) -> dict[str, str]:
    of = plan(task("up", setup=True), task("work", "up"), task("down", "up", "work", teardown_of=("up",)))
    simulation = Simulation(script=scripted({"up": OK if end == "success" else FATAL}))
    run = simulation.admit(of)
    simulation.stop(run)
    simulation.finish()
    assert run.state == "cancelled"
    return states(run)


def test_a_setup_that_succeeds_although_it_was_asked_to_stop_is_torn_down() -> None:
    assert stopped_during_its_setup("success") == {"up": "success", "work": "skipped", "down": "success"}


def test_a_setup_that_was_stopped_has_nothing_to_tear_down() -> None:
    assert stopped_during_its_setup("failed") == {"up": "failed", "work": "skipped", "down": "skipped"}


def test_a_wait_that_is_over_in_the_step_in_which_it_begins_goes_on(tmp_path: Path) -> None:
    """It had waited for its pool for longer than its delay: the step took away a row that it had not made yet, so
    nothing of it was stored, and the engine took the run for someone else's."""
    project = Project(tmp_path)
    project.write("yamldag.yml", "pools: {one: 1}\n")
    tasks = {
        "busy": {"bash": "sleep 0.3", "pool": "one", "priority": 1},
        "wait": {"wait": "0.1s", "pool": "one"},
    }
    assert project.run({"tasks": tasks}).states == {"busy": "success", "wait": "success"}
