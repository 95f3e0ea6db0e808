"""A process that is there before its tasks: `fork` makes a process of its own for each, as a new interpreter
would be; `reuse` carries them out itself, one after the other, for functions that are trusted with it.

Run by a runner in place of a task. It is told the runner's process id, and its descriptors of the socket and,
to `fork`, of the journal, whose lock it holds. A request is {mark, spec, env, cwd} with the log's descriptor;
the answer to `fork` is the process id, minus an error's number, or `stale`; to `reuse`, the exit code.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

from yamldag.executors import ahead
from yamldag.executors.marking import Mark, die_with

ALONE = "alone"
"""In place of a module: load nothing ahead."""
_REQUEST = 1 << 20
_READY = b"ready"
_MODULES = {"http": "request", "sql": "query"}
"""Where operators of ours do their work."""

Main = Callable[[str], int]
Request = tuple[dict[str, Any], int]


def fork(main: Main, *words: str) -> NoReturn:
    """Wait for requests. `words`: runner, socket, journal, operator, folder, module."""
    runner, descriptor, journal, operator, folder, module = words
    die_with(signal.SIGKILL, int(runner))
    _load(operator, folder, module)
    connection, mark = socket.socket(fileno=int(descriptor)), Mark()
    before = _installed_state()
    gc.collect()
    gc.freeze()
    known = frozenset(sys.modules)
    os.chdir("/")
    connection.send(_READY)
    while (request := _receive(connection)) is not None:
        if _installed_state() != before:
            connection.send(b"stale")
            break
        if _fork(request, connection, mark):
            connection.close()
            os.close(int(journal))
            leave(_carry_out(main, *request), known)
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


def _installed_state() -> list[int]:
    """Changes when something is installed or removed."""
    return [os.stat(folder).st_mtime_ns for folder in ahead.installed() if os.path.isdir(folder)]


def _receive(connection: socket.socket) -> Request | None:
    """The next request with its log; None: the runner has gone."""
    try:
        data, ancillary, _, _ = connection.recvmsg(_REQUEST, socket.CMSG_SPACE(4))
    except OSError:
        return None
    if not data:
        return None
    numbers = array.array("i")
    for _, _, content in ancillary:
        numbers.frombytes(content[: len(content) // 4 * 4])
    return json.loads(data), numbers[0]


def _fork(request: Request, connection: socket.socket, mark: Mark) -> bool:
    """Make the task's process, a child of the runner; True in it. It bears its mark from its first moment."""
    told, log = request
    mark.write(told["mark"])
    try:
        between = os.fork()
    except OSError as error:
        os.close(log)
        connection.send(b"-%d" % (error.errno or 1))
        return False
    if between:
        status = os.waitpid(between, 0)[1]
        mark.clear()
        os.close(log)
        if status:
            os._exit(1)  # whether the task began is not known: the runner looks for it by its mark
        return False
    return _second_fork(connection)


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


def _carry_out(main: Main, request: dict[str, Any], log: int) -> int:
    _settle(request, log)
    importlib.invalidate_caches()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    return main(request["spec"])


def _settle(request: dict[str, Any], log: int) -> None:
    """Let the process be as the attempt has it."""
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    _change_environment(request["env"])
    os.chdir(request["cwd"])
    sys.argv[1:] = [request["spec"]]


def _change_environment(wanted: dict[str, str]) -> None:
    zone = os.environ.get("TZ")
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    if os.environ.get("TZ") != zone:
        time.tzset()


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


def reuse(main: Main, runner: str, descriptor: str) -> int:
    """Carry out what is asked for until the runner has gone; the exit code of the last."""
    connection, mark, code = socket.socket(fileno=int(descriptor)), Mark(), 0
    connection.set_inheritable(False)
    own: dict[str, object] = {}
    while True:
        select.select([connection], [], [])
        if any(_stamp(path) != stamp for path, stamp in own.items()):  # edited: begin anew, the request waits
            connection.set_inheritable(True)
            os.execve(sys.executable, sys.orig_argv, mark.environment)  # noqa: S606
        request = _receive(connection)
        if request is None:
            return code
        told, log = request
        mark.write(told["mark"])
        if os.getppid() != int(runner):
            return code  # nobody would know of it; whoever comes next starts it again
        _settle(told, log)
        code = main(told["spec"])
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        own = _own_files()
        try:
            connection.send(b"%d" % code)
        except OSError:
            return code


_stamps: dict[str, object] = {}


def _own_files() -> dict[str, object]:
    """The files of the user's own modules, as they were when first seen."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and path not in _stamps and ahead.is_foreign(module):
            _stamps[path] = _stamp(path)
    return _stamps


def _stamp(path: str) -> object:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
