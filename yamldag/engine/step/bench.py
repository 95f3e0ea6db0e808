"""What the parts of one step work on together."""

from __future__ import annotations

from msgspec import Struct

from yamldag.engine.step.changes import Changes
from yamldag.engine.step.deferred import Deferred
from yamldag.engine.step.readiness import Readiness
from yamldag.engine.step.reusing import Reusing
from yamldag.engine.step.room import Room
from yamldag.engine.step.world import Result, World


class Bench(Struct, frozen=True):
    world: World
    changes: Changes
    result: Result
    room: Room
    readiness: Readiness
    deferred: Deferred

    @classmethod
    def of(cls, world: World, now: float) -> Bench:
        changes = Changes(now, world.ids)
        result = Result({}, [], [], [], [], changes.moved)
        room = Room(world, changes, result)
        reuse = Reusing(world, changes).find
        readiness = Readiness(changes, world.asking, world.ids, room.ready, reuse, world.past)
        return cls(world, changes, result, room, readiness, Deferred(world, result, now))
