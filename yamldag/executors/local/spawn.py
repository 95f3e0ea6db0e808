"""Makes the process of one attempt: its own session, its own log, the default signals."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

FileAction: TypeAlias = tuple[int, int, int]


class UnstartableError(Exception):
    """Why there is no process, in words; `exit` is what a shell would have answered."""

    def __init__(self, words: str, code: int = 126) -> None:
        super().__init__(words)
        self.exit = code


class Spawner:
    """Changes the current folder of its process: for a process with one thread."""

    def __init__(self) -> None:
        self._nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        # What this process ignores, its children would ignore: Python does so with SIGPIPE.
        self._ignored = [s for s in signal.valid_signals() if signal.getsignal(s) is signal.SIG_IGN]

    def spawn(self, argv: list[str], env: Mapping[str, str], cwd: str, log: str) -> int:
        """The process id. Raises UnstartableError."""
        out = self.place(cwd, log)
        try:
            return self._spawn(argv, env, out, ())
        finally:
            os.close(out)

    def spawn_silent(self, argv: list[str], env: Mapping[str, str], files: Sequence[FileAction]) -> int:
        """The same in the current folder, without a log, and with more files."""
        return self._spawn(argv, env, self._nothing, files)

    def place(self, cwd: str, log: str) -> int:
        """Enter the attempt's folder and open its log. Raises UnstartableError."""
        self.enter(cwd)
        return _open_log(log)

    def enter(self, cwd: str) -> None:
        """Raises UnstartableError."""
        _enter(cwd)

    def _spawn(self, argv: list[str], env: Mapping[str, str], out: int, more: Sequence[FileAction]) -> int:
        try:
            return os.posix_spawn(
                _program(argv[0], env),
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


def _enter(cwd: str) -> None:
    try:
        os.chdir(cwd)
    except OSError as error:
        words = {errno.ENOENT: "does not exist", errno.ENOTDIR: "is not a folder"}
        reason = words.get(error.errno or 0, "may not be entered")
        raise UnstartableError(f"the working folder `{cwd}` {reason}") from None
    except ValueError:
        raise UnstartableError("the working folder's name holds a NUL character") from None


_LOG = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


def _open_log(path: str) -> int:
    try:
        return os.open(path, _LOG, 0o600)
    except FileNotFoundError:
        return _open_log_in_new_folder(path)
    except OSError as error:
        raise _no_log(path, error) from None


def _open_log_in_new_folder(path: str) -> int:
    try:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, _LOG, 0o600)
    except OSError as error:
        raise _no_log(path, error) from None


def _no_log(path: str, error: OSError) -> UnstartableError:
    return UnstartableError(
        f"the log `{path}` cannot be written: {(error.strerror or 'no reason given').lower()}"
    )


def _program(name: str, env: Mapping[str, str]) -> str:
    """Where a program is, by the task's own PATH; nothing is remembered, tasks may install programs."""
    if "/" in name:
        return name
    for folder in env.get("PATH", os.defpath).split(":"):
        path = f"{folder or '.'}/{name}"
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
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
