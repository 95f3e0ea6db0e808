"""What the language says must come of a run, computed once more and from the outside: by states alone, from the
plan and from how each body ends. Written from docs/reference, not from the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from yamldag.plan.pipeline import Plan, Task

BAD = ("failed", "upstream_failed")
DONE = ("success", "failed", "skipped", "upstream_failed", "removed")


@dataclass(frozen=True, slots=True)
class Row:
    """An instance as the database has it."""

    id: int
    run: str
    task: str
    index: int
    state: str
    attempts: int
    """Since it was cleared last, if ever it was."""
    cancelled: bool = False
    """A cancel, or a run's timeout, is what happened to it last."""
    cleared_at: int = 0
    """Where in the log that is said last; 0: it never was."""
    decided_at: int = 0
    """Where in the log it is told last of."""
    scheduled_at: int = 0
    """Where it was last decided that it is to run."""

    @property
    def settled_at(self) -> int:
        """Where it was decided what becomes of it, since it was cleared last: that it runs, or how it ended without."""
        return self.scheduled_at if self.scheduled_at > self.cleared_at else self.decided_at

    @property
    def cleared(self) -> bool:
        return self.cleared_at > 0


def decide(rule: str, states: Sequence[str]) -> str:
    """`run`, `skipped`, `upstream_failed` or `wait`: the sentence about each rule, line by line."""
    s, f, u, k = (
        sum(state == word for state in states) for word in ("success", "failed", "upstream_failed", "skipped")
    )
    done = all(state in DONE for state in states)
    if rule == "always" or not states:
        return "run"
    lines: dict[str, list[tuple[object, str]]] = {
        "all_success": [(f + u, "upstream_failed"), (done and k, "skipped"), (done, "run")],
        "none_failed": [(f + u, "upstream_failed"), (done, "run")],
        "none_failed_min_one_success": [(f + u, "upstream_failed"), (done and s, "run"), (done, "skipped")],
        "all_failed": [(s + k, "skipped"), (done, "run")],
        "all_skipped": [(s + f + u, "skipped"), (done, "run")],
        "none_skipped": [(k, "skipped"), (done, "run")],
        "one_success": [(s, "run"), (done and f + u, "upstream_failed"), (done, "skipped")],
        "one_failed": [(f + u, "run"), (done, "skipped")],
        "one_done": [(s + f, "run"), (done, "skipped")],
        "all_done_min_one_success": [(k, "skipped"), (done and s, "run"), (done, "upstream_failed")],
        "all_done": [(done, "run")],
        "all_done_setup_success": [(done, "run")],
    }
    return next((result for holds, result in lines[rule] if holds), "wait")


@dataclass(frozen=True)
class Oracle:
    plan: Plan
    rows: Sequence[Row]
    before: Oracle | None = None
    """The run before, that `depends_on_past` looks at."""
    over: bool = False
    """It has ended."""

    @cached_property
    def tasks(self) -> Mapping[str, Task]:
        return {task.id: task for task in self.plan.tasks}

    @cached_property
    def _rows_of(self) -> Mapping[str, list[Row]]:
        found: dict[str, list[Row]] = {name: [] for name in self.tasks}
        for row in self.rows:
            found[row.task].append(row)
        return found

    def of(self, task: str) -> list[Row]:
        return self._rows_of[task]

    def seen(self, parent: str, child: Row) -> list[str]:
        """The states of a parent that an instance sees: of its own item's inside one mapping, else of all."""
        rows = self.of(parent)
        fan = self.tasks[parent].mapped_by
        if child.index >= 0 and fan and fan == self.tasks[child.task].mapped_by:
            rows = [row for row in rows if row.index in (child.index, -1)]
        return [row.state for row in rows]

    def below(self, task: str) -> set[str]:
        """Every task somewhere below, not through or to a teardown."""
        found: set[str] = set()
        waiting = [task]
        while waiting:
            above = waiting.pop()
            for each in self.plan.tasks:
                if above in each.needs and each.id not in found:
                    found.add(each.id)
                    waiting.append(each.id)
        return {name for name in found if not self.tasks[name].teardown_of}

    def was_left(self, row: Row, decided_at: int) -> bool:
        """Something above it was cleared since it was decided, and it was not: it stays as it was."""
        newer = {each.task for each in self.rows if each.cleared_at > decided_at}
        return any(row.task in self.below(each) for each in newer)

    def wanted(self, row: Row) -> str:
        """What the rules say of an instance: `run`, `wait`, or the state it must have."""
        task = self.tasks[row.task]
        if task.teardown_of:
            return self._teardown(row, task)
        setups = [each.id for each in self.plan.tasks if each.setup and row.task in self.below(each.id)]
        forced = self._forced([state for setup in setups for state in self.seen(setup, row)])
        if forced != "run":
            return forced
        gated = self._gated(row)
        if gated != "run":
            return gated
        judged = [state for parent in task.judged for state in self.seen(parent, row)]
        others = [
            state for parent in task.needs if parent not in task.judged for state in self.seen(parent, row)
        ]
        decision = decide(task.trigger_rule, judged)
        if decision == "run" and not all(state in DONE for state in others):
            return "wait"
        return self.past(task) if decision == "run" and task.depends_on_past else decision

    def past(self, task: Task) -> str:
        """Whether it has passed in the run before. `any`: that was cleared, or goes on by another plan, and it
        is not known when this asked."""
        if self.before is None:
            return "run"
        if task.id not in self.before.tasks or any(row.cleared for row in self.before.rows):
            return "any"
        rows = [row for row in self.before.of(task.id) if row.state != "removed"]
        if rows and all(row.state in ("success", "skipped") and not row.cancelled for row in rows):
            return "run"
        return "upstream_failed" if self.before.over else "wait"

    def _forced(self, states: Iterable[str]) -> str:
        states = list(states)
        if any(state in BAD for state in states):
            return "upstream_failed"
        if not all(state in DONE for state in states):
            return "wait"
        return "skipped" if "skipped" in states else "run"

    def _gated(self, row: Row) -> str:
        """By what chooses above: what one bars is skipped, and nothing goes on before all of them are done."""
        gates = [each for each in self.plan.tasks if self._bars(each, row.task) is not None]
        seen = {gate.id: self.seen(gate.id, row) for gate in gates}
        over = {gate.id: all(state in DONE for state in seen[gate.id]) for gate in gates}
        if any(over[gate.id] and "success" in seen[gate.id] and self._bars(gate, row.task) for gate in gates):
            return "skipped"
        return "run" if all(over.values()) else "wait"

    def _bars(self, gate: Task, name: str) -> bool | None:
        """Whether a task is skipped once this one has succeeded; None: it has no say."""
        if gate.operator == "short_circuit" and name in self.below(gate.id):
            return not gate.params["go"]
        if gate.operator == "branch" and gate.id in self.tasks[name].judged:
            chosen = gate.params["choose"]
            assert isinstance(chosen, list)
            return name not in {*chosen}.union(*(self.below(str(each)) for each in chosen))
        return None

    def _teardown(self, row: Row, task: Task) -> str:
        states = [state for setup in task.teardown_of for state in self.seen(setup, row)]
        before = [state for parent in task.needs for state in self.seen(parent, row)]
        if not all(state in DONE for state in (*states, *before)):
            return "wait"
        decision = "run" if "success" in states else self._forced(states)
        return self.past(task) if decision == "run" and task.depends_on_past else decision

    def run_state(self) -> str:
        """Of a run that nobody stopped."""
        bad = any(row.state in BAD and not self.tasks[row.task].allow_failure for row in self.rows)
        return "failed" if bad else "success"
