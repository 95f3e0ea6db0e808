"""The files of schedulers and runners in the state folder, and the locks that tell which of them live.

ID.owner       locked by the scheduler with this id as long as it lives
ID.N.journal   of its Nth runner, locked by that runner as long as it lives
ID.N.sock      where a new scheduler reaches that runner
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct


class Place(Struct, frozen=True):
    """The files of one runner."""

    owner: str
    journal: Path

    @property
    def socket(self) -> Path:
        return self.journal.with_suffix(".sock")


def owners(folder: Path) -> list[str]:
    """The ids of the schedulers that left something here, or are at work here."""
    return sorted(path.stem for path in folder.glob("*.owner"))


def runners(folder: Path, owner: str) -> Iterator[Place]:
    for path in sorted(folder.glob(f"{owner}.*.journal")):
        yield Place(owner, path)


def place(folder: Path, owner: str, number: int) -> Place:
    return Place(owner, folder / f"{owner}.{number}.journal")


def new_owner(folder: Path) -> str:
    """A new scheduler's id. The folder is made if it is missing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.urandom(8).hex()


def lock_owner(folder: Path, owner: str) -> int:
    """The descriptor that holds the new scheduler's lock. The file is never to be seen unlocked."""
    hidden = folder / f".{owner}"
    lock = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    hidden.rename(folder / f"{owner}.owner")
    return lock


def owner_lock(folder: Path, owner: str) -> int:
    """The lock of a scheduler that is dead, and that nobody has adopted. Raises BlockingIOError if it is held,
    FileNotFoundError if there never was such a scheduler here, or nothing of it is left."""
    return _lock(folder / f"{owner}.owner")


def holds(folder: Path, owner: str, pid: int) -> bool:
    """Whether that process holds the scheduler's lock."""
    try:
        wanted = f":{(folder / f'{owner}.owner').stat().st_ino}"
        infos = [path.read_text() for path in Path(f"/proc/{pid}/fdinfo").iterdir()]
    except OSError:
        return False
    locks = [line.split() for info in infos for line in info.splitlines() if line.startswith("lock:")]
    return any("FLOCK" in words and any(word.endswith(wanted) for word in words) for words in locks)


def journal_lock(path: Path) -> int | None:
    """The lock of a runner that is dead; None if it lives. One that has ended and taken its journal along leaves
    nothing to lock, which is as good as having it."""
    try:
        return _lock(path)
    except BlockingIOError:
        return None
    except FileNotFoundError:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.fstat(descriptor).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "deleted by its holder meanwhile", str(path))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def create_journal(path: Path) -> int:
    """A new journal, locked. Who inherits the descriptor holds the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def open_journal(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def listen(path: Path) -> socket.socket:
    """A socket at `path`, however long that is: an address may have 107 bytes, so it goes by way of /proc."""
    listener = socket.socket(socket.AF_UNIX)
    with _short(path) as address:
        listener.bind(address)
    path.chmod(0o600)
    listener.listen()
    return listener


def connect(path: Path) -> socket.socket:
    """Raises OSError if nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with _short(path) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def delete(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
