"""A process that carries out one call after the other, for functions that are trusted with it.

Run by a runner with its process id, the journal's path, and the descriptor of the socket. A request is `[mark, attempt,
base, env, cwd, log, whether others write to the log, spec]`; `base`, what is below `env`, is null if it is the last
one's. The answer is the exit code.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from yamldag.executors import ahead
from yamldag.executors.asked import receive, refusal
from yamldag.executors.leaving import CALL, refuse
from yamldag.executors.local.logs import Logs
from yamldag.executors.local.orphans import MARK
from yamldag.executors.local.placing import UnstartableError, enter, open_log
from yamldag.executors.marking import Mark

CarryOut = Callable[[dict[str, Any], tuple[str, int]], int]


def reuse(carry_out: CarryOut, runner: str, journal: str, descriptor: str, waiting: str = "") -> int:
    """Carry out what is asked for until the runner has gone; the exit code of the last. `waiting`: the descriptor of
    a file that holds the first request."""
    connection, mark, code = socket.socket(fileno=int(descriptor)), Mark(), 0
    connection.set_inheritable(False)
    own, log, environment = _OwnFiles(), _Log(), _Environment()
    while True:
        request = _read(int(waiting)) if waiting else receive(connection)
        waiting = ""
        if request is None:
            return code
        if own.are_edited():
            request[2] = environment.base if request[2] is None else request[2]
            connection.set_inheritable(True)
            _begin_anew(request, mark)
        told, attempt, base, env, *place, spec = request
        mark.write(told)
        if os.getppid() != int(runner):  # perhaps nobody would know of it: whoever comes next starts it again
            refuse(journal, attempt)
            return code
        try:
            _settle(log, *place)
            environment.become(base, {**env, MARK: told})
        except UnstartableError as error:
            answer = refusal(str(error))
        else:
            code = carry_out(json.loads(spec), (journal, attempt))
            answer = b"%d" % code
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        own.look()
        try:
            connection.send(answer)
        except OSError:
            return code


def _begin_anew(request: list[Any], mark: Mark) -> NoReturn:
    """As a new interpreter, with this request first."""
    file = os.memfd_create("request", 0)  # inherited
    with open(file, "w", encoding="utf-8", closefd=False) as writer:
        json.dump(request, writer)
    os.lseek(file, 0, os.SEEK_SET)
    words = sys.orig_argv[: sys.orig_argv.index("--reuse") + 4]
    os.execve(sys.executable, [*words, str(file)], mark.environment)  # noqa: S606


def _read(descriptor: int) -> list[Any]:
    with open(descriptor, encoding="utf-8") as file:
        return json.load(file)  # type: ignore[no-any-return]


def _settle(log: _Log, cwd: str, path: str, shared: bool) -> None:
    """Let the process be where the attempt is to be. Raises UnstartableError."""
    enter(cwd)
    log.become(path, shared=shared)
    sys.argv[1:] = [CALL]


class _Log:
    """Stdout and stderr."""

    def __init__(self) -> None:
        self._logs = Logs()
        self._nothing = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)

    def become(self, path: str, *, shared: bool) -> None:
        """Raises UnstartableError."""
        self._write_to(self._nothing)  # the last one's is handed on only if nobody has it open
        opened = open_log(path) if shared else self._logs.open(path)
        self._write_to(opened)
        os.close(opened)
        if not shared:
            self._logs.leave(path)

    def _write_to(self, descriptor: int) -> None:
        for number in (1, 2):
            os.dup2(descriptor, number)


class _Environment:
    """Of the process, as each attempt has it: whatever the one before has changed."""

    def __init__(self) -> None:
        self.base: dict[str, str] = {}
        self._base: dict[bytes, bytes] = {}

    def become(self, base: dict[str, str] | None, own: dict[str, str]) -> None:
        """`base` None: as it was."""
        if base is not None:
            self.base, self._base = base, _encoded(base)
        wanted, present = {**self._base, **_encoded(own)}, os.environb
        if present._data == wanted:  # type: ignore[attr-defined]
            return
        zone = present.get(b"TZ")
        for name in present.keys() - wanted.keys():
            del present[name]
        for name, value in wanted.items():
            if present.get(name) != value:
                present[name] = value
        if present.get(b"TZ") != zone:
            time.tzset()


def _encoded(env: dict[str, str]) -> dict[bytes, bytes]:
    return {os.fsencode(name): os.fsencode(value) for name, value in env.items()}


class _OwnFiles:
    """The files of the user's own modules, as they were when first seen."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._stamps: dict[str, object] = {}

    def look(self) -> None:
        """Note those that were loaded since the last time."""
        new = sys.modules.keys() - self._known
        self._known |= new
        for name in new:
            path = getattr(sys.modules[name], "__file__", None)
            if isinstance(path, str) and path not in self._stamps and ahead.is_foreign(sys.modules[name]):
                self._stamps[path] = _stamp(path)

    def are_edited(self) -> bool:
        return any(_stamp(path) != stamp for path, stamp in self._stamps.items())


def _stamp(path: str) -> object:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
