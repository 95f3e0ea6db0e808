"""`depends_on_past`: looks whether a task has passed in the run before, at once when that run moves here, else every
second."""

from __future__ import annotations

from msgspec import Struct, field

from yamldag.engine.memory.run import Node, whole
from yamldag.engine.step.world import Past, Result, World
from yamldag.plan.state import FINAL, RUN_FINAL, RunState, TaskState
from yamldag.store import past
from yamldag.store.database import Database

LOOK = 1.0
"""Seconds between two looks at runs that others may move."""


class PastWatch(Struct):
    """Of one engine. It costs nothing while nobody waits."""

    database: Database
    world: World
    _asked: set[Node] = field(default_factory=set)
    _due: float = 0.0

    @property
    def patience(self) -> float | None:
        """Seconds that may pass until the next look, or None."""
        return LOOK if self.world.past else None

    def after(self, result: Result, now: float) -> Past | None:
        """What is known once a step has been stored: of those that are new, and of all if it may have changed."""
        waiting = self._waiting()
        if not waiting:
            return None
        moved = {run.plan.pipeline for run in result.over}
        moved |= {each.node.run.plan.pipeline for each, state in result.moved if state in FINAL}
        if not self._due - LOOK <= now < self._due:
            self._due = now + LOOK
            wanted = waiting
        else:
            wanted = {node for node in waiting if node not in self._asked or node.run.plan.pipeline in moved}
        self._asked = waiting
        answers = self.database.read(lambda: {node: self._answer(node) for node in wanted}) if wanted else {}
        known = {node: answer for node, answer in answers.items() if answer is not None}
        return Past(known) if known else None

    def _waiting(self) -> set[Node]:
        """Those that are still to be decided; the others are forgotten."""
        runs = self.world.runs
        self.world.past -= {
            node
            for node in self.world.past
            if runs.get(node.run.id) is not node.run
            or all(each.state is not TaskState.NONE for each in node.instances)
        }
        return set(self.world.past)

    def _answer(self, node: Node) -> str | None:
        """Empty: it has passed. Words: it never will, and why. None: not known yet."""
        run, task = node.run, node.task.id
        before = past.run_before(
            self.database, run.plan.pipeline, run.logical_date, any_type=run.plan.schedule is None
        )
        if before is None or past.begins_backfill(self.database, run.id, run.logical_date):
            return ""
        over = RunState(before.state) in RUN_FINAL
        found = past.task_states(self.database, before.id, task)
        if not found:
            if past.has_tasks(self.database, before.id):
                return ""
            return f"the run before, {before.id}, was {before.state} before it began" if over else None
        state = whole(TaskState(state) for _, state in found)
        cancelled = any(
            state == "skipped" and past.was_cancelled(self.database, before.id, id_) for id_, state in found
        )
        if state in (TaskState.SUCCESS, TaskState.SKIPPED) and not cancelled:
            return ""
        words = "cancelled" if cancelled else state.value
        return f"`{task}` was {words} in the run before, {before.id}" if over else None
