"""The place of one attempt: its working folder, and its log."""

from __future__ import annotations

import errno
import os


class UnstartableError(Exception):
    """Why there is no process, in words; `exit` is what a shell would have answered."""

    def __init__(self, words: str, code: int = 126) -> None:
        super().__init__(words)
        self.exit = code


_LOG = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


def enter(cwd: str) -> None:
    """Make it the current folder. Raises UnstartableError."""
    try:
        os.chdir(cwd)
    except OSError as error:
        words = {errno.ENOENT: "does not exist", errno.ENOTDIR: "is not a folder"}
        reason = words.get(error.errno or 0, "may not be entered")
        raise UnstartableError(f"the working folder `{cwd}` {reason}") from None
    except ValueError:
        raise UnstartableError("the working folder's name holds a NUL character") from None


def open_log(path: str) -> int:
    """The log, to be written at its end; made if it is not there. Raises UnstartableError."""
    try:
        return os.open(path, _LOG, 0o600)
    except FileNotFoundError:
        return _open_in_new_folder(path)
    except OSError as error:
        raise _no_log(path, error) from None


def _open_in_new_folder(path: str) -> int:
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return os.open(path, _LOG, 0o600)
    except OSError as error:
        raise _no_log(path, error) from None


def _no_log(path: str, error: OSError) -> UnstartableError:
    return UnstartableError(
        f"the log `{path}` cannot be written: {(error.strerror or 'no reason given').lower()}"
    )
