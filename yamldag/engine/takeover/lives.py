"""Which other lives on this database are over: by their locks, their processes, and their leases at last."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, field

from yamldag.engine.refused import Refused
from yamldag.executors.local import holders, orphans, places
from yamldag.store import lives, moves
from yamldag.store.database import Database
from yamldag.store.lives import Seen

LEASE = 20.0
"""Seconds without a sign after which a scheduler is taken for dead, if this machine can end it."""
FAR = 3.0
"""Leases after which one that can't be looked at from here is: its own tasks have been ended by then."""
_PATIENCE = 1.0
"""Seconds for a killed process to be gone."""
BEATS = 3
"""Signs of life in a lease, of one that has nothing else to write."""


class BadLease(Refused):
    """These words say what is wrong with the setting."""


def lease_of(environment: Mapping[str, str]) -> float:
    """The lease in seconds, by `YAMLDAG_LEASE`. Raises BadLease."""
    text = environment.get("YAMLDAG_LEASE")
    if text is None:
        return LEASE
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 1 <= found <= 3600:
        raise BadLease(f"`YAMLDAG_LEASE` must be seconds from 1 to 3600, found `{text}`")
    return found


def new_life(kind: str, executor: str, now: float, boot: str, slots: int | None = None) -> moves.Life:
    """What is recorded of this process."""
    return moves.Life(kind, socket.gethostname(), os.getpid(), executor, now, boot, slots)


class Over(Struct, frozen=True):
    """A life that is over, or must be taken for it."""

    life: Seen
    lock: int | None
    """The lock of its executor, ours now; None: what it left can't be reached from here."""


class Onlooker(Struct, frozen=True):
    """Who looks at other lives, from a place: what it sees of them depends on that."""

    folder: Path
    """Where the executors of this project have their files."""
    boot: str
    lease: float = LEASE
    alone: bool = False
    """Nobody else can schedule on this database."""
    elapsed: Callable[[], float] = time.monotonic
    heard: dict[int, tuple[int, float]] = field(default_factory=dict)
    """Of each scheduler that lives: the newest step that was seen, and when it was seen first."""

    @classmethod
    def at(cls, folder: Path, environment: Mapping[str, str], *, alone: bool = False) -> Onlooker:
        """A process of this machine. `folder`: the project's `.yamldag`. Raises BadLease."""
        return cls(folder / "executor", orphans.boot(), lease_of(environment), alone)

    def beat(self, database: Database) -> None:
        """Give a sign of life, if it is time: from within what lasts."""
        if database.quiet >= self.lease / BEATS:
            database.write(_nothing)

    def watched(self, life: Seen) -> Seen:
        """A scheduler is silent for as long as this process has seen it be: the database's clock may be set, and
        whoever was asleep together with the others must not blame them for it."""
        if self.alone or life.ended or life.kind not in lives.SCHEDULERS:
            return life
        now = self.elapsed()
        step, since = self.heard.get(life.id, (None, now))
        if step != life.step:
            self.heard[life.id], since = (life.step, now), now
        return life._replace(silent=now - since)

    def over(self, life: Seen, idle: Callable[[], bool]) -> Over | None:
        """Whether it is. `idle`: it has nothing that runs. One that hangs on this machine is killed for that."""
        try:
            return Over(life, places.owner_lock(self.folder, life.executor))
        except FileNotFoundError:
            return Over(life, None) if self._is_gone(life, idle) else None
        except BlockingIOError:
            return self._hung(life)

    def _is_gone(self, life: Seen, idle: Callable[[], bool]) -> bool:
        """One whose executor has no files here."""
        if (self.alone and life.kind in lives.SCHEDULERS) or (life.ended and idle()):
            return True
        visible = life.boot == self.boot and not os.path.exists(f"/proc/{life.pid}")
        return life.silent > self.lease * (1 if visible else FAR)

    def _hung(self, life: Seen) -> Over | None:
        """One whose process is there. A `yamldag run` that somebody holds with Ctrl-Z is left alone."""
        if life.kind not in lives.SCHEDULERS or life.silent <= self.lease:
            return None
        if holders.end_holder(self.folder, life.executor, life.pid, min(_PATIENCE, self.lease / 4)):
            with suppress(FileNotFoundError, BlockingIOError):  # another heir is faster
                return Over(life, places.owner_lock(self.folder, life.executor))
            return None
        return Over(life, None) if life.silent > self.lease * FAR else None


def _nothing() -> None:
    """To write nothing is a sign of life."""


def find_over(database: Database, me: int, onlooker: Onlooker, kinds: Collection[str]) -> Iterator[Over]:
    """The lives of these kinds that are over, and that nobody has taken over."""
    for life in map(onlooker.watched, lives.seen(database, me)):
        if life.kind in kinds:
            onlooker.beat(database)  # the one before may have taken its time
            found = onlooker.over(life, lambda life=life: not lives.running_attempts(database, life.id))  # type: ignore[misc]
            if found is not None:
                yield found
