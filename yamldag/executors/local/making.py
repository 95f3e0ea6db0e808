"""Makes the processes of attempts: by a warm process where there is one for them, else new ones."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from yamldag.executors.leaving import CALL
from yamldag.executors.local.forks import UncertainError
from yamldag.executors.local.order import Order
from yamldag.executors.local.placing import UnstartableError
from yamldag.executors.local.process import Process, in_memory
from yamldag.executors.local.protocol import EndRow
from yamldag.executors.local.reuse import Worker
from yamldag.executors.local.spawn import Spawner
from yamldag.executors.local.warm import Warm

_CALL = int(CALL.rpartition("/")[2])


class Made(NamedTuple):
    attempt: int
    pid: int
    started: float


class Maker:
    """Of one runner."""

    def __init__(self, journal: int, path: str, hire: Callable[[Worker], None]) -> None:
        """`journal`, at `path`: where results go. `hire` is told of each new worker."""
        self._path = path
        self._spawner = Spawner()
        self._hire = hire
        self._logs: dict[int, str] = {}
        """By attempt: those that nobody else writes to."""
        self.warm = Warm(self._spawner, journal, path)

    def make(self, orders: list[Order]) -> tuple[list[Made], list[EndRow]]:
        """The processes, and the ends of those attempts that have none."""
        self._spawner.look_anew()
        asked = [(order, time.time(), self.warm.forks.ask(order)) for order in orders]
        made: list[Made] = []
        ends: list[EndRow] = []
        for order, now, process in asked:
            try:
                made.append(Made(order.attempt, self._pid(order, process), now))
                if not order.log_is_shared and order.how != "reuse":
                    self._logs[order.attempt] = order.log
            except UnstartableError as error:
                ends.append([order.attempt, error.exit, "unstartable", now, now, str(error), None])
            except UncertainError:
                words = "the process that should start it has died"
                ends.append([order.attempt, -signal.SIGKILL, "lost", now, now, words, None])
        os.chdir("/")
        return made, ends

    def ended(self, attempt: int) -> None:
        """A process of it is no more."""
        if (log := self._logs.pop(attempt, None)) is not None:
            self._spawner.logs.leave(log)

    def _pid(self, order: Order, process: Process | None) -> int:
        if process is not None:
            return self.warm.forks.pid(process, order) or self._new(order)
        if order.how == "reuse" and (worker := self.warm.reuse.start(order)):
            self._hire(worker)
            return worker.process.pid
        return self._new(order)

    def _new(self, order: Order) -> int:
        if order.spec is None:
            return self._spawner.spawn(order.argv, order.env, order.cwd, order.log)
        call = json.dumps([self._path, order.attempt, order.spec]).encode()
        with in_memory(call) as file:
            files = [(os.POSIX_SPAWN_DUP2, file.fileno(), _CALL)]
            return self._spawner.spawn([*order.argv[:-1], CALL], order.env, order.cwd, order.log, files)
