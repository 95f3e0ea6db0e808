"""Who may start: what is ready waits here until there is room in its chain, in its run, in its pool and at the
executor."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from yamldag.engine.memory.run import Instance, Run
from yamldag.engine.step.changes import Changes
from yamldag.engine.step.pools import Pools
from yamldag.engine.step.world import Answered, Result, World
from yamldag.plan.state import TaskState


class Room:
    """The room of one step."""

    def __init__(self, world: World, changes: Changes, result: Result) -> None:
        self._world = world
        self._now = changes.now
        self.pools = Pools(world, changes, result)

    def ready(self, instance: Instance) -> None:
        """It may start as soon as there is room."""
        run, node = instance.node.run, instance.node
        if instance.ready is None:
            instance.ready = self._now
        if node.fan and not node.fan.admits(instance):
            return
        if node.task.pool is None:
            place = (-node.task.priority, instance.ready, node.position, instance.index, instance)
            heapq.heappush(run.ready, place)
        else:
            self.pools.wait(instance)
        if not run.full:
            self._world.open.add(run)

    def next(self) -> Instance | None:
        """What starts next, if there is room for anything. Those in front of it that want slots of a pool ask."""
        world = self._world
        if world.pools:
            self.pools.take_back()
        while world.open and not world.full:
            heap = world.open.first(self.pools.first)
            if heap is None:
                break
            instance = heapq.heappop(heap)[-1]
            # It may have been cancelled in the heap, or cleared, and be there twice.
            if instance.state is not TaskState.SCHEDULED or instance.id in world.asked:
                continue
            if instance.node.task.pool is None:
                return instance
            self._reserve(instance)
            self.pools.ask(instance)
        if world.pools:
            self.pools.give_up()
        return None

    def answered(self, what: Answered) -> Iterator[tuple[Instance, str | None]]:
        """Those of the ones that asked that begin now, or can't at all: why."""
        asked, self._world.asked = self._world.asked, {}
        for instance in asked.values():
            self._vacate(instance.node.run)
        yield from self.pools.answered(asked, what.answer)

    def take(self, instance: Instance) -> None:
        """Its attempt takes room from now on."""
        assert instance.attempt is not None
        self._world.running[instance.attempt] = instance
        self._occupy(instance.node.run)

    def release(self, instance: Instance) -> None:
        """It no longer takes room."""
        instance.ready = None
        self._vacate(instance.node.run)

    def leave_chain(self, instance: Instance) -> None:
        """It waits for its retry: who of its mapping may go on instead is ready."""
        if instance.node.fan and instance.node.expanded:
            for freed in instance.node.fan.pause(instance):
                self.ready(freed)

    def _reserve(self, instance: Instance) -> None:
        """Keep room for it until its pool has answered."""
        self._world.asked[instance.id] = instance
        self._occupy(instance.node.run)

    def _occupy(self, run: Run) -> None:
        run.active += 1
        if run.full:
            self._world.open.discard(run)

    def _vacate(self, run: Run) -> None:
        run.active -= 1
        if (run.ready or run.queues) and not run.full:
            self._world.open.add(run)
