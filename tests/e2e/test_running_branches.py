"""`branch` and `short_circuit`: what goes on, and what is skipped whatever its rule."""

from __future__ import annotations

import pytest

from tests.e2e.project import Project
from tests.e2e.serving import Serve


def test_a_branch_skips_what_it_did_not_choose(project: Project) -> None:
    pipeline = """
params: {full: true}
tasks:
  pick: {branch: "'full' if params.full else 'delta'"}
  full: {noop: , needs: pick}
  delta: {noop: , needs: pick}
  after_delta: {noop: , needs: delta}
  join: {bash: "echo chose {{ tasks.pick.output }}", needs: [full, after_delta], trigger_rule: none_failed_min_one_success}
"""
    ran = project.run(pipeline)
    assert ran.states == {
        "pick": "success",
        "full": "success",
        "delta": "skipped",
        "after_delta": "skipped",
        "join": "success",
    }
    assert ran.log("join") == "chose full\n"
    assert ran.reasons["delta"] == "`pick` chose `full`"
    other = project.run(pipeline, "--param", "full=false").states
    assert (other["full"], other["delta"], other["after_delta"]) == ("skipped", "success", "success")


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("branch: [a, b]", {"a", "b", "low"}),
        ("branch: [\"{{ 'b' }}\"]", {"b"}),
        ("branch: \"['a']\"", {"a", "low"}),
        ('branch: "none"', set()),
        ("branch: {choose: \"'a' if run.type == 'manual' else 'b'\"}", {"a", "low"}),
        ("branch: {python: {script: \"return 'b'\"}}", {"b"}),
        ("branch: {python: {script: return None}}", set()),
        ("branch: {python: {script: \"return ('a', 'b')\"}}", {"a", "b", "low"}),
    ],
)
def test_a_choice_is_an_id_a_list_or_nothing(project: Project, choice: str, wanted: set[str]) -> None:
    ran = project.run(
        f"""
tasks:
  pick: {{{choice}}}
  a: {{noop: , needs: pick}}
  b: {{noop: , needs: pick, trigger_rule: always}}
  low: {{noop: , needs: [pick, a]}}
"""
    )
    assert {task for task, state in ran.states.items() if state == "success"} == {"pick", *wanted}
    assert ran.state == "success"


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("branch: params.c", "it chose `c`, which is no task directly below it; directly below it: `a`"),
        ("branch: {python: {script: return 3}}", "a list of ids or null is wanted, found `3`"),
        ('branch: "params.n"', "a list of ids or null is wanted, found `7`"),
        ("branch: {python: {script: \"return ['a', 'pick']\"}}", "it chose `pick`"),
    ],
)
def test_a_choice_of_what_is_not_below_fails_without_retry(project: Project, choice: str, words: str) -> None:
    ran = project.run(
        f"params: {{n: 7, c: c}}\ntasks:\n  pick: {{{choice}, retries: 2}}\n  a: {{noop: , needs: pick}}\n"
        "  c: {noop: , needs: a}\n"
    )
    assert ran.states == {"pick": "failed", "a": "upstream_failed", "c": "upstream_failed"}
    assert ran.attempts["pick"] == 1
    assert words in ran.reasons["pick"]


def test_what_lies_below_a_chosen_one_goes_on_and_no_order_of_ends_matters(project: Project) -> None:
    ran = project.run(
        """
tasks:
  pick: {branch: {python: {script: "return 'a'"}}}
  bad: {bash: "exit 1", allow_failure: true}
  a: {noop: , needs: pick}
  b: {noop: , needs: [pick, bad]}
  both: {noop: , needs: [pick, a]}
"""
    )
    assert (ran.states["b"], ran.states["both"], ran.state) == ("skipped", "success", "success")


def test_ids_are_sought_from_where_the_branch_stands(project: Project) -> None:
    ran = project.run(
        """
tasks:
  a: {noop: , needs: g.pick}
  g:
    tasks:
      pick: {branch: "'a'"}
      a: {noop: , needs: pick}
      b: {noop: , needs: pick}
  pick: {branch: "'h'"}
  h:
    needs: pick
    tasks:
      x: {noop: }
      y: {noop: , needs: x}
  other: {noop: , needs: pick}
"""
    )
    assert {task for task, state in ran.states.items() if state == "skipped"} == {"a", "g.b", "other"}


