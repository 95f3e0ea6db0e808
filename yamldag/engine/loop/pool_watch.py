"""Looks whether pools that tasks wait for have slots again: others give them back without saying so."""

from __future__ import annotations

from msgspec import Struct

from yamldag.engine.step.pools import waiting
from yamldag.engine.step.world import Freed, World
from yamldag.store.database import Database
from yamldag.store.pools import ALIVE, available

LOOK = 0.25
"""Seconds between two looks, while somebody waits."""
_SHOW = ALIVE / 6
"""Seconds after which one asks in any case: who is not heard of holds nobody back."""


class PoolWatch(Struct):
    """Of one engine. It costs nothing while nobody waits."""

    database: Database
    world: World
    runner: int
    _due: float = 0.0
    _asked: float = 0.0

    @property
    def patience(self) -> float | None:
        """Seconds that may pass until the next look, or None."""
        return LOOK if any(pool.waiting for pool in self.world.pools.values()) else None

    def look(self, now: float) -> Freed | None:
        """What those who wait may hope for, if anything."""
        if not self.world.pools or now < self._due <= now + LOOK:
            return None
        claims = waiting(self.world)
        if not claims:
            return None
        self._due = now + LOOK
        if not now - _SHOW < self._asked <= now:
            self._asked = now
            return Freed({claim.pool: 1 for claim in claims})
        freed = self.database.read(lambda: available(self.database, claims, self.runner))
        return Freed(freed) if freed else None
