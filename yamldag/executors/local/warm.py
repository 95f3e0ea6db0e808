"""The runner's warm processes: ones that fork a task's process when asked, and ones that carry out tasks themselves.

A `fork` one is begun when the same kind of task is started for the third time, and used once it says that it is
ready; until then, and whenever something is wrong with it, tasks are started without. A `reuse` one is begun
when none is free. Both end when nothing was asked of them for a minute.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from yamldag.executors.local import orphans
from yamldag.executors.local.spawn import Spawner, UnstartableError, refusal
from yamldag.executors.marking import BLANK

_IDLE = 60.0
_MOST = 8
"""Forking processes, and idle ones for reuse, that are kept."""
_FROM = 3
"""The start of a kind at which a process is warmed for it."""
_KINDS = 256
"""Kinds whose starts are counted."""
_PATIENCE = 10.0
"""Seconds for the answer of a process that has only to fork."""
_OURS = "YAMLDAG_"
Key: TypeAlias = tuple[object, ...]


class UncertainError(Exception):
    """Whether the attempt has begun is not known; nothing of it is left."""


class Order(NamedTuple):
    """An attempt to start."""

    attempt: int
    argv: list[str]
    env: dict[str, str]
    cwd: str
    log: str
    warm: list[str]
    """`[how, operator, folder, module]`"""

    @property
    def mark(self) -> str:
        return self.env[orphans.MARK]

    @property
    def kind(self) -> Key:
        """What can be carried out by the same process."""
        own = (tuple(self.argv[:-1]), tuple(self.warm))
        if self.warm[0] == "reuse":
            return own
        return (*own, self.cwd, frozenset(pair for pair in self.env.items() if not pair[0].startswith(_OURS)))


class _Process:
    def __init__(self, kind: Key, pid: int, connection: socket.socket) -> None:
        self.kind = kind
        self.pid = pid
        self.connection = connection
        self.used = time.monotonic()
        self.ready = False
        self.attempt: int | None = None

    def ask(self, order: Order, log: int) -> None:
        """Raises OSError: it is gone, or the request is longer than a message may be."""
        self.used = time.monotonic()
        request = {"mark": order.mark, "spec": order.argv[-1], "env": order.env, "cwd": order.cwd}
        socket.send_fds(self.connection, [json.dumps(request).encode()], [log])

    def hear(self) -> bytes | None:
        """What has come; empty: it is gone. None: nothing has."""
        try:
            return self.connection.recv(64)
        except BlockingIOError:
            return None
        except OSError:
            return b""


class Warm:
    """Knows nothing of how attempts end, but for the exit codes that `reuse` processes tell."""

    def __init__(self, spawner: Spawner, journal: int) -> None:
        self._spawner = spawner
        self._journal = journal
        self._starts: OrderedDict[Key, int] = OrderedDict()
        self._forking: OrderedDict[Key, _Process] = OrderedDict()
        self._idle: list[_Process] = []
        self._busy: dict[int, _Process] = {}
        """By the descriptor of the connection."""

    def start(self, order: Order) -> tuple[int, int | None] | None:
        """The process of the attempt, and the descriptor by which its exit code comes if the process goes on
        after it. None: it has to be started without. Raises UnstartableError, UncertainError."""
        return self._reuse(order) if order.warm[0] == "reuse" else self._fork(order)

    def wait(self) -> float | None:
        """Seconds until a process has been idle for long enough."""
        first = min((each.used for each in (*self._forking.values(), *self._idle)), default=None)
        return None if first is None else max(0.0, first + _IDLE - time.monotonic())

    def mind(self) -> None:
        """End what nobody asks anything of."""
        late = time.monotonic() - _IDLE
        for each in [one for one in self._forking.values() if one.used <= late]:
            self._drop(each)
        for each in [one for one in self._idle if one.used <= late]:
            self._drop(each)

    def close(self) -> None:
        """End all, and wait until the processes that fork have ended: they hold the journal's lock."""
        for each in self._forking.values():
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(each.pid, signal.SIGKILL)
                os.waitpid(each.pid, 0)
        for each in (*self._forking.values(), *self._idle, *self._busy.values()):
            each.connection.close()

    # for reuse

    def awaits(self, descriptor: int) -> bool:
        """Whether an exit code comes by it."""
        return descriptor in self._busy

    def answer(self, descriptor: int) -> tuple[int, int | None]:
        """The attempt that a process has carried out, and its exit code; None: the process is gone."""
        process = self._busy[descriptor]
        said = process.hear()
        assert process.attempt is not None
        return process.attempt, int(said) if said else None

    def exit_code(self, pid: int) -> tuple[int, int] | None:
        """What a process that has ended had said before: its attempt, and the exit code."""
        for descriptor, process in self._busy.items():
            if process.pid == pid:
                attempt, code = self.answer(descriptor)
                return None if code is None else (attempt, code)
        return None

    def free(self, descriptor: int, *, again: bool) -> None:
        """Its attempt is over. `again`: it may be used for another one."""
        process = self._busy.pop(descriptor)
        process.attempt = None
        if again:
            self._idle.append(process)
            if len(self._idle) > _MOST * 2:
                self._drop(self._idle[0])
        else:
            process.connection.close()

    def _reuse(self, order: Order) -> tuple[int, int | None] | None:
        with self._placed(order) as log:
            for process in [one for one in reversed(self._idle) if one.kind == order.kind]:
                self._idle.remove(process)
                try:
                    process.ask(order, log)
                except OSError:
                    process.connection.close()
                    continue
                return self._occupy(process, order)
            process = self._begin(order)
            try:
                process.ask(order, log)
            except OSError:  # too long a request: it ends by itself
                process.connection.close()
                return None
            return self._occupy(process, order)

    def _occupy(self, process: _Process, order: Order) -> tuple[int, int]:
        process.attempt = order.attempt
        descriptor = process.connection.fileno()
        self._busy[descriptor] = process
        return process.pid, descriptor

    # for a fork

    def _fork(self, order: Order) -> tuple[int, None] | None:
        process = self._forking.get(order.kind) or self._warm_up(order)
        if process is None or not self._is_ready(process):
            return None
        with self._placed(order) as log:
            try:
                process.connection.settimeout(_PATIENCE)
                process.ask(order, log)
            except OSError:
                self._drop(process)
                return None
            pid = self._pid(process, order)
            return None if pid is None else (pid, None)

    def _warm_up(self, order: Order) -> _Process | None:
        """Begin a process for this kind if it comes often enough; it is of use later."""
        kind = order.kind
        self._starts[kind] = self._starts.pop(kind, 0) + 1
        if len(self._starts) > _KINDS:
            self._starts.popitem(last=False)
        if self._starts[kind] != _FROM:
            return None
        if len(self._forking) == _MOST:
            self._drop(next(iter(self._forking.values())))
        with contextlib.suppress(UnstartableError):
            self._spawner.enter(order.cwd)
            self._forking[kind] = self._begin(order, self._journal)
        return None

    def _is_ready(self, process: _Process) -> bool:
        if not process.ready:
            said = process.hear()
            process.ready = said == b"ready"
            if said == b"":
                self._forking.pop(process.kind)  # and its kind goes without
                process.connection.close()
        return process.ready

    def _pid(self, process: _Process, order: Order) -> int | None:
        """The answer to what was asked. None: it has started nothing."""
        try:
            said = process.connection.recv(64)
        except OSError:
            said = b""
        if said == b"stale":
            self._drop(process)
            return None
        if said and int(said) < 0:
            raise refusal(order.argv[0], OSError(-int(said), ""))
        if said:
            self._forking.move_to_end(process.kind)
            return int(said)
        self._drop(process)
        orphans.kill({order.mark})
        raise UncertainError

    # both

    @contextlib.contextmanager
    def _placed(self, order: Order) -> Iterator[int]:
        log = self._spawner.place(order.cwd, order.log)
        try:
            yield log
        finally:
            os.close(log)

    def _begin(self, order: Order, *more: int) -> _Process:
        how, *what = order.warm
        env = {name: value for name, value in order.env.items() if not name.startswith(_OURS)}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            descriptors = (theirs.fileno(), *more)
            words = [*order.argv[:-1], f"--{how}", *map(str, (os.getpid(), *descriptors))]
            words += what if how == "fork" else ()
            files = [(os.POSIX_SPAWN_DUP2, each, each) for each in descriptors]  # onto itself: inherited
            pid = self._spawner.spawn_silent(words, {**env, orphans.MARK: BLANK}, files)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        return _Process(order.kind, pid, ours)

    def _drop(self, process: _Process) -> None:
        """It ends by itself when it hears that nobody is there."""
        process.connection.close()
        if self._forking.get(process.kind) is process:
            del self._forking[process.kind]
            self._starts.pop(process.kind, None)
        elif process in self._idle:
            self._idle.remove(process)
