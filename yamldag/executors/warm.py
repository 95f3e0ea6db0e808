"""A process that is there before its tasks, and forks one for each, as a new interpreter would be.

Run by a runner in place of a task. It is told the runner's process id, the journal's path, and its descriptors of the
socket and of the journal, whose lock it holds. A request is `[mark, attempt, env, cwd, log, spec]`; the answer is the
process id, or minus an error's number.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from yamldag.executors import ahead
from yamldag.executors.asked import READY, STALE, receive, refusal
from yamldag.executors.local.placing import UnstartableError, enter, open_log
from yamldag.executors.marking import Mark, die_with
from yamldag.executors.task import CALL

ALONE = "alone"
"""In place of a module: load nothing ahead."""
_MODULES = {"http": "request", "sql": "query"}
"""Where operators of ours do their work."""

CarryOut = Callable[[dict[str, Any], tuple[str, int]], int]


def fork(carry_out: CarryOut, *words: str) -> NoReturn:
    """Wait for requests. `words`: runner, journal, socket, the journal's lock, operator, folder, module."""
    runner, path, descriptor, lock, operator, folder, module = words
    die_with(signal.SIGKILL, int(runner))
    _load(operator, folder, module)
    connection, mark = socket.socket(fileno=int(descriptor)), Mark()
    installed = _Installed()
    gc.collect()
    gc.freeze()
    known = frozenset(sys.modules)
    os.chdir("/")
    connection.send(READY)
    while (request := receive(connection)) is not None:
        if installed.have_changed():
            connection.send(STALE)
            continue
        told, attempt, env, cwd, log, spec = request
        try:
            output = _place(cwd, log)
        except UnstartableError as error:
            connection.send(refusal(str(error)))
            continue
        mark.write(told)
        if _fork(connection):
            connection.close()
            os.close(int(lock))
            _settle(output, env)
            leave(carry_out(json.loads(spec), (path, attempt)), known)
        mark.clear()
        os.close(output)
        os.chdir("/")
    os._exit(0)


def _load(operator: str, folder: str, module: str) -> None:
    if operator == "guarded":
        from yamldag.executors.guard import guard

        del guard
        operator = module
    if operator in ("http", "sql"):
        importlib.import_module(f"yamldag.executors.{_MODULES[operator]}").warm_up()
        return
    from yamldag.executors import call

    del call
    if folder == "/" or module in (ALONE, ""):
        return
    environment = dict(os.environb)
    try:
        ahead.load(folder, module)
    except ahead.UnfitError:  # once more, without
        words = [*sys.orig_argv[:-1], ALONE]
        os.execve(sys.executable, words, environment)  # noqa: S606


class _Installed:
    """The folders of what is installed: they change when something is, or is removed."""

    def __init__(self) -> None:
        self._folders = ahead.installed()
        self._before = self._stamps()

    def have_changed(self) -> bool:
        return self._stamps() != self._before

    def _stamps(self) -> list[int]:
        found = []
        for folder in self._folders:
            with contextlib.suppress(OSError):
                found.append(os.stat(folder).st_mtime_ns)
        return found


def _place(cwd: str, log: str) -> int:
    """Be where the attempt is to be; its log. Raises UnstartableError."""
    enter(cwd)
    return open_log(log)


def _fork(connection: socket.socket) -> bool:
    """Make the task's process, a child of the runner; True in it. It bears the mark from its first moment."""
    try:
        between = os.fork()
    except OSError as error:
        connection.send(b"-%d" % (error.errno or 1))
        return False
    if between == 0:
        return _second_fork(connection)
    if os.waitpid(between, 0)[1]:
        os._exit(1)  # whether the task began is not known: the runner looks for it by its mark
    return False


def _second_fork(connection: socket.socket) -> bool:
    """In between: an orphan becomes the runner's child. Tells its number once it leads a session."""
    reader, writer = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        connection.send(b"-%d" % (error.errno or 1))
        os._exit(0)
    if pid:
        os.close(writer)
        os.read(reader, 1)
        connection.send(b"%d" % pid)
        os._exit(0)
    os.setsid()
    os.close(reader)
    os.close(writer)
    return True


def _settle(log: int, env: dict[str, str]) -> None:
    """Let the process be as the attempt has it. What is not in `env` it has already."""
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    os.environ.update(env)
    sys.argv[1:] = [CALL]
    importlib.invalidate_caches()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


def leave(code: int, known: frozenset[str]) -> NoReturn:
    """End as an interpreter ends, without taking apart what was there before the task: its copies of that
    memory would cost more than all the rest."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for name in sys.modules.keys() - known:
        vars(sys.modules[name]).clear()  # files that were left open are flushed
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed by the task, or nobody reads it
            stream.flush()
    os._exit(code)
