"""The tables of moves hold together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamldag.plan import state
from yamldag.plan.state import AttemptState, Event, RunState, TaskState

TABLES: list[tuple[Any, Any, Any, Any]] = [
    (TaskState, state.TASK_MOVES, state.FINAL, state.TASK_MEANINGS),
    (RunState, state.RUN_MOVES, state.RUN_FINAL, state.RUN_MEANINGS),
    (AttemptState, state.ATTEMPT_MOVES, state.ATTEMPT_FINAL, state.ATTEMPT_MEANINGS),
]
WORDS = {
    TaskState: (
        "none scheduled queued running success failed skipped upstream_failed "
        "up_for_retry up_for_reschedule deferred removed"
    ),
    RunState: "queued running success failed cancelled",
    AttemptState: "queued running deferred success failed skipped",
}


def within(moves: Mapping[tuple[StrEnum, Event], StrEnum], start: StrEnum) -> set[StrEnum]:
    seen = {start}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        for (source, _), target in moves.items():
            if source == here and target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


@pytest.mark.parametrize(("states", "words"), WORDS.items())
def test_the_states_are_those_that_the_language_names(states: Iterable[StrEnum], words: str) -> None:
    assert " ".join(states) == words


@pytest.mark.parametrize(("states", "moves", "final", "meanings"), TABLES)
def test_every_state_is_reached_from_the_first_and_none_is_a_trap(
    states: Any, moves: Any, final: Any, meanings: Any
) -> None:
    first = next(iter(states))
    assert within(moves, first) == set(states)
    for here in states:
        assert within(moves, here) & final


@pytest.mark.parametrize(("states", "moves", "final", "meanings"), TABLES)
def test_every_state_says_what_is_true_in_it(states: Any, moves: Any, final: Any, meanings: Any) -> None:
    assert list(meanings) == list(states)
    assert all(text.endswith(".") and text.count(".") == 1 for text in meanings.values())


def test_the_final_states_are_what_we_think() -> None:
    assert frozenset({"success", "failed", "skipped", "upstream_failed", "removed"}) == state.FINAL
    assert frozenset({"success", "failed", "cancelled"}) == state.RUN_FINAL
    assert frozenset({"success", "failed", "skipped"}) == state.ATTEMPT_FINAL


def test_a_cancel_fails_what_was_begun_and_skips_what_was_not() -> None:
    answers = {
        str(here): str(move) for (here, event), move in state.TASK_MOVES.items() if event == Event.CANCEL
    }
    assert {here for here, move in answers.items() if move == "failed"} == {
        "running",
        "deferred",
        "up_for_reschedule",
    }
    assert {here for here, move in answers.items() if move == "skipped"} == {
        "none",
        "scheduled",
        "queued",
        "up_for_retry",
    }
    assert not answers.keys() & state.FINAL


def test_no_final_task_moves_but_by_a_clear() -> None:
    assert {event for (here, event) in state.TASK_MOVES if here in state.FINAL} == {Event.CLEAR}


@given(st.lists(st.sampled_from(Event), max_size=40))
def test_any_events_keep_an_attempt_within_its_states_and_its_end_is_the_end(events: list[Event]) -> None:
    here = AttemptState.QUEUED
    ended = False
    for event in events:
        move = state.ATTEMPT_MOVES.get((here, event))
        assert not (ended and move)
        here = move or here
        ended = here in state.ATTEMPT_FINAL


def test_the_diagram_shows_each_move_once() -> None:
    assert state.mermaid(state.RUN_MOVES) == (
        "stateDiagram-v2\n"
        "    [*] --> queued\n"
        "    queued --> running: start\n"
        "    queued --> cancelled: cancel\n"
        "    queued --> failed: fail\n"
        "    running --> success: succeed\n"
        "    running --> failed: fail\n"
        "    running --> cancelled: cancel\n"
        "    cancelled --> [*]\n"
        "    failed --> [*]\n"
        "    success --> [*]\n"
    )
    diagram = state.mermaid(state.TASK_MOVES)
    assert "running --> failed: fail, cancel" in diagram
    assert "up_for_retry --> skipped: cancel" in diagram
    assert "clear" not in diagram
