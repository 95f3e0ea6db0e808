"""The processes that fork one for each attempt.

One is begun when the same kind of task is started for the third time, and used once it says that it is ready; until
then, and whenever something is wrong with it, tasks are started without.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import OrderedDict

from yamldag.executors.asked import READY, STALE
from yamldag.executors.local import orphans
from yamldag.executors.local.order import Key, Order
from yamldag.executors.local.placing import UnstartableError, enter
from yamldag.executors.local.process import Process, begin, number
from yamldag.executors.local.spawn import Spawner, refusal

_MOST = 8
"""Processes that are kept."""
_FROM = 3
"""The start of a kind at which a process is warmed for it."""
_KINDS = 256
"""Kinds whose starts are counted."""
_PATIENCE = 10.0
"""Seconds for the answer of a process that has only to fork."""


class UncertainError(Exception):
    """Whether the attempt has begun is not known; nothing of it is left."""


class Forks:
    """Of one runner."""

    def __init__(self, spawner: Spawner, journal: int, path: str) -> None:
        self._spawner = spawner
        self._journal = journal
        self._path = path
        self._starts: OrderedDict[Key, int] = OrderedDict()
        self._warm: OrderedDict[Key, Process] = OrderedDict()
        self._ready: set[Process] = set()
        self._answers: dict[int, bytes] = {}
        """By attempt: those that came before they were waited for."""
        self._dropped: list[Process] = []
        """Of no use any more; what they have yet to answer is still to be heard."""

    def ask(self, order: Order) -> Process | None:
        """Who was told to fork the attempt's process. None: it is to be started without."""
        if order.how != "fork":
            return None
        kind = order.kind
        process = self._warm.get(kind)
        if process is None:
            self._warm_up(order, kind)
            return None
        if process not in self._ready and not self._becomes_ready(process):
            return None
        try:
            process.ask([order.mark, order.attempt, order.ours, order.cwd, order.log, order.spec])
        except OSError:
            self._drop(process)
            return None
        self._warm.move_to_end(kind)
        return process

    def pid(self, process: Process, order: Order) -> int | None:
        """The answer. None: it has started nothing. Raises UnstartableError, UncertainError."""
        said = self._answer(process, order.attempt)
        if not said:
            self._drop(process)
            orphans.kill({order.mark})
            raise UncertainError
        if said == STALE:
            self._drop(process)
            return None
        pid = number(said)
        if pid < 0:
            raise refusal(order.argv[0], OSError(-pid, ""))
        return pid

    def _answer(self, process: Process, attempt: int) -> bytes | None:
        while attempt not in self._answers:
            said = process.hear()
            if not said:
                return None
            whose, _, answer = said.partition(b" ")
            self._answers[int(whose)] = answer
        return self._answers.pop(attempt)

    def wait(self) -> float | None:
        """When the first of them was used last."""
        return min((each.used for each in self._warm.values()), default=None)

    def mind(self, late: float) -> None:
        """End those of which nobody has asked anything since then."""
        for each in [one for one in self._warm.values() if one.used <= late]:
            self._drop(each)
        while self._dropped:
            self._dropped.pop().connection.close()  # it ends by itself when it hears that nobody is there

    def close(self) -> None:
        """End all, and wait until they have ended: they hold the journal's lock."""
        for each in (*self._warm.values(), *self._dropped):
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(each.pid, signal.SIGKILL)
                os.waitpid(each.pid, 0)
            each.connection.close()

    def _warm_up(self, order: Order, kind: Key) -> None:
        """Begin a process for this kind if it comes often enough; it is of use later."""
        self._starts[kind] = self._starts.pop(kind, 0) + 1
        if len(self._starts) > _KINDS:
            self._starts.popitem(last=False)
        if self._starts[kind] != _FROM:
            return
        if len(self._warm) == _MOST:
            self._drop(next(iter(self._warm.values())))
        with contextlib.suppress(UnstartableError):
            enter(order.cwd)
            self._warm[kind] = begin(self._spawner, order, self._path, self._journal)

    def _becomes_ready(self, process: Process) -> bool:
        said = process.hear()
        if said == READY:
            process.connection.settimeout(_PATIENCE)
            self._ready.add(process)
        elif said == b"":
            del self._warm[process.kind]  # and its kind goes without
            process.connection.close()
        return process in self._ready

    def _drop(self, process: Process) -> None:
        if self._warm.get(process.kind) is process:
            del self._warm[process.kind]
            self._starts.pop(process.kind, None)
            self._ready.discard(process)
            self._dropped.append(process)
