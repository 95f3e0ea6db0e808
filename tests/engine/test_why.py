"""Why a task is not running: one case for each thing that can hold it up, and for each way to end."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.engine.simulation import BAD, FATAL, OK, SKIP, Simulation, each, plan, scripted, task
from yamldag.engine.asking.why import Answer, Circumstances, Claim, Life, Past, why
from yamldag.engine.memory.run import Instance, Run
from yamldag.plan.pipeline import Plan

AWAKE = Life("process 7", False, 1.0, 4, 2)
FINE = Circumstances(lease=20.0, owner=AWAKE, schedulers=(AWAKE,))


def at(run: Run, label: str) -> Instance:
    return next(each for each in run.instances if each.label == label)


def ask(run: Run, label: str, state: str = "running", of: Circumstances = FINE, **more: Any) -> Answer:
    return why(run, state, at(run, label), replace(of, **more))


def said(answer: Answer) -> dict[str, tuple[bool, str]]:
    return {each.what: (each.holds, each.detail) for each in answer.conditions}


def begun(of: Plan, **more: Any) -> tuple[Simulation, Run]:
    simulation = Simulation(**more)
    return simulation, simulation.admit(of)


def test_parents_that_have_not_ended_and_a_rule_that_waits() -> None:
    _, run = begun(plan(task("a"), task("b"), task("c", "a", "b", when=("x",))))
    answer = ask(run, "c")
    assert answer.waiting
    assert said(answer) == {
        "run": (True, "it is running, moved by process 7"),
        "parents": (False, "`a` is running, `b` is running"),
        "trigger_rule": (False, "`all_success` can't decide yet"),
        "when": (False, "`x`: asked once the trigger rule says run"),
    }


def test_many_parents_are_counted_and_those_of_another_item_left_out() -> None:
    mapped = {"m": each(*range(8)), "g": each(1, 2)}
    of = plan(
        task("m", mapped_by="m"),
        task("all", "m"),
        task("g.a", mapped_by="g"),
        task("g.b", "g.a", mapped_by="g"),
        mapped=mapped,
    )
    _, run = begun(of)
    many = said(ask(run, "all"))["parents"][1]
    assert many.startswith("`m[0]` is running")
    assert many.endswith("and 3 more")
    assert said(ask(run, "g.b[1]"))["parents"] == (False, "`g.a[1]` is running")


def test_room_in_the_run_at_the_executor_and_in_a_chain() -> None:
    of = plan(
        task("a"),
        task("b"),
        task("m", mapped_by="m"),
        mapped={"m": each(1, 2, max_active=1)},
        max_active_tasks=2,
    )
    _, run = begun(of)
    full = said(ask(run, "m[0]", owner=replace(AWAKE, running=4)))
    assert full["max_active_tasks"] == (False, "2 tasks of the run may run at once, 2 do: a, b")
    assert full["slots"] == (False, "process 7 has 4 slots, 4 in use")
    assert full["max_active"] == (True, "1 items of `m` may be under way at once, 0 are")
    assert said(ask(run, "m[1]"))["max_active"] == (False, "1 items of `m` may be under way at once, 1 is")


def test_a_pool_says_who_holds_it_and_who_goes_first() -> None:
    _, run = begun(plan(task("a"), task("b", pool="db", pool_slots=2), max_active_tasks=1))
    mine = at(run, "b").id
    held, other, own = (
        Claim("r1/x", -1, 3, True),
        Claim("r2/y[3]", -2, 1, False),
        Claim("r/b", mine, 2, False),
    )

    def pool(slots: int, *claims: Claim) -> tuple[bool, str]:
        return said(ask(run, "b", pool_slots=slots, claims=claims))["pool"]

    words = "`db` has 4 slots, 3 in use by r1/x; it wants 2"
    assert pool(4, held, other, own) == (False, f"{words}; r2/y[3] goes first")
    assert pool(4, held, own) == (False, f"{words}; it is the next")
    assert pool(4, held) == (False, words)
    assert pool(9, held, other)[0] is False, "there is room, and one that does not fit holds it back"
    assert pool(9, held, own)[0]
    assert pool(9, Claim("r/b", mine, 2, True), other) == (
        True,
        "`db` has 9 slots, 2 in use by r/b; it wants 2",
    )
    assert said(ask(run, "b"))["pool"] == (False, "there is no pool `db`")
    assert said(ask(run, "b", pool_slots=4))["pool"][0]


def test_a_retry_has_an_end() -> None:
    simulation, run = begun(plan(task("a", retries=1)), script=scripted({"a": [BAD, OK]}))
    simulation.now = 1001.0
    (attempt,) = simulation.live
    simulation.step(simulation.end(attempt))
    (_, retry) = ask(run, "a").conditions
    assert (retry.what, retry.holds) == ("retry_delay", False)
    assert retry.detail == "attempt 1 failed: exit code 1; the next one waits"
    assert retry.until
    assert retry.until.startswith("1970-01-01T00:17:1")


def test_one_that_runs_and_one_of_a_run_that_stops() -> None:
    simulation, run = begun(plan(task("a"), task("b", "a")))
    assert said(ask(run, "a"))["attempt"] == (True, "attempt 1 is running")
    words = "the run is to be cancelled: that happens as soon as who moves it hears of it"
    assert said(ask(run, "b", to_stop=True))["stop"] == (False, words)
    simulation.stop(run)
    assert said(ask(run, "a"))["stop"] == (False, "the run was cancelled: it was told to end")


def test_a_teardown_of_a_run_that_stops_is_to_run_yet() -> None:
    of = plan(
        task("up", setup=True),
        task("work", "up"),
        task("more", "work"),
        task("down", "more", "up", "work", teardown_of=("up",)),
    )
    simulation, run = begun(of)
    simulation.now += 1
    (setup,) = simulation.live
    simulation.step(simulation.end(setup))
    simulation.stop(run)
    words = "the run was cancelled: it runs once all that was told to end has ended"
    assert said(ask(run, "down"))["stop"] == (False, words)
    (work,) = simulation.live
    simulation.step(simulation.end(work))
    assert "stop" not in said(ask(run, "down"))
    assert said(ask(run, "down"))["attempt"] == (True, "attempt 1 is running")


@pytest.mark.parametrize(
    ("past", "wanted"),
    [
        (None, (True, "there is no earlier run")),
        (Past("r0", False, "running"), (False, "in the run before, r0, it is running")),
        (Past("r0", True, "success"), (True, "in the run before, r0, it is success")),
        (
            Past("r0", True, "skipped", True),
            (False, "in the run before, r0, it is skipped by a cancel or time-out"),
        ),
        (Past("r0", True, None), (True, "the run before, r0, has no such task")),
        (Past("r0", False, None, begun=False), (False, "the run before, r0, has not begun")),
    ],
)
def test_the_run_before(past: Past | None, wanted: tuple[bool, str]) -> None:
    _, run = begun(plan(task("x"), task("a", "x", depends_on_past=True)))
    assert said(ask(run, "a", past=past))["depends_on_past"] == wanted


@pytest.mark.parametrize(
    ("owner", "schedulers", "wanted"),
    [
        (AWAKE, (AWAKE,), (True, "it is running, moved by process 7")),
        (replace(AWAKE, silent=99.0), (), (False, "process 7, which moves it, has been silent for 99 s")),
        (
            replace(AWAKE, gone=True),
            (),
            (False, "process 7, which moved it, is gone; start `yamldag serve` to go on with it"),
        ),
        (
            replace(AWAKE, gone=True),
            (Life("process 8", False, 0.0),),
            (False, "process 7, which moved it, is gone; another scheduler will take it over"),
        ),
        (None, (), (False, "nobody moves it; start `yamldag serve` to go on with it")),
    ],
)
def test_who_moves_a_run(owner: Life | None, schedulers: tuple[Life, ...], wanted: tuple[bool, str]) -> None:
    _, run = begun(plan(task("a"), task("b", "a")))
    assert said(ask(run, "b", owner=owner, schedulers=schedulers))["run"] == wanted


def test_a_run_that_waits_says_what_for() -> None:
    simulation = Simulation()
    run = simulation.new_run(plan(task("a")), type="scheduled")
    found = said(ask(run, "a", "queued", paused=True, active=("r1", "r2"), most_active=2, ahead=1))
    assert found == {
        "scheduler": (True, "process 7 is at work"),
        "pause": (False, "the pipeline is paused"),
        "file": (True, "the pipeline's file is there"),
        "max_active_runs": (
            False,
            "2 may be active, 2 are: r1, r2; 1 run with an older logical date goes first",
        ),
    }
    assert not said(ask(run, "a", "queued", removed=True))["file"][0]
    manual = simulation.new_run(plan(task("a")), "m")
    assert said(ask(manual, "a", "queued", schedulers=())) == {
        "scheduler": (False, "no scheduler is at work: start `yamldag serve`"),
        "max_active_runs": (True, "16 may be active, 0 are"),
    }
    hanging = said(ask(manual, "a", "queued", schedulers=(replace(AWAKE, silent=30.0),)))
    assert hanging["scheduler"] == (False, "process 7 has been silent for 30 s: it hangs, or is dead")
    filling = said(ask(manual, "a", "queued", backfill="b1", backfill_cancelled=True, most_active=1))
    assert filling["backfill"] == (False, "`b1` was cancelled")
    assert filling["max_active"] == (True, "1 may be active, 0 are")


def test_one_that_ended_says_how() -> None:
    simulation, run = begun(
        plan(
            task("bad"),
            task("next", "bad"),
            task("last", "next"),
            task("unasked", when=(False,)),
            task("quiet", "bad", trigger_rule="all_success"),
            task("alarm", "fine", trigger_rule="one_failed"),
            task("fine"),
            task("self"),
        ),
        script=scripted({"bad": FATAL, "self": SKIP}),
    )
    simulation.finish()
    last = ask(run, "last", "failed")
    assert not last.waiting
    assert said(last)["upstream"] == (False, "`next` is upstream_failed, `bad` failed (it says so)")
    assert said(ask(run, "next", "failed"))["upstream"] == (False, "`bad` failed (it says so)")
    assert said(ask(run, "unasked", "failed"))["when"] == (False, "`false` was false")
    assert said(ask(run, "alarm", "failed"))["trigger_rule"] == (
        False,
        "`one_failed` says skipped: `fine` is success",
    )
    assert said(ask(run, "self", "failed"))["ended"] == (False, "it is skipped after 1 attempt: it says so")
    assert said(ask(run, "fine", "failed"))["ended"] == (True, "it is success after 1 attempt")


def test_a_task_that_waits_elsewhere_says_for_what() -> None:
    simulation, run = begun(plan(task("a")))
    from yamldag.plan.state import TaskState

    at(run, "a").state = TaskState.DEFERRED
    moments = ("1970-01-01T00:02:00+00:00",)
    (_, wait) = ask(run, "a", waits_for="a file", waits_until=60.0, moments=moments).conditions
    assert wait.moments == moments
    assert (wait.what, wait.detail, wait.until) == (
        "wait",
        "it waits for a file",
        "1970-01-01T00:01:00+00:00",
    )
    assert simulation.live
