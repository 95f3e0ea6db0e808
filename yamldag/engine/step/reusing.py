"""Outputs that stand for others: looked for before a task with a `cache` waits for room, kept when it succeeds."""

from __future__ import annotations

from contextlib import suppress

from yamldag.engine.memory.run import CLEARED, Instance
from yamldag.engine.step.changes import Changes
from yamldag.engine.step.readiness import Refused
from yamldag.engine.step.world import World


class Reusing:
    """The reuse of one step. It refers to nothing that refers to it: a step leaves no circles behind."""

    def __init__(self, world: World, changes: Changes) -> None:
        self._cache = world.cache
        self._changes = changes

    def find(self, instance: Instance) -> str | None:
        """Give an instance that was neither attempted nor cleared an earlier output: whose it was, in words.

        Raises Refused.
        """
        if self._cache is None or instance.attempts or instance.tries == CLEARED:
            return None
        found = self._cache.find(instance, self._cache.key(instance), self._changes.now)
        if found is None:
            return None
        instance.output = found.output
        if instance.output is not None:
            self._changes.output(instance)
        whose = f"of run {found.run}" if found.run else "of an earlier run"
        return f"the output {whose} was reused"

    def keep(self, instance: Instance) -> None:
        """Its output is there for those that come after it."""
        if self._cache is not None:
            with suppress(Refused):  # what its key is made of is gone: nobody can find it
                self._changes.keep(instance, self._cache.key(instance))
