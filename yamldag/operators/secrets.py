"""Where the values of secrets and connections come from, on the machine that runs a task.

A secret `db_key` is the variable `YAMLDAG_SECRET_DB_KEY`, else the file `db_key` in the folder of secrets, else what
the database keeps, else what the project's `secret_sources` give, else what the project file says. A connection
`warehouse` is the variable `YAMLDAG_CONNECTION_WAREHOUSE`, else what the database keeps, else what the project file
says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

SECRET, CONNECTION = "YAMLDAG_SECRET_", "YAMLDAG_CONNECTION_"
KEYS = "YAMLDAG_STORE_KEYS"
"""The variable that holds the keys to what the database keeps."""
FOLDER = "YAMLDAG_SECRETS_DIR"
"""The variable that names the folder of secrets."""
_FOLDER = "/run/secrets"
DECLARED = "YAMLDAG_DECLARED"
"""The variable by which a task's guard is told, as JSON, what the project file declares: `root`, `secrets` (names to
values or null), `connections`, and `sources`. Whoever has it gets this machine's secrets too; the task never does."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,199}")
_LONGEST = 1 << 16
"""Bytes of a file that holds a secret."""

TOO_SHORT = 3
"""Secrets of fewer characters are not masked: they would take half of every log along."""


class UnresolvedError(Exception):
    """Why there is no such value here, in words."""


class Value:
    """A secret, and where it came from. The runner loads this module: neither dataclasses nor msgspec are worth it."""

    __slots__ = ("origin", "text")

    def __init__(self, text: str, origin: str) -> None:
        self.text = text
        self.origin = origin


def variable(prefix: str, name: str) -> str:
    """The environment variable of a secret or a connection: `-` is written `_`."""
    return prefix + name.upper().replace("-", "_")


def is_private(name: str) -> bool:
    """Whether an environment variable may hold a secret or a connection."""
    return name.startswith((SECRET, CONNECTION)) or name in (FOLDER, DECLARED, KEYS)


def of_environment(name: str, environment: Mapping[str, str]) -> Value | None:
    asked = variable(SECRET, name)
    return Value(environment[asked], f"${asked}") if asked in environment else None


def of_file(name: str, environment: Mapping[str, str]) -> Value | None:
    """Raises UnresolvedError: there is one, and it can't be read."""
    path = os.path.join(folder(environment), name)
    text = _read(name, path)
    return None if text is None else Value(text, path)


def folder(environment: Mapping[str, str]) -> str:
    return environment.get(FOLDER) or _FOLDER


def _read(name: str, path: str) -> str | None:
    """What the file holds, without the last line's end; None: there is none."""
    if not _NAME.fullmatch(name):
        return None
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            data = file.read(_LONGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = (error.strerror or "no reason given").lower()
        raise UnresolvedError(f"the secret `{name}` can't be read from `{path}`: {why}") from None
    if len(data) > _LONGEST:
        raise UnresolvedError(f"the secret `{name}` is longer than 64 KiB: `{path}`")
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UnresolvedError(f"the secret `{name}` is not UTF-8 text: `{path}`") from None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
