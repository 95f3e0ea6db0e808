"""What must hold in the database at any moment, whoever died when: each a query for the rows that break it.

One query sees one snapshot, so they can be asked of a database at work. All run on each kind of database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from yamldag.plan.state import ATTEMPT_FINAL, FINAL, RUN_FINAL


class Invariant(Struct, frozen=True):
    name: str
    words: str
    """What holds, as a sentence."""
    query: str
    """The rows for which it does not. The first column is the run, or the pipeline or pool; the others say more."""


class Broken(Struct, frozen=True):
    """One row that breaks one invariant."""

    invariant: Invariant
    row: tuple[Any, ...]

    @property
    def where(self) -> str:
        return " ".join(str(each) for each in self.row if each is not None)


Ask = Callable[[str], Iterable[Sequence[Any]]]
"""A query to its rows."""


def _words(states: Iterable[str]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


_ENDED = _words(FINAL)
_RUN_ENDED = _words(RUN_FINAL)
_ATTEMPT_ENDED = _words(ATTEMPT_FINAL)
_WAITS = "'deferred', 'up_for_reschedule'"
_ENDS_ATTEMPT = "'succeed', 'fail', 'retry', 'lose'"
_ENDS_RUN = "'succeed', 'fail', 'cancel', 'clear'"

_RUNS = (
    Invariant(
        "one-run-per-tick",
        "each tick of a pipeline has one scheduled run",
        "SELECT pipeline, tick, count(*) FROM run WHERE tick IS NOT NULL GROUP BY pipeline, tick HAVING count(*) > 1",
    ),
    Invariant(
        "run-has-its-times",
        "a run has an end if it is over, and a plan, a start and an owner if it is running",
        "SELECT id, state FROM run "
        f"WHERE (ended IS NULL AND state IN ({_RUN_ENDED})) OR (ended IS NOT NULL AND state = 'running') "
        "OR (state = 'running' AND (version IS NULL OR started IS NULL OR owner IS NULL))",
    ),
    Invariant(
        "ended-run-is-done",
        "nothing is unfinished in a run that is over",
        "SELECT run.id, task, map_index, task_instance.state FROM run "
        "JOIN task_instance ON task_instance.run = run.id "
        f"WHERE run.state IN ({_RUN_ENDED}) AND task_instance.state NOT IN ({_ENDED})",
    ),
    Invariant(
        "queued-run-is-still",
        "nothing is carried out in a run that waits to start",
        "SELECT run.id, task, map_index, task_instance.state FROM run "
        "JOIN task_instance ON task_instance.run = run.id "
        "WHERE run.state = 'queued' AND task_instance.state IN ('queued', 'running', 'deferred')",
    ),
    Invariant(
        "failed-run-has-a-reason",
        "a run failed because a task did, or because it was stopped, or could not begin",
        "SELECT id FROM run WHERE state = 'failed' AND stop IS NULL AND reason IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM task_instance "
        "WHERE task_instance.run = run.id AND task_instance.state IN ('failed', 'upstream_failed'))",
    ),
    Invariant(
        "run-as-its-log",
        "the log of a run that is over ends with its state",
        "SELECT run.id, run.state, event.state FROM run LEFT JOIN event ON event.id = ("
        "SELECT max(last.id) FROM event last WHERE last.run = run.id AND last.instance IS NULL "
        f"AND last.event IN ({_ENDS_RUN})) "
        f"WHERE run.state IN ({_RUN_ENDED}) AND (event.id IS NULL OR event.state <> run.state)",
    ),
)

_INSTANCES = (
    Invariant(
        "running-task-has-its-attempt",
        "a running task has one running attempt, its newest",
        "SELECT task_instance.run, task, map_index, attempt.state FROM task_instance "
        "LEFT JOIN attempt ON attempt.id = task_instance.attempt AND attempt.instance = task_instance.id "
        "AND attempt.number = task_instance.attempts "
        "WHERE task_instance.state = 'running' AND (attempt.id IS NULL OR attempt.state <> 'running')",
    ),
    Invariant(
        "one-attempt-at-a-time",
        "no task has two attempts that are under way",
        "SELECT task_instance.run, task, map_index, count(*) FROM attempt "
        "JOIN task_instance ON task_instance.id = attempt.instance "
        f"WHERE attempt.state NOT IN ({_ATTEMPT_ENDED}) "
        "GROUP BY task_instance.run, task, map_index HAVING count(*) > 1",
    ),
    Invariant(
        "running-attempt-of-running-task",
        "an attempt runs only while its task does",
        "SELECT task_instance.run, task, map_index, attempt.number, task_instance.state FROM attempt "
        "JOIN task_instance ON task_instance.id = attempt.instance "
        "WHERE attempt.state = 'running' AND task_instance.state <> 'running'",
    ),
    Invariant(
        "ended-task-is-done",
        "a task that is over has no attempt under way",
        "SELECT task_instance.run, task, map_index, attempt.number, attempt.state FROM attempt "
        "JOIN task_instance ON task_instance.id = attempt.instance "
        f"WHERE attempt.state NOT IN ({_ATTEMPT_ENDED}) AND task_instance.state IN ({_ENDED})",
    ),
    Invariant(
        "attempts-are-numbered",
        "the attempts of a task are numbered from 1 without gaps",
        "SELECT task_instance.run, task, map_index, attempts, count(attempt.id) FROM task_instance "
        "LEFT JOIN attempt ON attempt.instance = task_instance.id "
        "GROUP BY task_instance.id, task_instance.run, task, map_index, attempts "
        "HAVING attempts <> count(attempt.id) OR attempts <> coalesce(max(attempt.number), 0)",
    ),
    Invariant(
        "tries-are-attempts",
        "no more tries count against the retries than there were attempts",
        "SELECT run, task, map_index, tries, attempts FROM task_instance WHERE tries < -1 OR tries > attempts",
    ),
    Invariant(
        "attempt-ends-once",
        "the log tells one end of an attempt at most",
        "SELECT event.run, event.attempt, count(*) FROM event "
        f"WHERE event.attempt IS NOT NULL AND event.event IN ({_ENDS_ATTEMPT}) AND event.instance NOT IN ("
        "SELECT other.instance FROM event other WHERE other.event = 'clear' AND other.instance IS NOT NULL) "
        "GROUP BY event.run, event.attempt HAVING count(*) > 1",
    ),
    Invariant(
        "task-as-its-log",
        "the log of a task ends with its state",
        "SELECT task_instance.run, task, map_index, task_instance.state, event.state FROM task_instance "
        "LEFT JOIN (SELECT instance, max(id) AS newest FROM event WHERE instance IS NOT NULL GROUP BY instance) told "
        "ON told.instance = task_instance.id LEFT JOIN event ON event.id = told.newest "
        # An instance made by expansion, of what was decided before, has no log of its own.
        "WHERE (event.id IS NULL AND task_instance.state <> 'none' AND map_index <= 0) "
        "OR (event.id IS NOT NULL AND event.state <> task_instance.state)",
    ),
    Invariant(
        "outputs-of-successes",
        "only a task that has succeeded has an output",
        "SELECT task_instance.run, task, map_index, state FROM output "
        "JOIN task_instance ON task_instance.id = output.instance WHERE state <> 'success'",
    ),
    Invariant(
        "instances-are-mapped-or-not",
        "a task stands for itself or for its items, never both",
        "SELECT run, task, min(map_index), max(map_index), count(*) FROM task_instance "
        "GROUP BY run, task HAVING min(map_index) = -1 AND count(*) > 1",
    ),
)

_ROOM = (
    Invariant(
        "claims-of-the-unfinished",
        "only a task that is not over claims slots of a pool",
        "SELECT task_instance.run, task, map_index, task_instance.state, pool FROM pool_claim "
        "JOIN task_instance ON task_instance.id = pool_claim.instance "
        f"WHERE task_instance.state IN ({_ENDED})",
    ),
    Invariant(
        "deferrals-of-the-deferred",
        "what a task waits for is kept exactly while it waits",
        "SELECT task_instance.run, task, map_index, state FROM deferral "
        "JOIN task_instance ON task_instance.id = deferral.instance "
        f"WHERE state NOT IN ({_WAITS}) "
        "UNION ALL SELECT task_instance.run, task, map_index, state FROM task_instance "
        "WHERE state = 'deferred' "
        "AND NOT EXISTS (SELECT 1 FROM deferral WHERE deferral.instance = task_instance.id)",
    ),
)

INVARIANTS = (*_RUNS, *_INSTANCES, *_ROOM)

SUCCESS = Invariant(
    "success-without-failure",
    "a run succeeds only without a failed task, but for those with `allow_failure`",
    "SELECT run.id, task, map_index, task_instance.state, plan FROM run "
    "JOIN task_instance ON task_instance.run = run.id "
    "JOIN pipeline_version ON pipeline_version.hash = run.version "
    "WHERE run.state = 'success' AND task_instance.state IN ('failed', 'upstream_failed')",
)
"""Whether a failure is allowed stands in the plan, the query's last column."""

