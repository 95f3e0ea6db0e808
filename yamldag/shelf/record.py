"""One kept result on disk: a file of its own, whose first line is a checksum of the rest."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from hashlib import blake2b

MOST = 200
"""Files that are kept; the oldest go first."""
LARGEST = 32 * 1024 * 1024
"""Bytes of a file that is kept, and of all of them together."""
_SIGN = b"yamldag shelf 1 "


def digest(data: bytes) -> str:
    return blake2b(data, digest_size=20).hexdigest()


def read(path: str) -> bytes | None:
    """What `write` was given. None: it is not there, not whole, or others could have written it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
        data = os.read(descriptor, found.st_size) if ours and found.st_size <= LARGEST else b""
    except OSError:
        return None
    finally:
        os.close(descriptor)
    head, _, body = data.partition(b"\n")
    return body if head == _SIGN + digest(body).encode() else None


def write(path: str, body: bytes) -> None:
    """Put a whole file there at once, and drop what is too old. What can't be written is not kept."""
    data = b"%s%s\n%s" % (_SIGN, digest(body).encode(), body)
    if len(data) > LARGEST:
        return
    folder = os.path.dirname(path)
    new = os.path.join(folder, f".{os.urandom(8).hex()}")
    with suppress(OSError):
        for each in (os.path.dirname(folder), folder):
            with suppress(FileExistsError):
                os.mkdir(each, 0o700)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.replace(new, path)
        except OSError:
            os.unlink(new)
        _drop(folder)


def _drop(folder: str) -> None:
    """The oldest that are beyond the bounds, and what a writer that died has left."""
    with os.scandir(folder) as entries:
        found = sorted(((each.stat(), each.path) for each in entries), key=lambda one: -one[0].st_mtime_ns)
    room = LARGEST
    for number, (status, path) in enumerate(found):
        room -= status.st_size
        if number >= MOST or room < 0:
            with suppress(OSError):
                os.unlink(path)
