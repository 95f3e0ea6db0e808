"""The processes that carry out one attempt after the other, each one at a time: begun when none is free."""

from __future__ import annotations

from yamldag.executors.local.order import Base, Order
from yamldag.executors.local.placing import UnstartableError, enter
from yamldag.executors.local.process import Process, begin, number
from yamldag.executors.local.spawn import Spawner

_MOST = 16
"""Idle ones that are kept."""


class Worker:
    """A process, the attempt that it has, and what it knows."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.descriptor = process.connection.fileno()
        self.attempt = 0
        self._base: Base | None = None

    def ask(self, order: Order) -> None:
        """Raises OSError: it is gone."""
        base = None if self._base is order.base else order.base.env
        place = (order.cwd, order.log, order.log_is_shared)
        self.process.ask([order.mark, order.attempt, base, order.own, *place, order.spec])
        self.attempt, self._base = order.attempt, order.base

    def hear(self) -> tuple[int, str] | None:
        """The exit code of what it had to carry out, and why that could not begin. None: it is gone."""
        said = self.process.hear()
        try:
            return (number(said), "") if said else None
        except UnstartableError as error:
            return error.exit, str(error)


class Reuse:
    """Of one runner."""

    def __init__(self, spawner: Spawner, journal: str) -> None:
        self._spawner = spawner
        self._journal = journal
        self._idle: list[Worker] = []
        self.busy: dict[int, Worker] = {}
        """By the descriptor that becomes readable when they answer, or are gone."""

    def start(self, order: Order) -> Worker | None:
        """Who carries it out. None: it has to be started without. Raises UnstartableError."""
        kind = order.kind
        for worker in [one for one in reversed(self._idle) if one.process.kind == kind]:
            self._idle.remove(worker)
            if self._has_taken(worker, order):
                return worker
        enter(order.cwd)
        worker = Worker(begin(self._spawner, order, self._journal))
        return worker if self._has_taken(worker, order) else None

    def last_words(self, pid: int) -> tuple[int, int, str] | None:
        """What a process that has ended had said before: its attempt, and what `hear` gives."""
        for worker in self.busy.values():
            if worker.process.pid == pid and (said := worker.hear()):
                return worker.attempt, *said
        return None

    def free(self, worker: Worker) -> None:
        """Its attempt is over, and it may be used for another one."""
        del self.busy[worker.descriptor]
        self._idle.append(worker)
        if len(self._idle) > _MOST:
            self._idle.pop(0).process.connection.close()

    def lose(self, worker: Worker) -> None:
        """It is gone, or about to go."""
        del self.busy[worker.descriptor]
        worker.process.connection.close()

    def wait(self) -> float | None:
        """When the first of those that are idle was used last."""
        return min((each.process.used for each in self._idle), default=None)

    def mind(self, late: float) -> None:
        """End those of which nobody has asked anything since then: they hear that nobody is there."""
        for each in [one for one in self._idle if one.process.used <= late]:
            self._idle.remove(each)
            each.process.connection.close()

    def close(self) -> None:
        for each in (*self._idle, *self.busy.values()):
            each.process.connection.close()

    def _has_taken(self, worker: Worker, order: Order) -> bool:
        try:
            worker.ask(order)
        except OSError:
            worker.process.connection.close()
            return False
        self.busy[worker.descriptor] = worker
        return True
