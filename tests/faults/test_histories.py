"""The judge of the fault tests sees what it is there to see."""

from __future__ import annotations

import pytest

from tests.faults.histories import Attempt, History, judge, judge_made

GOOD = [Attempt(1, 7, 1, "failed", "lost"), Attempt(2, 7, 2, "success", "exit")]
TOLD: History = [(1, "begin"), (2, "begin"), (2, "end")]


def counts(history: History, attempts: list[Attempt]) -> tuple[int, ...]:
    return tuple(judge(history, attempts).counts.values())


def test_what_was_lost_and_ran_again_is_in_order() -> None:
    assert judge(TOLD, GOOD).acquit() == {"lost": 0, "doubled": 0, "unexplained": 0}


@pytest.mark.parametrize(
    ("history", "attempts", "lost", "doubled", "unexplained"),
    [
        (TOLD, [GOOD[0], Attempt(2, 7, 2, "failed", "exit")], 1, 0, 0),
        ([*TOLD, (2, "end")], GOOD, 0, 1, 0),
        ([(2, "begin"), (1, "begin"), (2, "end")], GOOD, 0, 1, 0),
        ([*TOLD, (3, "begin")], GOOD, 0, 0, 1),
        (TOLD[:-1], GOOD, 0, 0, 1),
        ([(2, "end")], GOOD, 0, 0, 2),
    ],
    ids=[
        "a success is recorded as a failure", "it ended twice", "its forerunner was alive", "it is not recorded",
        "a success never said so", "it never began",
    ],
)  # fmt: skip
def test_it_counts_what_is_wrong(
    history: History, attempts: list[Attempt], lost: int, doubled: int, unexplained: int
) -> None:
    assert counts(history, attempts) == (lost, doubled, unexplained)
    with pytest.raises(AssertionError):
        judge(history, attempts).acquit()


def test_a_task_without_a_history_has_nothing_to_say() -> None:
    assert counts([], [Attempt(1, 7, 1, "success", "exit", speaks=False)]) == (0, 0, 0)


def test_it_counts_runs_that_are_missing_twice_there_or_unwanted() -> None:
    assert tuple(judge_made(["a", "b", "c"], ["a", "a", "x"]).counts.values()) == (2, 1, 1)
