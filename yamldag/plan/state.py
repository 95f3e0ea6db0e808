"""States and moves as data: what is true in each state, and which event leads from one to the next.

The database's checks, the reference page with its diagram, the colours and the buttons are made from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar


class TaskState(StrEnum):
    """Of one task of a run, or of one instance of a mapped task."""

    NONE = "none"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    UPSTREAM_FAILED = "upstream_failed"
    UP_FOR_RETRY = "up_for_retry"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    DEFERRED = "deferred"
    REMOVED = "removed"


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DEFERRED = "deferred"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"


class Event(StrEnum):
    """What happens to a task, a run or an attempt; one word means the same for all three."""

    SCHEDULE = "schedule"
    QUEUE = "queue"
    START = "start"
    DEFER = "defer"
    RESCHEDULE = "reschedule"
    WAKE = "wake"
    SUCCEED = "succeed"
    FAIL = "fail"
    RETRY = "retry"
    LOSE = "lose"
    SKIP = "skip"
    BLOCK = "block"
    CANCEL = "cancel"
    REMOVE = "remove"
    CLEAR = "clear"
    NOTIFY = "notify"
    DEADLINE = "deadline"


TASK_MEANINGS: dict[TaskState, str] = {
    TaskState.NONE: "Its parents have not ended, or its conditions have not been asked yet.",
    TaskState.SCHEDULED: "Rule and conditions say run, and it waits for room: a pool, a bound, a worker.",
    TaskState.QUEUED: "It holds its pool slots, and an executor has been given its attempt.",
    TaskState.RUNNING: "Its attempt is being carried out.",
    TaskState.SUCCESS: "Its output is stored: its last attempt succeeded, or an earlier output was reused.",
    TaskState.FAILED: "Its last attempt failed and no retry is left, or it could not be attempted at all.",
    TaskState.SKIPPED: "It was decided that it does not run, by a rule, a condition, itself or a cancel.",
    TaskState.UPSTREAM_FAILED: "It can't run, because of how others before it ended.",
    TaskState.UP_FOR_RETRY: "An attempt failed, and the next one waits for its delay to pass.",
    TaskState.UP_FOR_RESCHEDULE: "It looked, did not find what it waits for, and will look again.",
    TaskState.DEFERRED: "Its attempt waits for a time, an event or a person, without worker and pool slot.",
    TaskState.REMOVED: "The item that it was an instance for is no longer in the list.",
}

RUN_MEANINGS: dict[RunState, str] = {
    RunState.QUEUED: "It is recorded, and waits for room among the pipeline's active runs.",
    RunState.RUNNING: "Its plan is fixed, and a task of it is unfinished.",
    RunState.SUCCESS: "Every task has ended, and none that counts is failed or upstream_failed.",
    RunState.FAILED: "A task that counts ended failed or upstream_failed, or the run took too long.",
    RunState.CANCELLED: "It was stopped by hand before it had ended.",
}

ATTEMPT_MEANINGS: dict[AttemptState, str] = {
    AttemptState.QUEUED: "An executor has been given it and has not begun.",
    AttemptState.RUNNING: "Its process runs, or its call is under way.",
    AttemptState.DEFERRED: "It waits without a worker.",
    AttemptState.SUCCESS: "It did what the task says, and its output fits the declared shape.",
    AttemptState.FAILED: "It ended otherwise: by its own exit, a time limit, a cancel, or a lost worker.",
    AttemptState.SKIPPED: "It asked to be skipped, or was cancelled before it began.",
}

TASK_MOVES: dict[tuple[TaskState, Event], TaskState] = {
    (TaskState.NONE, Event.SCHEDULE): TaskState.SCHEDULED,
    (TaskState.NONE, Event.SUCCEED): TaskState.SUCCESS,  # somebody has marked it
    (TaskState.NONE, Event.SKIP): TaskState.SKIPPED,
    (TaskState.NONE, Event.BLOCK): TaskState.UPSTREAM_FAILED,
    (TaskState.NONE, Event.FAIL): TaskState.FAILED,  # by its `when` or `foreach`, or it was marked
    (TaskState.NONE, Event.CANCEL): TaskState.SKIPPED,
    (TaskState.NONE, Event.REMOVE): TaskState.REMOVED,
    (TaskState.SCHEDULED, Event.QUEUE): TaskState.QUEUED,
    (TaskState.SCHEDULED, Event.SUCCEED): TaskState.SUCCESS,  # a cached output: no attempt
    (TaskState.SCHEDULED, Event.SKIP): TaskState.SKIPPED,
    (TaskState.SCHEDULED, Event.FAIL): TaskState.FAILED,
    (TaskState.SCHEDULED, Event.CANCEL): TaskState.SKIPPED,
    (TaskState.QUEUED, Event.START): TaskState.RUNNING,
    (TaskState.QUEUED, Event.FAIL): TaskState.FAILED,
    (TaskState.QUEUED, Event.RETRY): TaskState.UP_FOR_RETRY,
    (TaskState.QUEUED, Event.LOSE): TaskState.SCHEDULED,  # a lost worker costs no retry
    (TaskState.QUEUED, Event.CANCEL): TaskState.SKIPPED,
    (TaskState.RUNNING, Event.SUCCEED): TaskState.SUCCESS,
    (TaskState.RUNNING, Event.FAIL): TaskState.FAILED,
    (TaskState.RUNNING, Event.RETRY): TaskState.UP_FOR_RETRY,
    (TaskState.RUNNING, Event.SKIP): TaskState.SKIPPED,
    (TaskState.RUNNING, Event.DEFER): TaskState.DEFERRED,
    (TaskState.RUNNING, Event.RESCHEDULE): TaskState.UP_FOR_RESCHEDULE,
    (TaskState.RUNNING, Event.LOSE): TaskState.SCHEDULED,
    (TaskState.RUNNING, Event.CANCEL): TaskState.FAILED,
    (TaskState.UP_FOR_RETRY, Event.WAKE): TaskState.SCHEDULED,
    (TaskState.UP_FOR_RETRY, Event.CANCEL): TaskState.SKIPPED,
    (TaskState.UP_FOR_RESCHEDULE, Event.WAKE): TaskState.SCHEDULED,
    (TaskState.UP_FOR_RESCHEDULE, Event.FAIL): TaskState.FAILED,
    (TaskState.UP_FOR_RESCHEDULE, Event.RETRY): TaskState.UP_FOR_RETRY,
    (TaskState.UP_FOR_RESCHEDULE, Event.SKIP): TaskState.SKIPPED,
    (TaskState.UP_FOR_RESCHEDULE, Event.CANCEL): TaskState.FAILED,
    (TaskState.DEFERRED, Event.WAKE): TaskState.SCHEDULED,
    (TaskState.DEFERRED, Event.SUCCEED): TaskState.SUCCESS,
    (TaskState.DEFERRED, Event.FAIL): TaskState.FAILED,
    (TaskState.DEFERRED, Event.RETRY): TaskState.UP_FOR_RETRY,
    (TaskState.DEFERRED, Event.SKIP): TaskState.SKIPPED,
    (TaskState.DEFERRED, Event.CANCEL): TaskState.FAILED,
} | {(state, Event.CLEAR): TaskState.NONE for state in TaskState}

RUN_MOVES: dict[tuple[RunState, Event], RunState] = {
    (RunState.QUEUED, Event.START): RunState.RUNNING,
    (RunState.QUEUED, Event.CANCEL): RunState.CANCELLED,
    (RunState.QUEUED, Event.FAIL): RunState.FAILED,  # its params do not fit its plan any more
    (RunState.RUNNING, Event.SUCCEED): RunState.SUCCESS,
    (RunState.RUNNING, Event.FAIL): RunState.FAILED,
    (RunState.RUNNING, Event.CANCEL): RunState.CANCELLED,
} | {(state, Event.CLEAR): RunState.QUEUED for state in RunState}

ATTEMPT_MOVES: dict[tuple[AttemptState, Event], AttemptState] = {
    (AttemptState.QUEUED, Event.START): AttemptState.RUNNING,
    (AttemptState.QUEUED, Event.FAIL): AttemptState.FAILED,
    (AttemptState.QUEUED, Event.LOSE): AttemptState.FAILED,
    (AttemptState.QUEUED, Event.CANCEL): AttemptState.SKIPPED,
    (AttemptState.RUNNING, Event.SUCCEED): AttemptState.SUCCESS,
    (AttemptState.RUNNING, Event.FAIL): AttemptState.FAILED,
    (AttemptState.RUNNING, Event.LOSE): AttemptState.FAILED,
    (AttemptState.RUNNING, Event.SKIP): AttemptState.SKIPPED,
    (AttemptState.RUNNING, Event.CANCEL): AttemptState.FAILED,
    (AttemptState.RUNNING, Event.DEFER): AttemptState.DEFERRED,
    (AttemptState.DEFERRED, Event.WAKE): AttemptState.QUEUED,
    (AttemptState.DEFERRED, Event.SUCCEED): AttemptState.SUCCESS,
    (AttemptState.DEFERRED, Event.FAIL): AttemptState.FAILED,
    (AttemptState.DEFERRED, Event.SKIP): AttemptState.SKIPPED,
    (AttemptState.DEFERRED, Event.CANCEL): AttemptState.FAILED,
}

State = TypeVar("State", bound=StrEnum)


def final(states: Iterable[State], moves: Mapping[tuple[State, Event], State]) -> frozenset[State]:
    """The states that nothing but a clear leads out of."""
    return frozenset(states) - {state for state, event in moves if event is not Event.CLEAR}


FINAL = final(TaskState, TASK_MOVES)
RUN_FINAL = final(RunState, RUN_MOVES)
ATTEMPT_FINAL = final(AttemptState, ATTEMPT_MOVES)


def mermaid(moves: Mapping[tuple[State, Event], State]) -> str:
    """The table as a Mermaid state diagram: one arrow between two states, and none for clears."""
    words: dict[tuple[State, State], list[str]] = {}
    for (source, event), target in moves.items():
        if event is not Event.CLEAR:
            words.setdefault((source, target), []).append(event)
    first = next(iter(moves))[0]
    lines = [f"{source} --> {target}: {', '.join(events)}" for (source, target), events in words.items()]
    left = {source for source, _ in words}
    ends = dict.fromkeys(f"{target} --> [*]" for _, target in words if target not in left)
    return "\n    ".join(["stateDiagram-v2", f"[*] --> {first}", *lines, *ends]) + "\n"
