"""Values that the database keeps encrypted: the keys are on this machine alone, never in the database.

The keys are the variable `YAMLDAG_STORE_KEYS`, else the lines of the file `.yamldag/store.key`: the newest first.
Values are encrypted by the newest, and can be read by each. A value knows its name: one that was moved to another's row
is refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Mapping, Sequence

from yamldag.operators.secrets import KEYS, UnresolvedError
from yamldag.root import state_folder

FILE = "store.key"
LONGEST = 1 << 16
"""Bytes of a value."""
_ABSENT = (
    "values of the database are encrypted by the package `cryptography`: `pip install 'yamldag[secrets]'`"
)


class Strongbox:
    """Some keys, the newest first."""

    def __init__(self, keys: Sequence[str], origin: str) -> None:
        """Raises UnresolvedError: they are no keys, or the package is not there."""
        try:
            from cryptography.fernet import Fernet, MultiFernet
        except ModuleNotFoundError:
            raise UnresolvedError(_ABSENT) from None
        self.origin = origin
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise UnresolvedError(
                f"a key of {origin} is none: `yamldag secrets new-key` makes one, 32 bytes as URL-safe base64"
            ) from None

    def closed(self, kind: str, name: str, value: str) -> str:
        """What the database keeps of a secret's or a connection's value."""
        return self._fernet.encrypt(json.dumps([kind, name, value]).encode()).decode()

    def opened(self, kind: str, name: str, token: str) -> str:
        """The value. Raises UnresolvedError."""
        from cryptography.fernet import InvalidToken

        try:
            found = json.loads(self._fernet.decrypt(token))
        except (InvalidToken, ValueError):
            raise UnresolvedError(
                f"the {kind} `{name}` of the database was encrypted by a key that is not in {self.origin}"
            ) from None
        if found[:2] != [kind, name]:
            raise UnresolvedError(f"what the database has for the {kind} `{name}` was kept for another")
        return str(found[2])


def path(root: str) -> str:
    """Of the file of keys."""
    return os.path.join(state_folder(root), FILE)


def of(environment: Mapping[str, str], root: str) -> Strongbox:
    """The keys of this machine. Raises UnresolvedError: there are none."""
    if given := environment.get(KEYS):
        return Strongbox(re.split(r"[\s,]+", given.strip()), f"${KEYS}")
    keys = read(root)
    if not keys:
        raise UnresolvedError(
            f"there is no key to the database's values here: neither `${KEYS}` nor `{path(root)}`"
        )
    return Strongbox(keys, f"`{path(root)}`")


def read(root: str) -> list[str]:
    """The keys of the file; none where there is no file. Raises UnresolvedError if others may read it, too."""
    file = path(root)
    try:
        with open(file, encoding="ascii") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if mode & 0o077:
                raise UnresolvedError(f"`{file}` holds keys, and others may read it: `chmod 600 {file}`")
            return opened.read().split()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        why = (getattr(error, "strerror", None) or "it is no text").lower()
        raise UnresolvedError(f"the keys in `{file}` can't be read: {why}") from None


def write(root: str, keys: Sequence[str]) -> None:
    """All of the file, or nothing. Raises OSError."""
    part = f"{path(root)}.{os.getpid()}"
    _write(part, keys)
    os.replace(part, path(root))


def _write(part: str, keys: Sequence[str]) -> None:
    os.makedirs(os.path.dirname(part), 0o700, exist_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="ascii") as opened:
        os.fchmod(descriptor, 0o600)
        opened.write("".join(f"{key}\n" for key in keys))
        opened.flush()
        os.fsync(descriptor)


def make(root: str) -> bool:
    """A file with one key, unless there is one: whoever comes second takes the first one's. Raises UnresolvedError."""
    file = path(root)
    if os.path.lexists(file):
        return False
    part = f"{file}.{os.getpid()}"
    try:
        _write(part, [new_key()])
        os.link(part, file)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        why = (error.strerror or "no reason given").lower()
        raise UnresolvedError(f"the file of keys `{file}` can't be made: {why}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(part)


def new_key() -> str:
    """Raises UnresolvedError: the package is not there."""
    try:
        from cryptography.fernet import Fernet
    except ModuleNotFoundError:
        raise UnresolvedError(_ABSENT) from None
    return Fernet.generate_key().decode()
