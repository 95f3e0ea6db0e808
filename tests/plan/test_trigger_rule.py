"""Trigger rules: the whole table for one and two parents, and what must hold for any number."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamldag.plan.trigger_rule import RULES, Decision, decide

ENDS = ("success", "failed", "upstream_failed", "skipped")
ROWS = list(csv.DictReader((Path(__file__).parent / "trigger_rule_table.csv").read_text().splitlines()))


def answer(rule: str, parents: Iterable[str]) -> Decision:
    count = Counter(parents)
    s, f, u, k = (count[end] for end in ENDS)
    return decide(rule, s, f, u, k, count.total())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['trigger_rule']}-{row['upstream_states']}")
def test_the_table_for_one_and_two_parents(row: dict[str, str]) -> None:
    assert answer(row["trigger_rule"], row["upstream_states"].split("+")) == row["result"]


def test_the_table_names_every_rule() -> None:
    assert {row["trigger_rule"] for row in ROWS} == set(RULES)
    assert len(RULES) == 13


@pytest.mark.parametrize("rule", RULES)
def test_a_task_without_parents_runs(rule: str) -> None:
    assert answer(rule, []) == "run"


THREE = [
    ("all_success", "success success running", "wait"),
    ("all_success", "success skipped running", "wait"),
    ("all_success", "skipped running failed", "upstream_failed"),
    ("all_success", "success skipped success", "skipped"),
    ("none_failed", "skipped skipped success", "run"),
    ("none_failed_min_one_success", "skipped skipped skipped", "skipped"),
    ("all_failed", "failed failed upstream_failed", "run"),
    ("all_skipped", "skipped skipped upstream_failed", "skipped"),
    ("one_success", "failed skipped running", "wait"),
    ("one_success", "failed skipped skipped", "upstream_failed"),
    ("one_failed", "running running upstream_failed", "run"),
    ("one_done", "upstream_failed skipped skipped", "skipped"),
    ("all_done_min_one_success", "failed success running", "wait"),
    ("all_done_min_one_success", "failed upstream_failed failed", "upstream_failed"),
]


@pytest.mark.parametrize(("rule", "parents", "wanted"), THREE)
def test_three_parents(rule: str, parents: str, wanted: str) -> None:
    assert answer(rule, parents.split()) == wanted


@given(st.sampled_from(RULES), st.lists(st.sampled_from(ENDS), max_size=8), st.data())
def test_no_answer_depends_on_which_parent_ended_first(
    rule: str, ends: list[str], data: st.DataObject
) -> None:
    """Whatever order parents end in, the first answer that is no "wait" is the last one too."""
    final = answer(rule, ends)
    assert final != "wait"
    order = data.draw(st.permutations(range(len(ends))))
    seen = ["running"] * len(ends)
    for index in order:
        seen[index] = ends[index]
        assert answer(rule, seen) in {"wait", final}


@given(st.sampled_from(RULES), st.lists(st.sampled_from((*ENDS, "running")), min_size=1, max_size=5))
def test_a_rule_waits_only_while_another_end_could_change_the_answer(rule: str, parents: list[str]) -> None:
    """A wait for one last parent means that its four ends don't all come to the same."""
    if parents.count("running") != 1 or answer(rule, parents) != "wait":
        return
    index = parents.index("running")
    outcomes = {answer(rule, [*parents[:index], end, *parents[index + 1 :]]) for end in ENDS}
    assert "wait" not in outcomes
    assert len(outcomes) > 1 or rule in {"all_done", "all_done_setup_success"}
