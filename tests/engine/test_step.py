"""One run through the pure step: rules, retries, conditions, bounds, mapping, setups and stops."""

from __future__ import annotations

import itertools
import random

import pytest

from tests.engine.simulation import (
    BAD,
    FATAL,
    LOST,
    OK,
    SKIP,
    FakeAsking,
    Simulation,
    each,
    plan,
    run_to_end,
    scripted,
    states,
    task,
    with_output,
)
from yamldag.engine.memory.run import Instance, Run, output, task_state
from yamldag.engine.step.readiness import Refused
from yamldag.engine.step.retry import delay
from yamldag.engine.step.world import Finished
from yamldag.operators.contract import Outcome
from yamldag.plan.pipeline import Fanout, Plan
from yamldag.plan.trigger_rule import RULES, decide

SEEDS = range(12)
ENDS = {"success": OK, "failed": FATAL, "skipped": SKIP}


def test_tasks_run_in_order_of_their_needs() -> None:
    simulation = Simulation()
    run = simulation.admit(plan(task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c")))
    simulation.finish()
    assert (simulation.history[0], simulation.history[-1]) == ("a", "d")
    assert (run.state, states(run)) == ("success", dict.fromkeys("abcd", "success"))


def test_a_run_without_tasks_succeeds() -> None:
    assert run_to_end(plan()).state == "success"


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("first", [*ENDS, "upstream_failed"])
@pytest.mark.parametrize("second", [*ENDS, "upstream_failed"])
def test_every_rule_with_two_parents_decides_by_its_table(rule: str, first: str, second: str) -> None:
    ends = [first, second]
    of = plan(
        task("x", allow_failure=True),
        *(
            task(name, *(("x",) if end == "upstream_failed" else ()))
            for name, end in zip("ab", ends, strict=True)
        ),
        task("c", "a", "b", trigger_rule=rule),
    )
    counts = [ends.count(state) for state in ("success", "failed", "upstream_failed", "skipped")]
    s, f, u, k = counts
    wanted = decide(rule, s, f, u, k, 2)
    script = {name: ENDS.get(end, OK) for name, end in zip("ab", ends, strict=True)}
    for seed in range(3):
        found = states(run_to_end(of, {"x": FATAL, **script}, seed=seed))["c"]
        assert found == ("success" if wanted == "run" else wanted)


def test_a_failure_below_makes_the_run_failed_even_when_the_last_task_succeeds() -> None:
    run = run_to_end(plan(task("a"), task("b", "a", trigger_rule="all_done")), {"a": FATAL})
    assert (run.state, states(run)) == ("failed", {"a": "failed", "b": "success"})


def test_an_allowed_failure_is_seen_by_rules_but_does_not_fail_the_run() -> None:
    of = plan(task("a", allow_failure=True), task("b", "a", trigger_rule="all_failed"))
    assert (run_to_end(of, {"a": FATAL}).state) == "success"


def test_what_an_allowed_failure_blocks_fails_the_run() -> None:
    run = run_to_end(plan(task("a", allow_failure=True), task("b", "a")), {"a": FATAL})
    assert (run.state, states(run)["b"]) == ("failed", "upstream_failed")


def test_a_parent_that_is_only_referenced_must_be_done_in_whatever_state() -> None:
    simulation = Simulation(script=scripted({"b": FATAL}))
    run = simulation.admit(
        plan(
            task("a"),
            task("b", allow_failure=True),
            task("c", "a", "b", judged=("a",), trigger_rule="one_success"),
        )
    )
    simulation.step(simulation.end(next(k for k, i in simulation.live.items() if i.label == "a")))
    assert states(run)["c"] == "none"
    simulation.finish()
    assert states(run)["c"] == "success"


def test_the_rule_always_waits_for_no_parent_but_for_what_is_only_referenced() -> None:
    simulation = Simulation()
    run = simulation.admit(
        plan(
            task("a"),
            task("b", "a", trigger_rule="always"),
            task("c", "a", "b", judged=("b",), trigger_rule="always"),
        )
    )
    assert (states(run)["b"], states(run)["c"]) == ("running", "none")
    simulation.finish()
    assert states(run)["c"] == "success"


def test_a_false_condition_skips_and_what_follows_is_skipped() -> None:
    run = run_to_end(
        plan(task("a", when=(True, False)), task("b", "a"), task("c", "b", trigger_rule="all_done"))
    )
    assert (run.state, states(run)) == ("success", {"a": "skipped", "b": "skipped", "c": "success"})


def test_a_condition_that_cannot_be_asked_fails_its_task_without_an_attempt() -> None:
    run = run_to_end(plan(task("a", when=("x",))), asking=FakeAsking({"x": Refused("`x` is undefined")}))
    instance = next(run.instances)
    assert (run.state, instance.state, instance.attempts, instance.reason) == (
        "failed",
        "failed",
        0,
        "`x` is undefined",
    )


def test_a_retry_waits_for_its_delay_and_takes_no_room_meanwhile() -> None:
    simulation = Simulation(script=scripted({"a": [BAD, BAD, OK]}))
    run = simulation.admit(
        plan(task("a", retries=2, retry_delay=10, priority=1), task("b"), max_active_tasks=1)
    )
    simulation.step(simulation.end(min(simulation.live)))
    assert states(run) == {"a": "up_for_retry", "b": "running"}
    simulation.finish()
    first = next(run.instances)
    assert (run.state, first.attempts) == ("success", 3)
    assert simulation.now >= 1000 + 20


def test_retries_are_used_up() -> None:
    run = run_to_end(plan(task("a", retries=2, retry_delay=1)), {"a": BAD})
    assert (run.state, next(run.instances).attempts) == ("failed", 3)


def test_a_failure_that_no_retry_can_mend_is_final() -> None:
    run = run_to_end(plan(task("a", retries=5)), {"a": FATAL})
    assert (run.state, next(run.instances).attempts) == ("failed", 1)


def test_a_lost_worker_costs_no_retry() -> None:
    run = run_to_end(plan(task("a", retries=1, retry_delay=0)), {"a": [LOST, LOST, LOST, BAD, OK]})
    assert (run.state, next(run.instances).attempts) == ("success", 5)


def test_a_task_that_is_lost_again_and_again_is_given_up() -> None:
    run = run_to_end(plan(task("a", retries=3)), {"a": LOST})
    instance = next(run.instances)
    assert (run.state, instance.attempts) == ("failed", 5)
    assert instance.reason == "lost 5 times in a row, so it is not tried again: its worker was lost"


def test_an_attempt_that_comes_to_its_own_end_makes_losses_count_anew() -> None:
    script = [LOST] * 4 + [BAD] + [LOST] * 4 + [OK]
    run = run_to_end(plan(task("a", retries=1, retry_delay=0)), {"a": script})
    assert (run.state, next(run.instances).attempts) == ("success", 10)


def test_at_most_once_is_not_run_again_when_its_worker_is_lost() -> None:
    run = run_to_end(plan(task("a", on_lost="fail")), {"a": LOST})
    assert (run.state, next(run.instances).attempts) == ("failed", 1)


def test_the_delay_grows_with_jitter_that_is_always_the_same_and_never_beyond_the_maximum() -> None:
    of = task("a", retry_delay=10, retry_backoff=2, max_retry_delay=35)
    delays = [delay(of, tries, "run/a") for tries in (1, 2, 3, 2000)]
    assert delays == [delay(of, tries, "run/a") for tries in (1, 2, 3, 2000)]
    assert 10 <= delays[0] <= 11
    assert 20 <= delays[1] <= 22
    assert delays[2:] == [35, 35]
    assert len({delay(of, 1, f"run/{n}") for n in range(50)}) == 50


def test_higher_priority_goes_first_then_what_was_ready_first() -> None:
    simulation = Simulation()
    simulation.admit(
        plan(
            task("a"),
            task("b", priority=5),
            task("c"),
            task("d", "b", priority=1),
            max_active_tasks=1,
        )
    )
    simulation.finish()
    assert simulation.history == ["b", "d", "a", "c"]


def test_no_more_run_at_once_than_a_run_and_the_engine_allow() -> None:
    simulation = Simulation(slots=5)
    for name in "xyz":
        simulation.admit(plan(*(task(f"t{n}") for n in range(20)), max_active_tasks=3), name)
    simulation.finish()
    assert simulation.most == 5
    alone = Simulation()
    alone.admit(plan(*(task(f"t{n}") for n in range(20)), max_active_tasks=3))
    alone.finish()
    assert alone.most == 3


def test_a_task_without_a_process_ends_in_the_step_that_makes_it_ready() -> None:
    names = [f"t{n}" for n in range(500)]
    chain = [task(name, *names[max(0, n - 1) : n]) for n, name in enumerate(names)]
    simulation = Simulation(inline=frozenset(names))
    run = simulation.admit(plan(*chain))
    assert (run.state, set(states(run).values())) == ("success", {"success"})


def test_an_end_that_is_told_twice_counts_once() -> None:
    simulation = Simulation()
    run = simulation.admit(plan(task("a"), task("b", "a")))
    end = simulation.end(min(simulation.live))
    simulation.step(end, end)
    simulation.step(end, Finished(999, BAD, "exit", 0, 0))
    simulation.finish()
    assert (run.state, run.unfinished, run.active) == ("success", 0, 0)


# Mapping


def mapped(name: str, *needs: str, **more: object) -> object:
    return task(name, *needs, mapped_by=name, **more)


def test_a_mapped_task_has_an_instance_for_each_item_and_gives_a_list_in_their_order() -> None:
    of = plan(task("a"), task("m", "a", mapped_by="m"), task("z", "m"), mapped={"m": each("x", "y", "z")})
    script = {f"m[{n}]": with_output(n * 10) for n in range(3)}
    for seed in SEEDS:
        run = run_to_end(of, script, seed=seed)
        assert states(run) == dict.fromkeys(["a", "m[0]", "m[1]", "m[2]", "z"], "success")
        assert [i.item for i in run.nodes["m"].instances] == ["x", "y", "z"]
        assert output(run.nodes["m"]) == [0, 10, 20]


def test_an_empty_list_skips_the_task_and_what_needs_it() -> None:
    run = run_to_end(plan(task("m", mapped_by="m"), task("z", "m"), mapped={"m": each()}))
    assert (run.state, states(run)) == ("success", {"m": "skipped", "z": "skipped"})


def test_what_is_no_list_fails_the_mapped_task() -> None:
    run = run_to_end(plan(task("m", mapped_by="m"), task("z", "m"), mapped={"m": Fanout(foreach="text")}))
    assert states(run) == {"m": "failed", "z": "upstream_failed"}


def test_a_failed_instance_fails_the_mapped_task() -> None:
    of = plan(task("m", mapped_by="m"), task("z", "m"), mapped={"m": each(1, 2, 3)})
    run = run_to_end(of, {"m[1]": FATAL, "m[2]": SKIP})
    assert states(run) == {"m[0]": "success", "m[1]": "failed", "m[2]": "skipped", "z": "upstream_failed"}
    assert task_state(run.nodes["m"]) == "failed"


def test_a_condition_on_the_item_skips_its_instance_alone() -> None:
    asking = FakeAsking({"item.ok": lambda instance: instance.item != 2})
    of = plan(task("m", mapped_by="m", when=(True, "item.ok")), mapped={"m": each(1, 2, 3)})
    assert states(run_to_end(of, asking=asking)) == {"m[0]": "success", "m[1]": "skipped", "m[2]": "success"}


def test_a_condition_without_the_item_is_asked_once_before_the_items() -> None:
    asked: list[str] = []

    def once(instance: Instance) -> bool:
        asked.append(instance.label)
        return True

    asking = FakeAsking({"once": once})
    run_to_end(plan(task("m", mapped_by="m", when=("once",)), mapped={"m": each(1, 2, 3)}), asking=asking)
    assert asked == ["m"]


def test_no_more_instances_at_once_than_max_active() -> None:
    simulation = Simulation(script=scripted({"m[3]": [BAD, OK]}))
    of = plan(task("m", mapped_by="m", retries=1), mapped={"m": each(*range(10), max_active=2)})
    run = simulation.admit(of)
    simulation.finish()
    assert (simulation.most, run.state, len(simulation.history)) == (2, "success", 11)


def test_a_chain_whose_teardown_waits_for_what_is_behind_all_chains_lets_others_begin() -> None:
    """Without `needs` of its own a teardown waits for all that is below its setup, `last` among it."""
    of = plan(
        task("g.up", setup=True, mapped_by="g"),
        task("g.work", "g.up", mapped_by="g"),
        task("last", "g.work"),
        task("g.down", "g.up", "g.work", "last", teardown_of=("g.up",), mapped_by="g"),
        mapped={"g": each(*range(3), max_active=2)},
    )
    for seed in SEEDS:
        simulation = Simulation(seed=seed)
        run = simulation.admit(of)
        simulation.finish()
        assert run.state == "success", seed
        assert set(states(run).values()) == {"success"}


def test_a_mapped_group_is_one_chain_for_each_item() -> None:
    of = plan(
        task("first"),
        task("g.a", "first", mapped_by="g"),
        task("g.b", "g.a", mapped_by="g"),
        task("last", "g.b"),
        mapped={"g": each("x", "y")},
    )
    for seed in SEEDS:
        simulation = Simulation(script=scripted({"g.a[0]": FATAL}), seed=seed)
        run = simulation.admit(of)
        simulation.finish()
        assert states(run) == {
            "first": "success",
            "g.a[0]": "failed",
            "g.a[1]": "success",
            "g.b[0]": "upstream_failed",
            "g.b[1]": "success",
            "last": "upstream_failed",
        }


def test_chains_under_way_are_bounded_as_chains() -> None:
    simulation = Simulation(seed=3)
    of = plan(
        task("g.a", mapped_by="g"),
        task("g.b", "g.a", mapped_by="g"),
        mapped={"g": each(*range(6), max_active=2)},
    )
    begun: set[int] = set()

    def check(_: object) -> None:
        under_way = {
            index
            for index in range(6)
            if any(i.attempts for i in (a[index], b[index]))
            and not all(i.ended for i in (a[index], b[index]))
        }
        begun.update(under_way)
        assert len(under_way) <= 2

    run = simulation.new_run(of)
    from yamldag.engine.step.world import Admit

    simulation.step(Admit(run))
    a, b = (run.nodes[name].instances for name in ("g.a", "g.b"))
    simulation.on_step = check
    simulation.finish()
    assert (run.state, begun) == ("success", set(range(6)))


def test_a_skipped_root_of_a_mapped_group_is_skipped_for_every_item() -> None:
    of = plan(
        task("g.a", mapped_by="g", when=(False,)),
        task("g.b", mapped_by="g"),
        task("g.c", "g.a", "g.b", mapped_by="g", trigger_rule="none_failed"),
        mapped={"g": each(1, 2)},
    )
    for seed in SEEDS:
        run = run_to_end(of, seed=seed)
        assert states(run) == {
            "g.a[0]": "skipped",
            "g.a[1]": "skipped",
            "g.b[0]": "success",
            "g.b[1]": "success",
            "g.c[0]": "success",
            "g.c[1]": "success",
        }


# Setup and teardown


SCOPE = plan(
    task("up", setup=True),
    task("work", "up"),
    task("more", "work", trigger_rule="all_done"),
    task("down", "more", "up", "work", trigger_rule="all_done_setup_success", teardown_of=("up",)),
)


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ({}, ["success", "success", "success", "success"]),
        ({"work": FATAL}, ["success", "failed", "success", "success"]),
        ({"up": FATAL}, ["failed", "upstream_failed", "upstream_failed", "upstream_failed"]),
        ({"up": SKIP}, ["skipped", "skipped", "skipped", "skipped"]),
        ({"down": FATAL}, ["success", "success", "success", "failed"]),
    ],
)
def test_a_teardown_follows_its_setup(script: dict[str, Outcome], wanted: list[str]) -> None:
    run = run_to_end(SCOPE, script)
    assert list(states(run).values()) == wanted
    assert run.state == ("failed" if FATAL in script.values() else "success")


