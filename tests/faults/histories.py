"""What task bodies write about themselves (`ATTEMPT begin`, `ATTEMPT end`: a line each, in the order of time) held
against what the database says of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Attempt:
    id: int
    instance: int
    number: int
    state: str
    reason: str | None


def read(path: Path) -> list[tuple[int, str]]:
    """(attempt, `begin` or `end`), in order."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(line.split()[0]), line.split()[1]) for line in lines]


def unexplained(history: list[tuple[int, str]], attempts: Iterable[Attempt]) -> list[str]:
    """All that the database cannot account for, in words."""
    known = {each.id: each for each in attempts}
    found = [
        f"attempt {attempt} said {what} {count} times"
        for (attempt, what), count in Counter(history).items()
        if count > 1
    ]
    found += [f"attempt {attempt} is not recorded" for attempt, _ in history if attempt not in known]
    newest: dict[int, int] = {}
    for attempt, what in history:
        if attempt in known:
            one = known[attempt]
            if one.number < newest.get(one.instance, 0):
                found.append(f"attempt {attempt} said {what} after the next one had begun")
            newest[one.instance] = max(one.number, newest.get(one.instance, 0))
    told = set(history)
    for each in known.values():
        if (
            (each.id, "end") in told
            and (each.state, each.reason) != ("success", "exit")
            and each.reason != "lost"
        ):
            found.append(f"attempt {each.id} ended well, and is recorded as {each.state}, {each.reason}")
        if each.state == "success" and (each.id, "end") not in told:
            found.append(f"attempt {each.id} is recorded as a success, and never said so")
    return found