def test_chains_choose_for_themselves_and_what_follows_all_goes_by_any(project: Project) -> None:
    ran = project.run(
        """
tasks:
  g:
    foreach: [1, 2]
    tasks:
      pick: {branch: "'one' if item == 1 else 'two'"}
      one: {noop: , needs: pick}
      two: {noop: , needs: pick}
  go: {short_circuit: item > 1, foreach: [1, 2]}
  after: {noop: , needs: go}
  stop: {short_circuit: item > 2, foreach: [1, 2]}
  never: {noop: , needs: stop, foreach: [1, 2]}
"""
    )
    states = ran.states
    assert [states[f"g.{task}[{index}]"] for task in ("one", "two") for index in (0, 1)] == [
        "success",
        "skipped",
        "skipped",
        "success",
    ]
    assert (states["after"], states["never"]) == ("success", "skipped")


@pytest.mark.parametrize(
    "what", ["false", '"params.n > 3"', '{go: "{{ false }}"}', "{python: {script: return 0}}", '"none"']
)
def test_a_short_circuit_skips_all_below_whatever_their_rules(project: Project, what: str) -> None:
    ran = project.run(
        f"""
params: {{n: 2}}
tasks:
  go: {{short_circuit: {what}}}
  a: {{noop: , needs: go}}
  b: {{noop: , needs: a, trigger_rule: all_done}}
  c: {{noop: , needs: [b, free], trigger_rule: always}}
  free: {{noop: }}
"""
    )
    assert ran.states == {"go": "success", "a": "skipped", "b": "skipped", "c": "skipped", "free": "success"}
    assert ran.reasons["c"] == "`go` says not to go on"


def test_a_short_circuit_that_goes_on_or_fails_leaves_it_to_the_rules(project: Project) -> None:
    ran = project.run(
        """
tasks:
  say: {bash: "echo '\\"no\\"' > $YAMLDAG_OUTPUT"}
  go: {short_circuit: "1 < 2"}
  a: {bash: "test {{ tasks.go.output }} = true", needs: go}
  text: {short_circuit: tasks.say.output, allow_failure: true}
  b: {noop: , needs: text, trigger_rule: all_done}
"""
    )
    assert ran.states == {
        "say": "success",
        "go": "success",
        "a": "success",
        "text": "failed",
        "b": "success",
    }
    assert "text is neither true nor false" in ran.reasons["text"]


def test_teardowns_are_not_skipped(project: Project) -> None:
    ran = project.run(
        """
tasks:
  make: {noop: , setup: true}
  go: {short_circuit: false, needs: make}
  work: {noop: , needs: go}
  clean: {noop: , teardown_of: make, needs: work}
"""
    )
    assert ran.states == {"make": "success", "go": "success", "work": "skipped", "clean": "success"}


def test_a_branch_that_is_cleared_chooses_anew(project: Project, serve: Serve) -> None:
    project.write(
        "pipelines/p.yml",
        """
pipeline: p
tasks:
  pick: {branch: {python: {script: "return open('which').read()"}}}
  a: {noop: , needs: pick}
  b: {noop: , needs: pick}
  last: {noop: , needs: [a, b], trigger_rule: none_failed_min_one_success}
""",
    )
    which = project.folder / "pipelines" / "which"
    which.write_text("a")
    served = serve()
    run = project("trigger", "p", "--wait", "--json").json["run_id"]

    def states() -> dict[str, str]:
        return {row["id"]: row["state"] for row in project("tasks", run, "--json").json["tasks"]}

    assert states() == {"pick": "success", "a": "success", "b": "skipped", "last": "success"}
    which.write_text("b")
    assert project("clear", run, "pick", "--yes").code == 0
    chosen_anew = {"pick": "success", "a": "skipped", "b": "success", "last": "success"}
    served.see(lambda page: states() == chosen_anew)
