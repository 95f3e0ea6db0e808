"""Who asks for slots of pools, and what the answers mean. The claims are in SQL, since pipelines and processes share
the pools; here is only who waits, and what is worth asking.

An instance asks when it could begin at once, and keeps its room until the answer, which comes with the transaction
that stores the step. The first that gets no slots leaves its claim in the queue of the pool; those after it ask when
slots may be free. A claim whose owner has no room when its turn comes is given up, and put in again later.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping

from yamldag.engine.memory.run import Instance, Ready, Run
from yamldag.engine.step.changes import Changes
from yamldag.engine.step.world import Pool, Result, World
from yamldag.plan.state import TaskState
from yamldag.store.pools import Answer, Ask


class Pools:
    """The pools of one step."""

    def __init__(self, world: World, changes: Changes, result: Result) -> None:
        self._world = world
        self._changes = changes
        self._result = result
        self._touched: set[str] = set()
        """Pools whose slots move in this step."""

    def wait(self, instance: Instance) -> None:
        """It is ready, and wants slots."""
        name, run = _pool(instance), instance.node.run
        heapq.heappush(run.queues.setdefault(name, []), (*_place(instance), instance.index, instance))
        self._known(name).runs.add(run)
        self._world.open.claims(run)

    def first(self, run: Run) -> list[Ready] | None:
        """The heap that the next of a run comes from, if any may start or ask."""
        best = run.ready or None
        for name in list(run.queues):
            heap = self._pruned(run, name)
            if heap and (best is None or _is_before(heap, best)) and self._may_ask(name, heap[0][-1]):
                best = heap
        return best

    def ask(self, instance: Instance) -> None:
        """It has left its queue and has room: let the database say whether there are slots."""
        name, run = _pool(instance), instance.node.run
        pool, slots = self._known(name), instance.node.task.pool_slots
        if not instance.claimed:
            self._changes.claim(instance)
        pool.hope -= slots
        pool.waiting.discard(instance)
        pool.asking.add(instance)
        self._touched.add(name)
        self._result.asks.append(Ask(name, instance.id, slots))
        self._pruned(run, name)

    def answered(
        self, asked: Mapping[int, Instance], answer: Answer
    ) -> Iterator[tuple[Instance, str | None]]:
        """Those that may begin, or can't at all: why. The others wait on."""
        for name, left in answer.left.items():
            pool = self._known(name)
            pool.hope = left
            pool.asking.clear()
        for instance in asked.values():
            if instance.state is not TaskState.SCHEDULED or not instance.claimed:
                continue
            if instance.id in answer.granted:
                instance.granted = True
                yield instance, None
            elif instance.id in answer.refused:
                yield instance, answer.refused[instance.id]
            else:
                pool = self._known(_pool(instance))
                pool.hope = 0
                pool.waiting.add(instance)
                self.wait(instance)

    def free(self, slots: Mapping[str, int]) -> None:
        """Others have given back so many, by the pool's name."""
        for name, number in slots.items():
            self._freed(name, number)

    def _freed(self, name: str, slots: int) -> None:
        pool = self._world.pools.get(name)
        if pool is None:
            return
        pool.hope = max(pool.hope, 0) + slots
        self._touched.add(name)
        self._world.open.update(run for run in pool.runs if not run.full)

    def take_back(self) -> None:
        """Hear of what was given back since the last look."""
        while self._changes.unclaimed:
            instance = self._changes.unclaimed.pop()
            if pool := self._world.pools.get(_pool(instance)):
                pool.waiting.discard(instance)
                self._freed(_pool(instance), instance.node.task.pool_slots)

    def give_up(self) -> None:
        """Claims in pools whose slots move, of those that have no room now, would only hold back others."""
        for name in self._touched:
            pool = self._world.pools.get(name)
            for instance in [*pool.waiting] if pool else ():
                if self._world.full or instance.node.run.full:
                    assert pool is not None
                    pool.waiting.discard(instance)
                    self._changes.unclaim(instance)
        self._changes.unclaimed.clear()

    def _may_ask(self, name: str, first: Instance) -> bool:
        """There may be slots, and none of ours stands before it in the queue; or it is to take its place there."""
        pool, place = self._known(name), _place(first)
        if pool.hope > 0:
            return not any(_place(each) < place for each in pool.waiting if not each.node.run.full)
        return not any(_place(each)[:2] <= place[:2] for each in (*pool.waiting, *pool.asking))

    def _pruned(self, run: Run, name: str) -> list[Ready] | None:
        """The queue of a run for a pool, without those in front that have been cancelled or cleared meanwhile."""
        heap = run.queues.get(name)
        while heap and not _stands(heap[0]):
            heapq.heappop(heap)
        if heap:
            return heap
        run.queues.pop(name, None)
        leave(self._world, run, name)
        return None

    def _known(self, name: str) -> Pool:
        return self._world.pools.setdefault(name, Pool())


def _place(instance: Instance) -> tuple[int, float, int]:
    """Where it stands in the queue of its pool: as the database orders it."""
    assert instance.ready is not None
    return (-instance.node.task.priority, instance.ready, instance.id)


def _stands(entry: Ready) -> bool:
    """Whether it is still what an instance waits by."""
    return entry[-1].state is TaskState.SCHEDULED and entry[-1].ready == entry[1]


def _is_before(heap: list[Ready], best: list[Ready]) -> bool:
    """Whether the first of that heap goes before the first of the other: among equals, in the order of the plan."""
    one, other = heap[0][-1], best[0][-1]
    return (*heap[0][:2], one.node.position, one.index) < (*best[0][:2], other.node.position, other.index)


def leave(world: World, run: Run, name: str) -> None:
    """A run no longer waits for a pool."""
    if (pool := world.pools.get(name)) is None:
        return
    pool.runs.discard(run)
    if not (pool.runs or pool.asking or pool.waiting):
        del world.pools[name]


def forget(world: World, run: Run) -> None:
    """A run has ended, or is no longer ours."""
    for name, pool in list(world.pools.items()):
        pool.waiting = {each for each in pool.waiting if each.node.run is not run}
        leave(world, run, name)
    for id_ in [each.id for each in world.asked.values() if each.node.run is run]:
        del world.asked[id_]


def waiting(world: World) -> list[Ask]:
    """All claims that stand in queues."""
    return [
        Ask(name, instance.id, instance.node.task.pool_slots)
        for name, pool in world.pools.items()
        for instance in pool.waiting
    ]


def _pool(instance: Instance) -> str:
    name = instance.node.task.pool
    assert name is not None
    return name
