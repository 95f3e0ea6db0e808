"""What is asked of runs under way, and not done yet: it waits until attempts have ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from yamldag.engine.loop.requests import wish_of
from yamldag.engine.memory.reading import Unreadable
from yamldag.engine.step.choice import choose
from yamldag.engine.step.clearing import fact_of
from yamldag.plan.state import FINAL, TaskState
from yamldag.store import circumstances
from yamldag.store.requests import StoredRequest

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.engine.memory.run import Instance, Run

_UNDER_WAY = frozenset(TaskState) - FINAL - {TaskState.NONE, TaskState.SCHEDULED, TaskState.UP_FOR_RETRY}


def next_version(db: sa.Connection, row: sa.RowMapping) -> int | None:
    """The number of the version that a run goes on by, as soon as what runs of it has ended."""
    if row["state"] != "running":
        return None
    return next((each["number"] for each in circumstances.asked(db, run=row["id"]) if each["version"]), None)


def awaited(db: sa.Connection, pipeline: str) -> Counter[str]:
    """How many runs under way are to go on by each version, by its hash."""
    asked = circumstances.asked(db, pipeline=pipeline)
    return Counter({each["run"]: each["version"] for each in asked if each["version"]}.values())


def is_to_stop(db: sa.Connection, row: sa.RowMapping) -> bool:
    """Whether somebody has asked to cancel a run, and whoever moves it has not done so yet."""
    return any(each["kind"] in ("cancel", "kill") for each in circumstances.asked(db, run=row["id"]))


def held(db: sa.Connection, row: sa.RowMapping, run: Run, instance: Instance) -> str | None:
    """Why an instance does not go on though nothing else is in its way: it is to be cleared first."""
    for each in circumstances.asked(db, run=row["id"]):
        if each["kind"] not in ("clear", "mark"):
            continue
        if each["version"]:
            left = sum(one.state in _UNDER_WAY for one in run.instances)
            return f"the run goes on by version {each['number']} of its pipeline, as soon as {_ended(left)}"
        if _is_meant(each, run, instance):
            word = "cleared" if each["kind"] == "clear" else "marked"
            return f"it is to be {word}, as soon as what runs of all that is {word} with it has ended"
    return None


def _ended(left: int) -> str:
    if left == 0:
        return "its scheduler has done that"
    return f"{left} {'task' if left == 1 else 'tasks'} under way {'has' if left == 1 else 'have'} ended"


def _is_meant(each: sa.RowMapping, run: Run, instance: Instance) -> bool:
    try:
        wish = wish_of(StoredRequest(0, run.id, each["kind"], each["detail"]))
    except Unreadable:
        return False
    choice = choose([node.task for node in run.nodes.values()], map(fact_of, run.instances), wish)
    fact = fact_of(instance)
    return choice.has(fact.task, fact.index)
