"""Commands of yamldag as forks of a process that has loaded it already.

Each is a process of its own, as from a shell, and its start takes a tenth of the time: there are thousands of them.
What a start itself does is for tests that begin a new interpreter.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).parents[1]
_PACKAGES = ("cli", "compile", "engine", "operators", "plan", "render", "shelf", "store", "syntax")
"""Of yamldag: those that commands load."""
_OTHERS = (
    "alembic", "asyncio", "croniter", "csv", "graphviz", "httpx", "jinja2", "jsonschema", "sqlalchemy.dialects.sqlite",
    "sqlite3", "yaml",
)  # fmt: skip
_LONGEST = 100_000
"""Bytes of a call that go in one message."""

Result = subprocess.CompletedProcess[str]


def call(
    arguments: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    *,
    timeout: float | None = None,
    together: bool = False,
) -> Result:
    """`yamldag` with these arguments, in that folder, with that environment and no other. `together`: stderr goes where
    stdout goes. Raises subprocess.TimeoutExpired once it was killed."""
    asked = json.dumps([[*arguments], str(folder), dict(env)]).encode()
    if len(asked) > _LONGEST or _of_python(env) != _of_python(_environment()):
        return _true(arguments, folder, env, timeout, together)
    ours, theirs = socket.socketpair()
    with ours, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with theirs:
            files = [theirs.fileno(), out.fileno(), (out if together else err).fileno()]
            with socket.socket(fileno=os.dup(_nursery())) as nursery:
                socket.send_fds(nursery, [asked], files)
        ours.settimeout(timeout)
        with ours.makefile() as told:
            pid = int(told.readline())
            try:
                code = int(told.readline())
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(
                    ["yamldag", *arguments], timeout or 0, _text(out), _text(err)
                ) from None
        return Result(["yamldag", *arguments], code, _text(out), _text(err))


def _true(
    arguments: Sequence[str], folder: Path, env: Mapping[str, str], timeout: float | None, together: bool
) -> Result:
    return subprocess.run(
        [sys.executable, "-m", "yamldag", *arguments],
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
        text=True,
        timeout=timeout,
        check=False,
    )


def _environment() -> dict[str, str]:
    """Of the process that is forked."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _of_python(env: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter reads when it starts."""
    return {name: value for name, value in env.items() if name.startswith("PYTHON")}


def _text(file: IO[bytes]) -> str:
    """As `subprocess` reads it."""
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n").replace("\r", "\n")


@cache
def _nursery() -> int:
    """The descriptor of a socket that calls are sent to. The process behind it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        theirs.set_inheritable(True)
        words = [sys.executable, "-m", __name__, str(theirs.fileno())]
        nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
        os.posix_spawn(sys.executable, words, _environment(), file_actions=nothing)
    return ours.detach()


def main(descriptor: int) -> None:
    _load()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    calls = socket.socket(fileno=descriptor)
    while True:
        asked, files, _, _ = socket.recv_fds(calls, _LONGEST, 3)
        if not asked:
            return
        if os.fork() == 0:
            calls.close()
            _wait_for(json.loads(asked), *files)
        for each in files:
            os.close(each)


def _load() -> None:
    for name in _OTHERS:
        importlib.import_module(name)
    for package in _PACKAGES:
        folder = str(ROOT / "yamldag" / package)
        for each in pkgutil.walk_packages([folder], f"yamldag.{package}."):
            if ".migrations" not in each.name:
                importlib.import_module(each.name)


def _wait_for(asked: tuple[list[str], str, dict[str, str]], told: int, out: int, err: int) -> NoReturn:
    """The process between: it tells who does what was asked, and how that ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(told)
        _become(asked, out, err)
    with contextlib.suppress(OSError):  # whoever asked may be gone
        os.write(told, b"%d\n" % pid)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(told, b"%d\n" % code)
    os._exit(0)


def _become(asked: tuple[list[str], str, dict[str, str]], out: int, err: int) -> NoReturn:
    from yamldag.cli.main import entry

    arguments, folder, env = asked
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.dup2(out, 1)
    os.dup2(err, 2)
    for each in {out, err} - {1, 2}:
        os.close(each)
    sys.argv[1:] = arguments
    sys.path[0] = folder
    entry()


if __name__ == "__main__":
    main(int(sys.argv[1]))