def test_a_cancel_still_tears_down_what_was_set_up() -> None:
    simulation = Simulation()
    run = simulation.admit(SCOPE)
    simulation.step(simulation.end(min(simulation.live)))
    result = simulation.stop(run)
    assert (result.stop, states(run)) == (
        list(simulation.live),
        {"up": "success", "work": "running", "more": "skipped", "down": "none"},
    )
    simulation.step(simulation.end(min(simulation.live), BAD, "stopped"))
    assert states(run)["down"] == "running"
    simulation.finish()
    assert (run.state, states(run)["work"], states(run)["down"]) == ("cancelled", "failed", "success")


def test_a_kill_does_not_wait_for_teardowns() -> None:
    simulation = Simulation()
    run = simulation.admit(SCOPE)
    simulation.step(simulation.end(min(simulation.live)))
    simulation.stop(run)
    result = simulation.stop(run, "kill")
    assert (result.kill, states(run)["down"]) == (list(simulation.live), "skipped")
    simulation.step(simulation.end(min(simulation.live), BAD, "stopped"))
    assert run.state == "cancelled"


def test_a_teardown_waits_for_what_was_asked_to_stop_even_if_it_does_not_need_it() -> None:
    simulation = Simulation()
    of = plan(
        task("up", setup=True),
        task("work", "up"),
        task("after", "work"),
        task("down", "after", "up", trigger_rule="all_done_setup_success", teardown_of=("up",)),
    )
    run = simulation.admit(of)
    simulation.step(simulation.end(min(simulation.live)))
    simulation.stop(run)
    assert (states(run)["after"], states(run)["down"]) == ("skipped", "none")
    simulation.step(simulation.end(min(simulation.live), BAD, "stopped"))
    assert states(run)["down"] == "running"
    simulation.finish()
    assert run.state == "cancelled"


