"""What a scheduler says of itself to whoever shows it, or what is seen of it from elsewhere: read from other threads,
replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from yamldag.compile.project import Project
from yamldag.engine.schedule.catalogue import Broken
from yamldag.engine.schedule.known import Known
from yamldag.store.tally import PATIENT, Tally

QUIET = 15.0
"""Seconds without a turn of the loop after which a scheduler is not healthy: it turns every two."""


class Status(Struct, frozen=True):
    """One moment of a scheduler. Times are Unix seconds."""

    began: float
    turned: float
    """When the loop last turned."""
    slots: int
    running: int = 0
    """Attempts that are running."""
    queued: int = 0
    """Runs that wait for room."""
    late: float = 0.0
    """Seconds from the newest tick to its run."""
    stopping: bool = False
    pipelines: Mapping[str, Known] = field(default_factory=dict)
    broken: tuple[Broken, ...] = ()
    next: Mapping[str, float] = field(default_factory=dict)
    """The coming tick of each pipeline that has one."""
    paused: frozenset[str] = frozenset()
    schedulers: int = 1
    """Those at work on this database, this one too."""
    leads: bool = True
    """Whether this one makes the ticks and starts the runs."""
    pools: Mapping[str, int] = field(default_factory=dict)
    """Those that the project's file declares, with their slots."""
    steps: Tally = field(default_factory=Tally)
    """How long steps of the engine took. This and the following go on being counted in."""
    starts: Tally = field(default_factory=lambda: Tally(PATIENT))
    """For how long attempts that were started had been ready."""
    writes: Tally = field(default_factory=Tally)
    """How long transactions took."""
    project: Project | None = None
    """Whose settings are in force."""
    apart: bool = False
    """Schedulers are other processes: this is what a server of pages sees of them."""

    def healthy(self, now: float) -> bool:
        return not self.stopping and now - self.turned < QUIET and self.schedulers > 0


class Board(Struct):
    """Where the newest status hangs."""

    status: Status
