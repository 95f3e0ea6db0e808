"""Trigger rules and states, by real runs of many tasks, held against rules written here once more."""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement
from random import Random
from typing import Any

from tests.e2e.project import Project

RULES = (
    "all_success",
    "all_failed",
    "all_done",
    "all_done_min_one_success",
    "all_done_setup_success",
    "all_skipped",
    "one_success",
    "one_failed",
    "one_done",
    "none_failed",
    "none_failed_min_one_success",
    "none_skipped",
    "always",
)
STATES = ("success", "failed", "skipped", "upstream_failed")
ENDED = {"run": "success", "skip": "skipped", "block": "upstream_failed"}


def expected(rule: str, parents: tuple[str, ...]) -> str:
    """The state of a `noop` below parents that have all ended so."""
    has = Counter(parents)
    bad, skips, good = has["failed"] + has["upstream_failed"], has["skipped"], has["success"]
    answer = "run"
    if rule == "all_success":
        answer = "block" if bad else "skip" if skips else "run"
    elif rule == "none_failed":
        answer = "block" if bad else "run"
    elif rule == "none_failed_min_one_success":
        answer = "block" if bad else "run" if good else "skip"
    elif rule == "all_failed":
        answer = "skip" if good or skips else "run"
    elif rule == "all_skipped":
        answer = "run" if skips == len(parents) else "skip"
    elif rule == "none_skipped":
        answer = "skip" if skips else "run"
    elif rule == "one_success":
        answer = "run" if good else "block" if bad else "skip"
    elif rule == "one_failed":
        answer = "run" if bad else "skip"
    elif rule == "one_done":
        answer = "run" if good or has["failed"] else "skip"
    elif rule == "all_done_min_one_success":
        answer = "skip" if skips else "run" if good else "block"
    return ENDED[answer]


def parents() -> dict[str, Any]:
    """Three tasks that end in each state: `success1`, …"""
    tasks: dict[str, Any] = {}
    for number in "123":
        tasks[f"success{number}"] = {"bash": "exit 0"}
        tasks[f"failed{number}"] = {"bash": "exit 1"}
        tasks[f"skipped{number}"] = {"bash": "exit 99"}
        tasks[f"upstream_failed{number}"] = {"needs": "failed1", "noop": None}
    return tasks


def named(states: tuple[str, ...]) -> list[str]:
    """Different tasks that end in these states."""
    seen: Counter[str] = Counter()
    ids = []
    for state in states:
        seen[state] += 1
        ids.append(f"{state}{seen[state]}")
    return ids


def test_every_rule_answers_every_set_of_parents_as_written(project: Project) -> None:
    tasks = parents()
    wanted = {name: name.rstrip("123") for name in tasks}
    for rule in RULES:
        for number in (1, 2, 3):
            for states in combinations_with_replacement(STATES, number):
                name = f"{rule}-{'-'.join(states)}"
                tasks[name] = {"needs": named(states), "trigger_rule": rule, "noop": None}
                wanted[name] = expected(rule, states)
        tasks[f"{rule}-alone"] = {"trigger_rule": rule, "noop": None}
        wanted[f"{rule}-alone"] = "success"
    ran = project.run({"tasks": tasks})
    assert ran.state == "failed"
    assert ran.states == wanted
    assert list(ran.states) == list(tasks)
    assert all(
        ran.attempts[name] == (state in ("success", "failed"))
        for name, state in wanted.items()
        if not name.startswith("skipped")
    )
    assert (
        project.run({"tasks": {name: {**task, "allow_failure": True} for name, task in tasks.items()}}).state
        == "success"
    )


def test_a_rule_judges_needs_and_waits_for_what_is_only_referenced(project: Project) -> None:
    tasks = parents()
    wanted = {}
    for rule in RULES:
        for judged in STATES:
            for other in STATES:
                name = f"{rule}-{judged}-{other}"
                tasks[name] = {
                    "needs": f"{judged}1",
                    "trigger_rule": rule,
                    "when": f"tasks.{other}2.state == '{other}'",  # false while it is not done
                    "noop": None,
                }
                wanted[name] = expected(rule, (judged, other) if rule == "all_success" else (judged,))
            name = f"{rule}-{judged}-referenced"
            tasks[name] = {"trigger_rule": rule, "when": f"tasks.{judged}1.state == '{judged}'", "noop": None}
            wanted[name] = expected(rule, (judged,))
    states = project.run({"tasks": tasks}).states
    assert {name: states[name] for name in wanted} == wanted


