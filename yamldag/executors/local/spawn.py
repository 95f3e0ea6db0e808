"""Makes the process of one attempt: its own session, its own log, the default signals."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from yamldag.executors.local.logs import Logs
from yamldag.executors.local.placing import UnstartableError, enter

FileAction: TypeAlias = tuple[int, int, int]


class Spawner:
    """Changes the current folder of its process: for a process with one thread."""

    def __init__(self) -> None:
        self._nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        # What this process ignores, its children would ignore: Python does so with SIGPIPE.
        self._ignored = [s for s in signal.valid_signals() if signal.getsignal(s) is signal.SIG_IGN]
        self.logs = Logs()
        self._found: dict[tuple[str, str, str], str] = {}
        """Where programs are, by name, PATH and current folder."""

    def look_anew(self) -> None:
        """Forget where programs are: tasks may have installed some."""
        self._found.clear()

    def spawn(
        self,
        argv: list[str],
        env: Mapping[str, str],
        cwd: str,
        log: str,
        more: Sequence[FileAction] = (),
    ) -> int:
        """The process id. `more` files may be given to it. Raises UnstartableError."""
        enter(cwd)
        out = self.logs.open(log)
        try:
            return self._spawn(argv, env, cwd, out, more)
        finally:
            os.close(out)

    def spawn_silent(self, argv: list[str], env: Mapping[str, str], files: Sequence[FileAction]) -> int:
        """The same in the current folder, and without a log."""
        return self._spawn(argv, env, "", self._nothing, files)

    def _spawn(
        self, argv: list[str], env: Mapping[str, str], cwd: str, out: int, more: Sequence[FileAction]
    ) -> int:
        try:
            return os.posix_spawn(
                self._program(argv[0], env.get("PATH", os.defpath), cwd),
                argv,
                env,
                file_actions=(
                    (os.POSIX_SPAWN_DUP2, self._nothing, 0),
                    (os.POSIX_SPAWN_DUP2, out, 1),
                    (os.POSIX_SPAWN_DUP2, out, 2),
                    *more,
                ),
                setsid=True,
                setsigmask=(),
                setsigdef=self._ignored,
            )
        except (OSError, ValueError) as error:
            raise refusal(argv[0], error) from None

    def _program(self, name: str, path: str, cwd: str) -> str:
        if "/" in name:
            return name
        asked = (name, path, cwd)
        found = self._found[asked] = self._found.get(asked) or _search(name, path)
        return found


def _search(name: str, path: str) -> str:
    """Where a program is, by the task's own PATH. Raises UnstartableError."""
    for folder in path.split(":"):
        found = f"{folder or '.'}/{name}"
        if os.access(found, os.X_OK) and not os.path.isdir(found):
            return found
    raise UnstartableError(f"there is no program `{name}` in `PATH`", 127)


_WORDS = {
    errno.ENOENT: "there is no program `{name}`, or the interpreter that its first line names is missing",
    errno.ENOTDIR: "there is no program `{name}`: part of its path is not a folder",
    errno.EACCES: "`{name}` may not be executed",
    errno.EISDIR: "`{name}` is a folder, not a program",
    errno.ENOEXEC: "this machine cannot run `{name}`: a script needs a first line like `#!/bin/sh`",
    errno.E2BIG: "an argument or a variable is longer than the system takes (128 KiB each): use a file",
    errno.EAGAIN: "the system allows no more processes at present",
    errno.ENOMEM: "the system has no memory for one more process",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open on this machine",
}


def refusal(name: str, error: OSError | ValueError) -> UnstartableError:
    """Why the system makes no process, in words."""
    if not isinstance(error, OSError):
        return UnstartableError("an argument or a variable holds a NUL character, or a variable has no name")
    words = _WORDS.get(error.errno or 0, "`{name}` could not be started: " + (error.strerror or "").lower())
    return UnstartableError(words.format(name=name), 127 if error.errno == errno.ENOENT else 126)
