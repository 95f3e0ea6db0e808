"""A run's memory from its plan and its rows: what an engine does when it takes a run over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from yamldag.engine.memory.building import build
from yamldag.engine.memory.deferral import from_text
from yamldag.engine.memory.run import UNMAPPED, Fan, Instance, Node, Run, Tally, is_done
from yamldag.plan.state import TaskState

_BAD = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)
_UNDER_WAY = (TaskState.QUEUED, TaskState.RUNNING, TaskState.DEFERRED)


class StoredInstance(NamedTuple):
    """A row of `task_instance` with its output, as `store.views.instances` reads it."""

    id: int
    task: str
    map_index: int
    item: str | None
    state: str
    attempts: int
    tries: int
    attempt: int | None
    ready: float | None
    retry_at: float | None
    started: float | None
    ended: float | None
    reason: str | None
    output: str | None


StoredDeferral = tuple[int, str, float, float | None]
"""Instance, spec, since, until: a row of `deferral`, as `store.views.deferrals` reads it."""


def rebuild(
    run: Run,
    rows: Iterable[StoredInstance],
    ids: Iterator[int],
    deferrals: Iterable[StoredDeferral] = (),
) -> Run:
    """Fill a run that has its plan and its own row's values with what the rows of its instances say.

    Admit it with `new=False`; if there is no row at all, it had got no further than being recorded: `new=True`.
    """
    build(run, ids)
    stored: dict[str, list[StoredInstance]] = {}
    for row in rows:
        stored.setdefault(row.task, []).append(row)
    for task, found in stored.items():
        if task in run.nodes:  # else the plan has lost it
            _restore(run.nodes[task], sorted(found, key=lambda row: row.map_index))
    if stored:
        run.unsaved = [node.instances[0] for name, node in run.nodes.items() if name not in stored]
    waiting = {row[0]: from_text(*row[1:]) for row in deferrals}
    for instance in run.instances:
        if instance.state is TaskState.DEFERRED:
            instance.deferral = waiting[instance.id]
    recount(run)
    for fan in run.fans.values():
        _restore_fan(fan)
    return run


def recount(run: Run) -> Run:
    """Count again what waits for what, and what is left to do, by the states of its instances."""
    _connect(run)
    done = [instance for instance in run.instances if is_done(instance)]
    run.unfinished = sum(1 for _ in run.instances) - len(done)
    run.bad = sum(each.state in _BAD and not each.node.task.allow_failure for each in done)
    return run


def _restore(node: Node, rows: list[StoredInstance]) -> None:
    """Rows without an item are of a mapping whose items are asked for: the first stands for the whole task."""
    there = [row for row in rows if row.state != TaskState.REMOVED]
    node.expanded = bool(there) and there[0].item is not None
    used = there if node.expanded else (there or rows)[:1]
    node.instances = [_instance(node, row) for row in used]
    there_by_id = {each.id for each in node.instances}
    node.spare = {row.map_index: _instance(node, row) for row in rows if row.id not in there_by_id}
    if not node.expanded:
        node.instances[0].index = UNMAPPED


def _instance(node: Node, row: StoredInstance) -> Instance:
    return Instance(
        row.id,
        node,
        row.map_index,
        None if row.item is None else json.loads(row.item),
        TaskState(row.state),
        row.attempts,
        row.tries,
        row.attempt,
        row.ready,
        row.retry_at,
        row.started,
        row.ended,
        row.reason,
        None if row.output is None else json.loads(row.output),
    )


def _connect(run: Run) -> None:
    """Count again what each instance waits for, by how far its parents are."""
    for node in run.nodes.values():
        node.tally, node.left = Tally(), None
        for instance in node.instances:
            instance.own = None
    for parent in run.nodes.values():
        for child, judged in parent.children:
            for instance in parent.instances:
                _count(instance, child, judged)


def _count(parent: Instance, child: Node, judged: bool) -> None:
    same = child.fan is not None and child.fan is parent.node.fan and parent.node.expanded and child.expanded
    if same:
        target = child.instances[parent.index]
        tally = target.own = target.own or Tally()
    else:
        tally = child.tally
    tally.expect(judged, parent.state)


def _restore_fan(fan: Fan) -> None:
    """Of those that a clear has left half done there may be more than may go on at once: first those of which something
    is under way."""
    fan.count()
    if fan.fanout.max_active is None:
        return
    chains = fan.chains()
    begun = [index for index in chains if fan.unfinished[index] and _is_under_way(fan, chains[index])]
    begun.sort(key=lambda index: all(each.state not in _UNDER_WAY for each in chains[index]))
    fan.active.update(begun[: fan.fanout.max_active])


def _is_under_way(fan: Fan, chain: list[Instance]) -> bool:
    if len(fan.members) == 1:
        return chain[0].state in _UNDER_WAY
    if fan.leads_out:
        return any(each.state in (*_UNDER_WAY, TaskState.UP_FOR_RETRY) for each in chain)
    return any(each.tries > 0 for each in chain)