WAITS = 'read -r line < "$YAMLDAG_RUN_DIR/gate" || true'


def test_what_no_other_parent_can_change_is_decided_at_once(project: Project) -> None:
    """`slow` ends only once the tasks that need it too have been decided; its time-out is a failure here."""
    early = {
        "all_success": ("failed1", "upstream_failed"),
        "none_failed": ("upstream_failed1", "upstream_failed"),
        "none_failed_min_one_success": ("failed1", "upstream_failed"),
        "all_failed": ("skipped1", "skipped"),
        "all_skipped": ("failed1", "skipped"),
        "none_skipped": ("skipped1", "skipped"),
        "one_success": ("success1", "success"),
        "one_failed": ("upstream_failed1", "success"),
        "one_done": ("failed1", "success"),
        "all_done_min_one_success": ("skipped1", "skipped"),
        "always": ("success1", "success"),
    }
    tasks = parents()
    tasks["gate"] = {"bash": 'mkfifo "$YAMLDAG_RUN_DIR/gate"'}
    tasks["slow"] = {"needs": "gate", "bash": WAITS, "timeout": "60s"}
    for rule, (parent, _) in early.items():
        tasks[f"early_{rule}"] = {"needs": ["slow", parent], "trigger_rule": rule, "noop": None}
    tasks["open"] = {
        "needs": ["gate", *(f"early_{rule}" for rule in early)],
        "trigger_rule": "all_done",
        "bash": 'echo go > "$YAMLDAG_RUN_DIR/gate"',
    }
    # a skipped parent alone decides nothing: a failure among the others still counts
    tasks["late_failure"] = {"needs": "open", "bash": "exit 1"}
    tasks["waited"] = {"needs": ["skipped1", "late_failure"], "noop": None}
    states = project.run({"tasks": tasks}).states
    assert states["slow"] == "success"
    assert {rule: states[f"early_{rule}"] for rule in early} == {
        rule: end for rule, (_, end) in early.items()
    }
    assert states["waited"] == "upstream_failed"


def test_when_is_asked_after_the_rule_and_wants_a_boolean(project: Project) -> None:
    ran = project.run("""
params: {text: "false", zero: 0, no: {type: [boolean, "null"], default: false}, list: {type: array, default: []}}
tasks:
  a: {bash: 'echo "{\\"n\\": 3, \\"word\\": \\"false\\", \\"none\\": null, \\"list\\": [1]}" > $YAMLDAG_OUTPUT'}
  bad: {bash: exit 1}
  bare: {when: tasks.a.output.n == 3, noop: }
  braces: {when: "{{ tasks.a.output.n > 3 }}", noop: }
  zero: {when: params.zero, noop: }
  empty: {when: params.list, noop: }
  none: {when: tasks.a.output.none, noop: }
  listed: {when: tasks.a.output.list, noop: }
  text: {when: tasks.a.output.word, noop: }
  literal: {when: false, noop: }
  not_asked: {needs: bad, when: tasks.a.output.nothing.there, noop: }
  asked: {when: tasks.a.output.nothing.there, noop: }
  below_false: {needs: literal, noop: }
  all_done_below_false: {needs: literal, trigger_rule: all_done, noop: }
""")
    wanted = {
        "bare": "success", "braces": "skipped", "zero": "skipped", "empty": "skipped", "none": "skipped",
        "listed": "success", "text": "failed", "literal": "skipped", "not_asked": "upstream_failed",
        "asked": "failed", "below_false": "skipped", "all_done_below_false": "success",
    }  # fmt: skip
    assert {name: ran.states[name] for name in wanted} == wanted
    assert "text is neither true nor false" in ran.reasons["text"]
    assert "nothing" in ran.reasons["asked"]


def test_groups_hold_for_their_roots_and_stand_for_their_leaves(project: Project) -> None:
    ran = project.run("""
tasks:
  bad: {bash: exit 1}
  skip: {bash: exit 99}
  g:
    needs: skip
    trigger_rule: all_done
    tasks:
      root: {noop: }
      own: {trigger_rule: all_success, noop: }
      middle: {needs: root, bash: exit 1, allow_failure: true}
      leaf: {needs: middle, trigger_rule: all_done, noop: }
      inner:
        needs: root
        tasks:
          x: {noop: }
          y: {needs: x, bash: exit 99}
  after: {needs: g, trigger_rule: none_failed, noop: }
  one_skipped: {needs: g, trigger_rule: none_skipped, noop: }
  below_inner: {needs: g.inner, trigger_rule: all_skipped, noop: }
  gone:
    when: false
    tasks:
      a: {noop: }
      b: {needs: a, trigger_rule: always, noop: }
  blocked:
    needs: bad
    tasks: {a: {noop: }, b: {needs: a, noop: }}
""")
    assert ran.states == {
        "bad": "failed",
        "skip": "skipped",
        "g.root": "success",
        "g.own": "skipped",
        "g.middle": "failed",
        "g.leaf": "success",
        "g.inner.x": "success",
        "g.inner.y": "skipped",
        "after": "success",
        "one_skipped": "skipped",
        "below_inner": "success",
        "gone.a": "skipped",
        "gone.b": "skipped",
        "blocked.a": "upstream_failed",
        "blocked.b": "upstream_failed",
    }


