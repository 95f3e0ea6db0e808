"""One judge of all fault tests: what task bodies wrote about themselves (`ATTEMPT begin`, `ATTEMPT end`: a line each, in
the order of time), and the runs that were to be, held against what the database says. It counts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

History = list[tuple[int, str]]
"""(attempt, `begin` or `end`), in order."""
MARK = "YAMLDAG_ATTEMPT_ID"
"""Whoever writes a history names it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    id: int
    instance: int
    number: int
    state: str
    reason: str | None
    speaks: bool = True
    """Its body writes a history."""


@dataclass(slots=True)
class Verdict:
    """What is wrong, in words, by what a promise calls it."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {
            "lost": len(self.lost),
            "doubled": len(self.doubled),
            "unexplained": len(self.unexplained),
        }

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            self.lost + other.lost, self.doubled + other.doubled, self.unexplained + other.unexplained
        )

    def acquit(self, words: str = "") -> dict[str, int]:
        """The counts, which must all be 0."""
        assert not any(self.counts.values()), f"{self}\n{words}"
        return self.counts


def read(path: Path) -> History:
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(line.split()[0]), line.split()[1]) for line in lines]


def attempts_of(ask: Callable[[str], Iterable[Any]]) -> list[Attempt]:
    """All that the database knows."""
    plans = dict(ask("SELECT run.id, plan FROM run JOIN pipeline_version ON hash = version"))
    speakers = {
        (run, task["id"])
        for run, plan in plans.items()
        for task in json.loads(plan)["tasks"]
        if MARK in json.dumps(task)
    }
    rows = ask(
        "SELECT attempt.id, instance, number, attempt.state, attempt.reason, run, task FROM attempt "
        "JOIN task_instance ON task_instance.id = instance ORDER BY instance, number"
    )
    return [
        Attempt(id_, instance, number, state, reason, (run, task) in speakers)
        for id_, instance, number, state, reason, run, task in rows
    ]


def judge(history: History, attempts: Iterable[Attempt]) -> Verdict:
    """Of bodies."""
    found = Verdict()
    known = {each.id: each for each in attempts}
    told = Counter(history)
    found.doubled += [f"attempt {id_} said {what} {n} times" for (id_, what), n in told.items() if n > 1]
    found.doubled += _side_by_side(history, known)
    found.unexplained += [
        f"attempt {id_} is not recorded"
        for id_ in dict.fromkeys(id_ for id_, _ in history)
        if id_ not in known
    ]
    for each in known.values():
        ended, well = (each.id, "end") in told, (each.state, each.reason) == ("success", "exit")
        if ended and not well and each.reason != "lost":
            found.lost.append(f"attempt {each.id} ended well, and is recorded as {each.state}, {each.reason}")
        if each.state == "success" and each.speaks and not ended:
            found.unexplained.append(f"attempt {each.id} is recorded as a success, and never said so")
        if each.reason == "exit" and each.speaks and (each.id, "begin") not in told:
            found.unexplained.append(f"attempt {each.id} has ended by itself, and never began")
        if ended and (each.id, "begin") not in told:
            found.unexplained.append(f"attempt {each.id} said end, and not begin")
    return found


def _side_by_side(history: History, known: dict[int, Attempt]) -> Iterator[str]:
    newest: dict[int, int] = {}
    for id_, what in history:
        if one := known.get(id_):
            if one.number < newest.get(one.instance, 0):
                yield f"attempt {id_} said {what} after the next one had begun"
            newest[one.instance] = max(one.number, newest.get(one.instance, 0))


def judge_made(wanted: Iterable[Hashable], made: Iterable[Hashable]) -> Verdict:
    """Of runs, or of their ticks: each that is wanted is made once, and no other."""
    wanted, counts = dict.fromkeys(wanted), Counter(made)
    return Verdict(
        [f"{each} was not made" for each in wanted if not counts[each]],
        [f"{each} was made {number} times" for each, number in counts.items() if number > 1],
        [f"nobody wanted {each}" for each in counts if each not in wanted],
    )