CROWDED = Invariant(
    "pools-hold",
    "no more slots of a pool are held than it has (for a while so, once it was made smaller)",
    "SELECT pool.name, pool.slots, sum(pool_claim.slots) FROM pool "
    "JOIN pool_claim ON pool_claim.pool = pool.name AND pool_claim.granted = 1 "
    "GROUP BY pool.name, pool.slots HAVING sum(pool_claim.slots) > pool.slots",
)

ABANDONED = Invariant(
    "runs-have-owners",
    "a running run is moved by an engine that has not ended (the next start of one takes it over)",
    "SELECT run.id, run.owner FROM run JOIN runner ON runner.id = run.owner "
    "WHERE run.state = 'running' AND runner.ended IS NOT NULL",
)

ALL = (*INVARIANTS, SUCCESS, CROWDED, ABANDONED)
PASSING = (CROWDED, ABANDONED)
"""These may be so for a while, and mend themselves."""


def broken(ask: Ask, invariants: Iterable[Invariant] = ALL) -> Iterator[Broken]:
    """Every row that breaks one of them."""
    for invariant in invariants:
        for row in ask(invariant.query):
            if invariant is not SUCCESS:
                yield Broken(invariant, tuple(row))
            elif not _allowed(row):
                yield Broken(invariant, tuple(row)[:-1])


def _allowed(row: Sequence[Any]) -> bool:
    try:
        tasks = json.loads(row[-1])["tasks"]
        return any(task["id"] == row[1] and task["allow_failure"] for task in tasks)
    except (ValueError, TypeError, LookupError):
        return True  # nobody knows; what can't be read is told of apart
