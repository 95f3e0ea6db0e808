"""An engine without processes: a fake clock, scripted outcomes, and ends that come in any order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from yamldag.engine.memory.building import build
from yamldag.engine.memory.run import Fan, Instance, Node, Run
from yamldag.engine.step.readiness import Refused
from yamldag.engine.step.step import step
from yamldag.engine.step.world import Admit, Finished, Happened, Prepared, Renewal, Result, Stop, World
from yamldag.executors.contract import Start
from yamldag.operators.contract import Outcome
from yamldag.plan.pipeline import Fanout, Json, Plan, Task
from yamldag.store.rows import Batch

OK = Outcome("success")
BAD = Outcome("failed", "exit code 1", retry=True)
FATAL = Outcome("failed", "it says so")
SKIP = Outcome("skipped", "it says so")
LOST = Outcome("failed", "its worker was lost", retry=True)


def task(name: str, *needs: str, **more: Any) -> Task:
    parents = tuple(sorted(needs))
    return Task(name, "bash", needs=parents, judged=more.pop("judged", parents), **more)


def plan(*tasks: Task, **more: Any) -> Plan:
    return Plan("p", tasks=tasks, **more)


def each(*items: Json, **more: Any) -> Fanout:
    return Fanout(foreach=list(items), **more)


class FakeAsking:
    """Conditions are `True`, `False`, or a name looked up in `answers`; an answer may be made of the instance."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(answers or {})

    def condition(self, instance: Instance, expression: bool | str) -> bool:
        answer = self.answers[expression] if isinstance(expression, str) else expression
        if callable(answer):
            answer = answer(instance)
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    def names_item(self, node: Node, expression: bool | str) -> bool:
        return isinstance(expression, str) and "item" in expression

    def forget(self, run: Run) -> None:
        """It remembers nothing."""

    def items(self, instance: Instance, fan: Fan) -> list[Json]:
        found = fan.fanout.foreach
        if not isinstance(found, list):
            raise Refused("`foreach` must be a list")
        return found


Script = Callable[[Instance], Outcome]


@dataclass
class Simulation:
    """Drives one or more runs to their end."""

    script: Script = lambda instance: OK
    asking: FakeAsking = field(default_factory=FakeAsking)
    seed: int = 0
    slots: int | None = None
    on_step: Callable[[Result], None] = lambda result: None
    now: float = 1000.0
    inline: frozenset[str] = frozenset()
    history: list[str] = field(default_factory=list)
    most: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.ids: Iterator[int] = itertools.count(1)
        self.world = World(self.ids, self.asking, self._prepare, self.slots)
        self.live: dict[int, Instance] = {}
        self.over: list[Run] = []
        self.renewals: list[Renewal] = []
        self.batches: list[dict[str, Batch]] = []

    def _prepare(self, instance: Instance) -> Prepared:
        if instance.node.task.id in self.inline:
            return Prepared("log", self.script(instance))
        assert instance.attempt is not None
        return Prepared("log", Start(instance.attempt, ("true",), {}, "/", "log"))

    def new_run(self, of: Plan, name: str = "r", **more: Any) -> Run:
        return build(Run(name, of, owner=1, started=self.now, **more), self.ids)

    def step(self, *happened: Happened) -> Result:
        result = step(self.world, happened, self.now)
        for start in result.start:
            instance = self.world.running[start.attempt]
            self.live[start.attempt] = instance
            self.history.append(instance.label)
        self.most = max(self.most, len(self.live))
        self.over += result.over
        self.renewals += result.renewals
        for each in result.renewals:
            held = [one.label for one in self.live.values() if one.node.run is each.run]
            assert not held, f"{held} still run, and their run is let go"
        self.batches.append(result.batches)
        self.on_step(result)
        return result

    def admit(self, of: Plan, name: str = "r", **more: Any) -> Run:
        run = self.new_run(of, name, **more)
        self.step(Admit(run))
        return run

    def end(self, attempt: int, outcome: Outcome | None = None, reason: str = "exit") -> Finished:
        instance = self.live.pop(attempt)
        outcome = outcome or self.script(instance)
        if outcome is LOST:
            reason = "lost"
        return Finished(attempt, outcome, reason, self.now, self.now, 0)

    def stop(self, run: Run, how: str = "cancel") -> Result:
        return self.step(Stop(run.id, how))

    def advance(self) -> None:
        """End some of what runs, in any order; with nothing running, let the next timer ring."""
        self.now += 1
        if self.live:
            some = self.random.sample(sorted(self.live), self.random.randint(1, len(self.live)))
            self.step(*(self.end(attempt) for attempt in some))
        else:
            due = self.world.due()
            assert due is not None, "nothing runs, nothing is due, and the run is not over"
            self.now = max(self.now, due)
            self.step()

    def finish(self) -> None:
        for _ in range(100_000):
            if not self.world.runs:
                return
            self.advance()
        raise AssertionError("it does not end")


def run_to_end(of: Plan, script: Mapping[str, Outcome | Sequence[Outcome]] | None = None, **more: Any) -> Run:
    """Run a plan; the script says how tasks end, by label or id, attempt after attempt (the last one repeats)."""
    simulation = Simulation(script=scripted(script or {}), **more)
    run = simulation.admit(of)
    simulation.finish()
    return run


def scripted(outcomes: Mapping[str, Outcome | Sequence[Outcome]]) -> Script:
    def look(instance: Instance) -> Outcome:
        found = outcomes.get(instance.label) or outcomes.get(instance.node.task.id) or OK
        if isinstance(found, Outcome):
            return found
        return found[min(instance.attempts, len(found)) - 1]

    return look


def states(run: Run) -> dict[str, str]:
    return {instance.label: instance.state.value for instance in run.instances}


def with_output(value: Json) -> Outcome:
    return replace(OK, output=value)
