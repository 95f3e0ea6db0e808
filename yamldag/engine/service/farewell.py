"""The end: nothing starts any more, and what runs has some time."""

from __future__ import annotations

from msgspec import Struct

from yamldag.engine.service.desk import Desk

GRACE = 10.0
"""Seconds that running tasks get when the scheduler is told to stop; then their runner minds them alone."""


class Farewell(Struct):
    desk: Desk
    stops: int = 0
    """How often it was told to stop."""
    _told: float = 0.0
    _give_up: float | None = None
    _killed: bool = False

    def tell(self) -> None:
        """From signal handlers and other threads too."""
        if not self.stops:
            self._told = self.desk.engine.steady
        self.stops += 1

    @property
    def hurries(self) -> bool:
        """Whether it is no use to wait for a database that is away: it was told to stop, and time runs out."""
        waited = bool(self.stops) and self.desk.engine.steady - self._told >= GRACE / 2
        return self.stops > 1 or waited

    def patience(self) -> float:
        """Seconds until there is something to do."""
        return 0.0 if self._give_up is None else max(0.0, min(self._give_up - self.desk.engine.steady, 1.0))

    def wind_down(self) -> None:
        """Withdraw, and stop what runs if that is asked for."""
        engine = self.desk.engine
        now, running = engine.steady, list(engine.world.running)
        if self._give_up is None:
            self._give_up = now + GRACE
            engine.leave()
            engine.outbox.hurry()
            if self.desk.peers is not None:
                self.desk.peers.withdraw()
            if running and self.stops == 1:
                tasks = "1 task still runs" if len(running) == 1 else f"{len(running)} tasks still run"
                self.desk.say(f"stopping: {tasks}; a second signal stops what runs")
        if self.stops > 1 and not self._killed:
            self._killed = True
            self._give_up = now + GRACE + 1.0  # the runner kills after its own grace
            engine.executor.stop(running)

    @property
    def over(self) -> bool:
        """Nothing runs any more, or it has had its time: what goes on is found by the next start."""
        if not self.stops or self._give_up is None:
            return False
        engine = self.desk.engine
        at_work = engine.world.running or not engine.outbox.idle
        return not at_work or engine.steady >= self._give_up
