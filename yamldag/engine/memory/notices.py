"""What somebody is to be told of: one call of a notification, on one occasion."""

from __future__ import annotations

from msgspec import Struct

from yamldag.engine.memory.run import Instance, Run
from yamldag.plan.pipeline import Call, Plan, Task
from yamldag.plan.state import Event

CAUSES = {Event.FAIL: "failure", Event.SUCCEED: "success", Event.RETRY: "retry"}
"""What follows from a move: the `on_…` that is called. Cancels and blocks call nothing."""


class Notice(Struct, frozen=True, eq=False):
    """What it tells is as it was on its occasion: a retry goes on meanwhile."""

    id: int
    run: Run
    instance: Instance | None
    """None: it is of the run itself."""
    occasion: int
    """The attempt; else the notice's own id; 0 for a deadline, which a run has once."""
    cause: str
    position: int
    """In the list of calls."""
    call: Call
    state: str
    """Of the task, or of the run."""
    attempt: int = 0
    """The number of the attempt."""
    error: str | None = None

    @property
    def title(self) -> str:
        """How people know it: `on_failure of load[0]`."""
        return f"on_{self.cause}" if self.instance is None else f"on_{self.cause} of {self.instance.label}"


def of_run(id_: int, run: Run, cause: str, position: int, call: Call) -> Notice:
    """Of what has just happened to a run."""
    occasion = 0 if cause == "deadline" else id_
    return Notice(id_, run, None, occasion, cause, position, call, run.state.value, error=run.reason)


def of_task(
    id_: int, instance: Instance, attempt: int | None, cause: str, position: int, call: Call
) -> Notice:
    """Of what has just happened to an instance; `attempt` is what has ended by it, if anything has."""
    seen = (instance.state.value, instance.attempts, instance.reason)
    return Notice(id_, instance.node.run, instance, attempt or id_, cause, position, call, *seen)


def calls(of: Plan | Task, cause: str) -> tuple[Call, ...]:
    """What is called, in order."""
    found: tuple[Call, ...] = getattr(of, f"on_{cause}", ())
    return found