# Stops


def test_a_cancel_stops_what_runs_and_skips_the_rest() -> None:
    simulation = Simulation(script=scripted({"r": BAD}))
    run = simulation.admit(
        plan(task("a", retries=3), task("r", retries=3), task("b", "a"), task("w"), max_active_tasks=2)
    )
    simulation.step(simulation.end(next(k for k, i in simulation.live.items() if i.label == "r")))
    assert states(run) == {"a": "running", "r": "up_for_retry", "b": "none", "w": "running"}
    simulation.stop(run)
    simulation.step(*(simulation.end(k, BAD, "stopped") for k in list(simulation.live)))
    assert states(run) == {"a": "failed", "r": "skipped", "b": "skipped", "w": "failed"}
    assert (run.state, run.reason, run.stop) == ("cancelled", "the run was cancelled", "cancel")
    assert not simulation.world.open


def test_a_run_that_takes_too_long_fails_and_says_so() -> None:
    simulation = Simulation()
    run = simulation.admit(plan(task("a"), task("b", "a"), timeout=60))
    simulation.now += 61
    result = simulation.step()
    assert result.stop == list(simulation.live)
    simulation.step(simulation.end(min(simulation.live), BAD, "stopped"))
    assert (run.state, run.reason, states(run)) == (
        "failed",
        "the run took longer than its timeout",
        {"a": "failed", "b": "skipped"},
    )


