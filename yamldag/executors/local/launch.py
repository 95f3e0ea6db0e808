"""Brings a runner into the world: by a fork while the scheduler is small, by a new interpreter later."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path

from yamldag.executors.local import runner
from yamldag.executors.local.places import Place, create_journal, delete, listen

_PACKAGES = str(Path(__file__).parents[3])
_MAIN = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from yamldag.executors.local import runner; runner.from_words(sys.argv[2:])"
)


def launch(place: Place, *, fork: bool) -> tuple[socket.socket, int]:
    """The connection to a new runner, and its process id. Its journal is locked from before it exists.

    `fork` needs a process with one thread, no database connection and little memory. Raises OSError: there is no
    room for its files, or for a process.
    """
    with contextlib.ExitStack() as undo, contextlib.ExitStack() as done:
        undo.callback(delete, place.socket, place.journal)
        journal = create_journal(place.journal)
        done.callback(os.close, journal)
        os.write(
            journal, b"\n"
        )  # a full disk is found out here; the runner's first line fits into the same block
        listener = done.enter_context(listen(place.socket))
        ours, theirs = socket.socketpair()
        done.enter_context(theirs)
        undo.callback(ours.close)
        start = _fork if fork else _spawn
        pid = start(place, journal, listener.fileno(), theirs.fileno())
        undo.pop_all()
    return ours, pid


def _fork(place: Place, journal: int, listener: int, scheduler: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        runner.main(place.owner, journal, listener, scheduler, _files(place))
    finally:
        os._exit(0)  # never back into the scheduler's frames


def _spawn(place: Place, journal: int, listener: int, scheduler: int) -> int:
    descriptors = (journal, listener, scheduler)
    words = [place.owner, *map(str, descriptors), *_files(place)]
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", "-c", _MAIN, _PACKAGES, *words],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, number, number) for number in descriptors
        ],  # onto itself: inherited
    )


def _files(place: Place) -> tuple[str, ...]:
    return (str(place.socket), str(place.journal))