def test_what_a_group_reads_has_ended_before_it_is_asked_by_any_of_its_tasks(project: Project) -> None:
    """Also by those that their rules let run before the first ones of the group have come to it."""
    ran = project.run("""
tasks:
  f: {bash: exit 1, allow_failure: true}
  list: {needs: f, trigger_rule: all_done, bash: 'echo "[1, 2]" > $YAMLDAG_OUTPUT'}
  yes:
    when: tasks.list.output | length == 2
    tasks: {a: {noop: }, b: {needs: a, trigger_rule: always, noop: }}
  no:
    when: tasks.list.output | length > 2
    tasks: {a: {noop: }, b: {needs: a, trigger_rule: always, noop: }}
  failed:
    needs: f
    when: tasks.list.output | length == 2
    tasks:
      a: {noop: , allow_failure: true}
      b: {needs: a, trigger_rule: all_done, noop: }
      inner: {needs: a, tasks: {c: {trigger_rule: one_failed, noop: }, d: {needs: c, trigger_rule: always, noop: }}}
  each:
    needs: f
    foreach: "{{ tasks.list.output }}"
    when: item == 2
    tasks:
      a: {noop: , allow_failure: true}
      b: {needs: a, trigger_rule: all_done, bash: 'echo {{ item }}'}
      g:
        needs: a
        trigger_rule: all_done
        when: tasks.b.state == 'success'
        tasks: {c: {noop: }, d: {needs: c, trigger_rule: always, noop: }}
""")
    assert ran.states == {
        "f": "failed",
        "list": "success",
        "yes.a": "success",
        "yes.b": "success",
        "no.a": "skipped",
        "no.b": "skipped",
        "failed.a": "upstream_failed",
        "failed.b": "success",
        "failed.inner.c": "success",
        "failed.inner.d": "success",
        "each.a[0]": "upstream_failed",
        "each.a[1]": "upstream_failed",
        "each.b[0]": "skipped",
        "each.b[1]": "success",
        "each.g.c[0]": "skipped",
        "each.g.c[1]": "success",
        "each.g.d[0]": "skipped",
        "each.g.d[1]": "success",
    }
    edges = project("show", "p", "--json").json["edges"]
    assert [child for parent, child in edges if parent == "list"] == ["each.a", "failed.a", "no.a", "yes.a"]


def test_what_a_group_reads_has_ended_though_its_rule_says_run_by_another_parent(project: Project) -> None:
    ran = project.run("""
tasks:
  quick: {noop: }
  slow: {needs: quick, noop: }
  g:
    needs: [quick, slow]
    trigger_rule: one_success
    when: tasks.slow.state == 'success'
    tasks: {a: {noop: }, b: {needs: a, trigger_rule: one_done, noop: }}
""")
    assert ran.states == dict.fromkeys(("quick", "slow", "g.a", "g.b"), "success")


def test_a_failure_fails_its_run_whatever_comes_later(project: Project) -> None:
    def state(tasks: str) -> str:
        return project.run(f"tasks:\n{tasks}").state

    assert state("  a: {bash: exit 1}\n  b: {needs: a, trigger_rule: all_done, noop: }") == "failed"
    assert state("  a: {bash: exit 1, allow_failure: true}\n  b: {noop: }") == "success"
    assert state("  a: {bash: exit 1, allow_failure: true}\n  b: {needs: a, noop: }") == "failed"
    below = "  b: {needs: a, noop: , allow_failure: true}\n"
    assert state(f"  a: {{bash: exit 1, allow_failure: true}}\n{below}") == "success"
    assert state("  a: {bash: exit 99}\n  b: {needs: a, noop: }") == "success"
    assert state(f"  a: {{bash: exit 1, allow_failure: true}}\n{below}  c: {{needs: b, noop: }}") == "failed"