def test_what_succeeds_before_the_stop_reaches_it_is_a_success_in_a_cancelled_run() -> None:
    simulation = Simulation()
    run = simulation.admit(plan(task("a")))
    simulation.stop(run)
    simulation.step(simulation.end(min(simulation.live), OK, "exit"))
    assert (run.state, states(run)) == ("cancelled", {"a": "success"})


# Narrowing


def test_tasks_asked_for_run_alone_and_in_order() -> None:
    of = plan(task("a"), task("b", "a"), task("c", "b"), task("d", "c"))
    simulation = Simulation()
    run = simulation.admit(of, only=frozenset({"a", "c"}))
    assert simulation.history == ["a"]
    simulation.finish()
    assert (simulation.history, run.state) == (["a", "c"], "success")


# Order


def any_plan(source: random.Random) -> tuple[Plan, dict[str, Outcome]]:
    names = [f"t{n}" for n in range(source.randint(1, 9))]
    group = set(source.sample(names, source.randint(0, len(names)))) if source.random() < 0.5 else set()
    tasks, script = [], {}
    fans = {"g": any_fan(source)} if group else {}
    for number, name in enumerate(names):
        needs = source.sample(names[:number], source.randint(0, min(3, number)))
        judged = [n for n in needs if source.random() < 0.85]
        mapped_by = "g" if name in group else name if source.random() < 0.3 else None
        if mapped_by == name:
            fans[name] = any_fan(source)
        tasks.append(
            task(
                name,
                *needs,
                judged=tuple(sorted(judged)),
                trigger_rule=source.choice(RULES),
                mapped_by=mapped_by,
                retries=source.choice([0, 0, 1]),
                priority=source.choice([0, 0, 3]),
                when=(source.random() < 0.9,),
                allow_failure=source.random() < 0.2,
                setup=source.random() < 0.1,
            )
        )
        for label in (name, *(f"{name}[{n}]" for n in range(3))):
            script[label] = source.choice([OK, OK, OK, BAD, FATAL, SKIP])
    return plan(*tasks, mapped=fans, max_active_tasks=source.choice([1, 2, 16])), script


def any_fan(source: random.Random) -> Fanout:
    return each(*range(source.randint(0, 3)), max_active=source.choice([None, 1, 2]))


def test_states_do_not_depend_on_the_order_in_which_tasks_end() -> None:
    for number in range(400):
        of, script = any_plan(random.Random(number))
        found: list[tuple[Run, dict[str, str]]] = []
        for seed in range(4):
            run = run_to_end(of, script, seed=seed)
            found.append((run, states(run)))
            assert (run.unfinished, run.active, run.ready) == (0, 0, [])
        assert all(b == a for (_, a), (_, b) in itertools.pairwise(found)), number
        assert len({run.state for run, _ in found}) == 1
