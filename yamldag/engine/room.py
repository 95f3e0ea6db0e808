"""Who may start: what is ready waits here until there is room in its chain, in its run and at the executor."""

from __future__ import annotations

import heapq

from yamldag.engine.readiness import is_held
from yamldag.engine.run import Instance, Run
from yamldag.engine.world import World
from yamldag.plan.state import TaskState


class Room:
    """The room of one step."""

    def __init__(self, world: World, now: float) -> None:
        self._world = world
        self._now = now

    def ready(self, instance: Instance) -> None:
        """It may start as soon as there is room."""
        run, node = instance.node.run, instance.node
        if instance.ready is None:
            instance.ready = self._now
        if node.fan and not node.fan.admits(instance):
            return
        heapq.heappush(
            run.ready, (-node.task.priority, instance.ready, node.position, instance.index, instance)
        )
        if run.active < run.plan.max_active_tasks:
            self._world.open.add(run)

    def next(self) -> Instance | None:
        """What starts next, if there is room for anything."""
        world = self._world
        while world.open and (world.slots is None or len(world.running) < world.slots):
            run = _first(world.open)
            instance = heapq.heappop(run.ready)[-1]
            if not run.ready:
                world.open.discard(run)
            # It may have been cancelled, or cleared, in the heap.
            if instance.state is TaskState.SCHEDULED and not is_held(instance):
                return instance
        return None

    def take(self, instance: Instance) -> None:
        """Its attempt takes room from now on."""
        assert instance.attempt is not None
        run = instance.node.run
        self._world.running[instance.attempt] = instance
        run.active += 1
        if run.active >= run.plan.max_active_tasks:
            self._world.open.discard(run)

    def release(self, instance: Instance) -> None:
        """It no longer takes room."""
        run = instance.node.run
        run.active -= 1
        instance.ready = None
        if run.ready and run.active < run.plan.max_active_tasks:
            self._world.open.add(run)

    def leave_chain(self, instance: Instance) -> None:
        """It waits for its retry: who of its mapping may go on instead is ready."""
        if instance.node.fan and instance.node.expanded:
            for freed in instance.node.fan.pause(instance):
                self.ready(freed)


def _first(runs: set[Run]) -> Run:
    """The run whose next task goes first of all."""
    if len(runs) == 1:
        return next(iter(runs))
    return min(runs, key=lambda run: (run.ready[0][:2], run.logical_date, run.id))
