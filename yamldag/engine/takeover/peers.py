"""The schedulers of one database among themselves: who leads, who moves which run, who goes on for the dead.

One leads: it alone makes ticks and starts runs, each at the scheduler that has most room for it. Every one looks
for others that are over. On SQLite there is but one, which leads.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from yamldag.engine.loop.engine import Engine
from yamldag.engine.takeover.abandoned import end_abandoned
from yamldag.engine.takeover.lives import Onlooker
from yamldag.engine.takeover.recovery import admit, recover
from yamldag.executors.local.executor import LocalExecutor
from yamldag.store import lives
from yamldag.store.lives import Member

LOOK = 2.0
"""Seconds between two looks at the other lives; with a short lease a quarter of that."""
ASK = 0.25
"""Seconds between two looks at the runs that others give to us, or move for us."""
GO_ON = 2.0
"""Leases for which tasks go on without a sign of their scheduler, where there are other machines: those take it
for dead a lease later."""


class Peers(Struct):
    """What one scheduler knows of the others, and does about them."""

    engine: Engine
    executor: LocalExecutor
    onlooker: Onlooker
    say: Callable[[str], None]
    leads: bool = False
    late: float = 0.0
    """When it began to lead: seconds since its forerunner was seen last, if others were at work all the time."""
    elsewhere: dict[str, str] = field(default_factory=dict)
    """The runs that others move, each with its pipeline: for the one that leads."""
    members: list[Member] = field(default_factory=list)
    _look_at: float = 0.0
    _ask_at: float = 0.0
    _bounded: bool = False
    _ended: list[tuple[str, str, float]] = field(default_factory=list)
    _renewed: list[str] = field(default_factory=list)

    @property
    def alone(self) -> bool:
        """Nobody else can be there."""
        return self.onlooker.alone

    def turn(self, now: float) -> None:
        """Look around, if it is time."""
        every = min(LOOK, self.onlooker.lease / 4)
        if _is_due(self._look_at, now, every):
            self._look_at = now + every
            self.look()
        if not self.alone and _is_due(self._ask_at, now, ASK):
            self._ask_at = now + ASK
            self._hear_of_ends() if self.leads else self._ask()

    def patience(self, now: float) -> float:
        """Seconds until it is time to look again."""
        at = self._look_at if self.alone else min(self._look_at, self._ask_at)
        return max(0.0, at - now)

    def look(self) -> None:
        """Go on for those that are over; lead if nobody does."""
        database, me = self.engine.database, self.engine.runner
        for run in end_abandoned(database, self.onlooker, me):
            self.say(f"run {run} is over: its process was killed")
        if not (self.alone and self.leads):
            for run in recover(self.engine, self.executor, self.onlooker):
                self.say(f"run {run} goes on")
        if self.alone:
            self.leads = True
            return
        self.members = lives.members(database, self.onlooker.lease)
        if not self.leads:
            self._lead()
        self._bound()

    def _bound(self) -> None:
        """Where there are other machines, tasks must end here before they may begin there: those of a scheduler
        that can't say that it lives."""
        database, lease = self.engine.database, self.onlooker.lease
        bound = lives.others_than(database, self.onlooker.boot)
        if bound:
            if database.quiet > lease / 2:
                database.write(_nothing)
            self.executor.go_on(GO_ON * lease - database.quiet)
        elif self._bounded:
            self.executor.go_on(None)
        self._bounded = bound

    def _lead(self) -> None:
        database, me = self.engine.database, self.engine.runner
        late = database.write(lambda: lives.lead(database, me))
        if late is not None:
            self.leads = True
            self.late = late if len(self.members) > 1 else 0.0
            self.elsewhere = lives.runs_elsewhere(database, me)

    def _ask(self) -> None:
        """Take the runs that the leader has given to us."""
        given = lives.runs_of(self.engine.database, self.engine.runner)
        if given.keys() - self.engine.world.runs.keys():
            for run in admit(self.engine, self.executor, self.onlooker):
                self.say(f"run {run.id} of {run.plan.pipeline} started")

    # For the one that leads

    def choose(self) -> int:
        """The scheduler with most room for a run; this one, of equals."""
        me = self.engine.runner
        if len(self.members) < 2:
            return me
        best = min(
            self.members, key=lambda each: ((each.runs + 1) / (each.slots or 1), each.id != me, each.id)
        )
        self.members[self.members.index(best)] = best._replace(runs=best.runs + 1)
        return best.id

    def gave(self, run: str, pipeline: str) -> None:
        """Another one moves a run from now on."""
        self.elsewhere[run] = pipeline

    def _hear_of_ends(self) -> None:
        if not self.elsewhere:
            return
        database = self.engine.database
        now = lives.runs_elsewhere(database, self.engine.runner)
        for run, pipeline in self.elsewhere.items():
            if run in now or run in self.engine.world.runs:
                continue
            if (at := lives.ended_at(database, run)) is not None:
                self._ended.append((pipeline, run, at))
            else:
                self._renewed.append(run)
        self.elsewhere = now

    def ended(self) -> list[tuple[str, str, float]]:
        """The runs of others that have ended since the last call: pipeline, run, when."""
        found, self._ended = self._ended, []
        return found

    def renewed(self) -> list[str]:
        """The runs of others that wait for room again, by a newer plan, since the last call."""
        found, self._renewed = self._renewed, []
        return found

    # The end

    def withdraw(self) -> None:
        """Take no more runs, and let another one lead."""
        self.leads = False
        if not self.alone:
            database, me = self.engine.database, self.engine.runner
            database.write(lambda: lives.withdraw(database, me))


def _nothing() -> None:
    """To write nothing is a sign of life."""


def _is_due(at: float, now: float, every: float) -> bool:
    """Also if the clock was set back."""
    return not now < at <= now + every
