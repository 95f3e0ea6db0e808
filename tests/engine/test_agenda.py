"""Which of the queued runs begin: the oldest first, however few at a time."""

from __future__ import annotations

import random

from yamldag.engine.schedule.agenda import Agenda
from yamldag.engine.schedule.known import Known, known
from yamldag.plan.pipeline import Plan
from yamldag.store.schedules import QueuedRun


def queued(chance: random.Random, pipeline: str, number: int) -> QueuedRun:
    date = f"2026-01-{chance.randrange(1, 9):02}T00:00:00.000000Z"
    return QueuedRun(f"{pipeline}-{number}", pipeline, "scheduled", date, date, date, "{}", 0.0)


def taken(agenda: Agenda, pipelines: dict[str, Known], most: int | None) -> list[str]:
    """The ids of all that begin until nothing hurries."""
    found: list[str] = []
    while True:
        portion = agenda.take(pipelines, most)
        assert most is None or len(portion) <= most
        for row, _ in portion:
            agenda.began(row.pipeline, row.id)
            found.append(row.id)
        if not agenda.hurries:
            return found


def test_portions_are_what_all_at_once_would_be() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        pipelines = {
            name: known(Plan(name, max_active_runs=chance.randrange(1, 4)), "", "v", name) for name in "abcde"
        }
        rows = [queued(chance, chance.choice("abcde"), number) for number in range(20)]
        whole, parts = Agenda(0.0), Agenda(0.0)
        for agenda in (whole, parts):
            agenda.adopt(pipelines)
            agenda.queued(rows)
        at_once = taken(whole, pipelines, None)
        assert taken(parts, pipelines, chance.randrange(1, 6)) == at_once, seed
        assert parts.waiting == whole.waiting == len(rows) - len(at_once)