def test_setups_decide_for_all_below_and_teardowns_run_when_the_work_is_over(project: Project) -> None:
    ran = project.run("""
tasks:
  up: {setup: true, bash: echo}
  work: {needs: up, bash: exit 1, allow_failure: true}
  more: {needs: work, trigger_rule: all_done, bash: echo}
  down: {teardown_of: up, bash: echo}
  after_down: {needs: [down, more], bash: echo}

  bad: {setup: true, bash: exit 1, allow_failure: true}
  below_bad: {needs: bad, trigger_rule: always, allow_failure: true, bash: echo}
  far_below_bad: {needs: below_bad, trigger_rule: all_done, allow_failure: true, bash: echo}
  down_bad: {teardown_of: bad, allow_failure: true, bash: echo}

  no: {setup: true, bash: exit 99}
  below_no: {needs: no, trigger_rule: always, bash: echo}
  down_no: {teardown_of: no, bash: echo}

  down_either: {teardown_of: [up, no], bash: echo}

  g:
    tasks:
      s: {setup: true, bash: echo}
      w: {needs: s, bash: echo}
      t: {teardown_of: s, needs: w, bash: exit 1, allow_failure: true}
  after_g: {needs: g, bash: echo}
""")
    assert ran.states == {
        "up": "success",
        "work": "failed",
        "more": "success",
        "down": "success",
        "after_down": "success",
        "bad": "failed",
        "below_bad": "upstream_failed",
        "far_below_bad": "upstream_failed",
        "down_bad": "upstream_failed",
        "no": "skipped",
        "below_no": "skipped",
        "down_no": "skipped",
        "down_either": "success",
        "g.s": "success",
        "g.w": "success",
        "g.t": "failed",
        "after_g": "success",
    }
    assert ran.state == "success"
    rows = {row["id"]: row for row in ran.rows}
    assert rows["down"]["started_at"] >= rows["more"]["ended_at"]
    assert (
        project.run("tasks:\n  s: {setup: true, bash: echo}\n  t: {teardown_of: s, bash: exit 1}").state
        == "failed"
    )


EXITS = {0: "success", 1: "failed", 99: "skipped"}


def any_pipeline(seed: int) -> tuple[dict[str, Any], dict[str, str], str]:
    """A random pipeline of plain and mapped tasks; how each instance, and how the run must end."""
    random = Random(seed)
    tasks: dict[str, Any] = {}
    ends: dict[str, list[str]] = {}
    wanted: dict[str, str] = {}
    run = "success"
    for number in range(150):
        name = f"t{number}"
        needs = random.sample(list(tasks), min(len(tasks), random.choice((0, 1, 1, 2, 2, 3))))
        rule = random.choice(RULES)
        task: dict[str, Any] = {"needs": needs, "trigger_rule": rule, "allow_failure": random.random() < 0.3}
        answer = (
            expected(rule, tuple(end for parent in needs for end in ends[parent])) if needs else "success"
        )
        exits = [random.choice((0, 0, 0, 1, 99))]
        if random.random() < 0.2:
            task["when"] = random.random() < 0.7
        if random.random() < 0.2:
            exits = [random.choice((0, 0, 1, 99)) for _ in range(random.randrange(4))]
            task |= {"foreach": exits, "bash": "exit {{ item }}"}
        elif exits == [0]:
            task["noop"] = None
        else:
            task["bash"] = f"exit {exits[0]}"
        tasks[name] = task
        begun = answer == "success" and task.get("when", True) and bool(exits)
        ends[name] = (
            [EXITS[code] for code in exits] if begun else ["skipped" if answer == "success" else answer]
        )
        if begun and "foreach" in task:
            wanted |= {f"{name}[{index}]": state for index, state in enumerate(ends[name])}
        else:
            wanted[name] = ends[name][0]
        if not task["allow_failure"] and {"failed", "upstream_failed"} & set(ends[name]):
            run = "failed"
    return {"max_active_tasks": 8, "tasks": tasks}, wanted, run


def test_any_pipeline_ends_as_its_rules_say(project: Project) -> None:
    for seed in (1, 2, 3):
        pipeline, wanted, run = any_pipeline(seed)
        ran = project.run(pipeline)
        assert ran.states == wanted, seed
        assert ran.state == run
        assert run == "failed"
        forgiving = {name: {**task, "allow_failure": True} for name, task in pipeline["tasks"].items()}
        assert project.run({**pipeline, "tasks": forgiving}).state == "success"
