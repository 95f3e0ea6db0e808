"""Any plan at all: rules, conditions, maps, groups, retries, bounds, setups and teardowns; and how its bodies end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from yamldag.plan.pipeline import Cache, Call, Fanout, Json, Plan, Task
from yamldag.plan.trigger_rule import RULES

POOL, SLOTS = "two", 2
TELL = Call("bash", {"script": "true"}, folder="/")
ENDS = ("ok", "ok", "ok", "ok", "bad", "skip", "timeout", "unstartable")


@dataclass(frozen=True, slots=True)
class Case:
    plan: Plan
    ends: dict[str, tuple[str, ...]]
    """How the bodies of each task, or instance, end: one after another, the last one again and again."""
    newer: Plan
    """What the pipeline's file may say later."""

    def end(self, label: str, number: int) -> str:
        ends = self.ends.get(label, ("ok",))
        return ends[min(number, len(ends) - 1)]


def any_case(source: random.Random, name: str) -> Case:
    ids = [f"t{n}" for n in range(source.randint(1, 8))]
    group = set(source.sample(ids, source.randint(0, len(ids)))) if source.random() < 0.4 else set()
    fans = {"g": _fan(source)} if group else {}
    tasks: list[Task] = []
    for number, id_ in enumerate(ids):
        mapped = "g" if id_ in group else id_ if source.random() < 0.25 else None
        if mapped == id_:
            fans[id_] = _fan(source)
        tasks.append(_task(source, id_, ids[:number], mapped))
    if source.random() < 0.3:
        tasks = _with_branches(source, tasks)
    if source.random() < 0.3:
        tasks = [_in_pool(source, task) for task in tasks]
    tasks += _teardowns(source, tasks)
    ends = {
        label: tuple(source.choice(ENDS) for _ in range(source.randint(1, 3)))
        for task in tasks
        for label in (task.id, *(f"{task.id}[{n}]" for n in range(3)))
    }
    plan = Plan(
        name,
        tasks=tuple(tasks),
        mapped=fans,
        max_active_tasks=source.choice([1, 2, 3, 16]),
        timeout=source.choice([None, None, None, None, 30.0]),
        on_failure=_calls(source),
        on_success=_calls(source),
    )
    return Case(plan, ends, _newer(source, plan))


def _newer(source: random.Random, plan: Plan) -> Plan:
    """The same with a task more, and often with one less."""
    tasks, needed = (
        list(plan.tasks),
        {name for task in plan.tasks for name in (*task.teardown_of, *_chosen(task))},
    )
    may_go = [task for task in tasks if not (task.setup or task.teardown_of or task.id in needed)]
    if may_go and source.random() < 0.7:
        gone = source.choice(may_go).id
        tasks = [_without(task, gone) for task in tasks if task.id != gone]
    needs = tuple(sorted(source.sample([task.id for task in tasks], min(len(tasks), 1))))
    new = Task(
        "new", "bash", {"script": "true"}, needs=needs, judged=needs, trigger_rule="all_done", folder="/"
    )
    left = {task.mapped_by for task in tasks}
    return replace(
        plan,
        tasks=(*tasks, new),
        mapped={name: fan for name, fan in plan.mapped.items() if name in left},
        max_active_tasks=source.choice([plan.max_active_tasks, 2]),
    )


def _without(task: Task, gone: str) -> Task:
    return replace(
        task,
        needs=tuple(each for each in task.needs if each != gone),
        judged=tuple(each for each in task.judged if each != gone),
    )


def _chosen(task: Task) -> Sequence[str]:
    chosen = task.params.get("choose")
    return [str(each) for each in chosen] if isinstance(chosen, list) else ()


def _task(source: random.Random, name: str, above: Sequence[str], mapped: str | None) -> Task:
    needs = tuple(sorted(source.sample(above, source.randint(0, min(3, len(above))))))
    operator, params = _operator(source)
    return Task(
        name,
        operator,
        params,
        needs=needs,
        judged=tuple(need for need in needs if source.random() < 0.85),
        trigger_rule="all_success" if source.random() < 0.5 else source.choice(RULES),
        when=(False,) if source.random() < 0.06 else (),
        mapped_by=mapped,
        retries=source.choice([0, 0, 1, 2]),
        retry_delay=source.choice([0.0, 3.0, 20.0]),
        retry_backoff=source.choice([1.0, 2.0]),
        max_retry_delay=30.0,
        allow_failure=source.random() < 0.2,
        on_lost=source.choice(["retry", "retry", "fail"]),
        priority=source.choice([0, 0, 3]),
        timeout=50.0 if "pipeline" in params else source.choice([None, 5.0]) if operator == "wait" else None,
        setup=source.random() < 0.12,
        folder="/",
        cache=Cache("k") if operator == "bash" and source.random() < 0.1 else None,
        depends_on_past=source.random() < 0.12,
        on_failure=_calls(source),
        on_success=_calls(source),
        on_retry=_calls(source),
    )


def _calls(source: random.Random) -> tuple[Call, ...]:
    return (TELL,) * source.choice([1, 1, 2]) if source.random() < 0.04 else ()


def _in_pool(source: random.Random, task: Task) -> Task:
    if source.random() < 0.5:
        return task
    return replace(task, pool=POOL, pool_slots=source.choice([1, 1, SLOTS]))


def _with_branches(source: random.Random, tasks: Sequence[Task]) -> list[Task]:
    """Some that are not mapped choose among those right below."""
    made = []
    for task in tasks:
        below = [each.id for each in tasks if task.id in each.needs]
        if below and not task.mapped_by and source.random() < 0.3:
            chosen: list[Json] = list(source.sample(below, source.randint(0, len(below))))
            made.append(replace(task, operator="branch", params={"choose": chosen}, timeout=None))
        else:
            made.append(task)
    return made


def _operator(source: random.Random) -> tuple[str, dict[str, Json]]:
    dice = source.random()
    if dice < 0.12:
        return "noop", {}
    if dice < 0.18:
        return "short_circuit", {"go": source.random() < 0.6}
    if dice < 0.3:
        soft = source.random() < 0.3
        return "wait", {"delay": source.choice(["0s", "3s", "40s"]), "soft_fail": soft}
    if dice < 0.33:
        return "wait", {"pipeline": "p0", "poke_interval": "2s"}
    return "bash", {"script": "true"}


def _fan(source: random.Random) -> Fanout:
    return Fanout(foreach=list(range(source.randint(0, 3))), max_active=source.choice([None, None, 1, 2]))


def _teardowns(source: random.Random, tasks: Sequence[Task]) -> list[Task]:
    """Of some setups: after all that is below them."""
    made = []
    for setup in [task for task in tasks if task.setup]:
        if source.random() < 0.8:
            needs = tuple(sorted({setup.id, *_below(setup.id, tasks)}))
            inside = setup.mapped_by if setup.mapped_by == "g" and source.random() < 0.7 else None
            one = _task(source, f"{setup.id}_end", (), inside)
            made.append(
                replace(one, needs=needs, judged=needs, teardown_of=(setup.id,), setup=False, when=())
            )
    return made


def _below(name: str, tasks: Sequence[Task]) -> set[str]:
    found: set[Any] = {name}
    for task in tasks:  # they stand in the order of their needs
        if found.intersection(task.needs):
            found.add(task.id)
    return found - {name}
