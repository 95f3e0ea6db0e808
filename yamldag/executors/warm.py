"""A process that is there before its tasks, and forks one for each, as a new interpreter would be.

Run by a runner in place of a task. It is told the runner's process id, the journal's path, and its descriptors of the
socket and of the journal, whose lock it holds. A request is `[mark, attempt, env, cwd, log, spec]`; the answer is the
attempt, and the process id or minus an error's number. Those of several that were asked at once come in any order.

What a fork writes to, it copies first: that is most of what it costs. What can be done before it is done before it.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import errno
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from yamldag.executors import ahead
from yamldag.executors.asked import READY, STALE, receive, refusal
from yamldag.executors.leaving import CALL
from yamldag.executors.local.placing import UnstartableError, enter, open_log
from yamldag.executors.marking import Mark, die_with

ALONE = "alone"
"""In place of a module: load nothing ahead."""
_MODULES = {
    "carried": "carried",
    "copy": "query",
    "docker": "remote.docker",
    "http": "request",
    "kubernetes": "remote.kubernetes",
    "sql": "query",
    "ssh": "remote.ssh",
}
"""What operators of ours load ahead."""

CarryOut = Callable[[dict[str, Any], tuple[str, int]], int]


def fork(carry_out: CarryOut, *words: str) -> NoReturn:
    """Wait for requests. `words`: runner, journal, socket, the journal's lock, operator, folder, module."""
    runner, path, descriptor, lock, operator, folder, module = words
    die_with(signal.SIGKILL, int(runner))
    _load(operator, folder, module)
    connection, mark = socket.socket(fileno=int(descriptor)), Mark()
    installed = _Installed()
    importlib.invalidate_caches()
    sys.modules[__name__] = sys.modules.pop(__name__)  # what comes after it is a task's own
    gc.collect()
    gc.freeze()
    os.chdir("/")
    connection.send(READY)
    while (request := receive(connection)) is not None:
        told, attempt, env, cwd, log, spec = request
        if installed.have_changed():
            connection.send(b"%d %b" % (attempt, STALE))
            continue
        try:
            output = _place(cwd, log)
        except UnstartableError as error:
            connection.send(b"%d %b" % (attempt, refusal(str(error))))
            continue
        mark.write(told)
        if _fork(connection, attempt):
            for number in (connection.detach(), int(lock)):
                os.close(number)
            _settle(output, env)
            leave(carry_out(json.loads(spec), (path, attempt)))
        mark.clear()
        os.close(output)
        os.chdir("/")
    os._exit(0)


def _load(operator: str, folder: str, module: str) -> None:
    if operator == "guarded":
        from yamldag.executors.guard import guard

        del guard
        operator = module
    if operator in _MODULES:
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


def _fork(connection: socket.socket, attempt: int) -> bool:
    """Make the task's process, a child of the runner; True in it. It bears the mark from its first moment.

    The one in between ends at once: an orphan becomes the runner's child. Python is not told of it, which would write
    to more memory than all that it does.
    """
    between = _libc.fork()
    if between < 0:
        _refuse(connection, attempt, ctypes.get_errno())
    elif between:
        if os.waitpid(between, 0)[1]:
            os._exit(1)  # whether the task began is not known: the runner looks for it by its mark
    elif _second_fork(connection, attempt):
        return True
    return False


def _second_fork(connection: socket.socket, attempt: int) -> bool:
    """True in the task's process, which tells its number once it leads a session. The one that forks it ends."""
    try:
        pid = os.fork()
    except OSError as error:
        _refuse(connection, attempt, error.errno)
        os._exit(0)
    if pid:
        os._exit(0)
    os.setsid()
    connection.send(b"%d %d" % (attempt, os.getpid()))
    return True


def _refuse(connection: socket.socket, attempt: int, why: int | None) -> None:
    """The system makes no process."""
    connection.send(b"%d -%d" % (attempt, why or errno.EAGAIN))


def _settle(log: int, env: dict[str, str]) -> None:
    """Let the process be as the attempt has it. What is not in `env` it has already."""
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    for name, value in env.items():
        os.environ[name] = value
    sys.argv[1:] = [CALL]
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


_libc = ctypes.PyDLL(None, use_errno=True)


def leave(code: int) -> NoReturn:
    """End as an interpreter ends, without taking apart what was there before the task: its copies of that
    memory would cost more than all the rest."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for module in _own_modules():
        vars(module).clear()  # files that were left open are flushed
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed by the task, or nobody reads it
            stream.flush()
    os._exit(code)


def _own_modules() -> list[ModuleType]:
    """Of the task: those that were loaded after the fork."""
    found = []
    for name in reversed(sys.modules):
        if name == __name__:
            break
        if isinstance(module := sys.modules[name], ModuleType):
            found.append(module)
    return found
