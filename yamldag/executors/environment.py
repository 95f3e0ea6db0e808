"""Runs a `python` task that has `requirements` in an environment of its own, which is built when it is first wanted.

Run as a program with the path of the task's spec, and becomes the task's own process, in the environment's interpreter.
An environment is known by what makes it: the requirements, files among them by what is in them, and the interpreter. It
is built under a lock, once for all who wait for it, and counts as built when its last file is there; what a kill has
left half built is built anew. `db prune` deletes those that were not used for long.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

_OURS = "ours"
"""The folder in an environment by which its interpreter finds yamldag, and nothing else of where that is installed."""
_READY = "ready"
"""The file that is made last."""
_LOCK = ".lock"
"""Ends the name of a file beside an environment. Who builds it, or deletes it, has that alone; who uses it shares it,
and has touched it."""
_QUIET = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")


class Unbuilt(Exception):  # noqa: N818
    """Why there is no environment, in words."""


def main(spec_path: str) -> NoReturn:
    from yamldag.executors.handing import hand_on, take
    from yamldag.operators.process import STDIN

    call = take(spec_path)
    spec: dict[str, Any] = json.loads(call)
    try:
        folder = environment(spec["environments"], spec["requirements"], spec["folder"])
    except (Unbuilt, OSError) as problem:
        from yamldag.executors.leaving import leave

        words = f"its requirements can't be installed: {problem}"
        leave({"state": "failed", "reason": words, "retry": True}, spec["result"], None)
        sys.exit(1)
    if spec_path == STDIN:
        hand_on(call)
    task = os.path.join(folder, _OURS, "yamldag", "executors", "task.py")
    os.execv(python_of(folder), [python_of(folder), "-u", "-P", task, spec_path])  # noqa: S606


def environment(folder: str, requirements: Sequence[str], base: str) -> str:
    """The environment's folder, below `folder`; paths among the requirements start from `base`. It is not deleted as
    long as this process lives, and what it becomes. Raises Unbuilt, OSError."""
    path = os.path.join(folder, key(requirements, base))
    os.makedirs(folder, 0o700, exist_ok=True)
    lock = os.open(f"{path}{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _wait_for(lock, fcntl.LOCK_SH)
    while not _is_ready(path):
        _wait_for(lock, fcntl.LOCK_EX)
        if not _is_ready(path):
            _build(path, requirements, base)
        _wait_for(lock, fcntl.LOCK_SH)  # for a moment nobody holds it
    os.utime(lock)
    os.set_inheritable(lock, True)
    return path


def prune(folder: str, before: float, *, dry: bool) -> int:
    """Delete the environments below `folder` that nobody has used since that Unix time; how many there are. `dry`: say
    it, and delete nothing."""
    found = 0
    built = [each.path for each in os.scandir(folder) if each.is_dir()] if os.path.isdir(folder) else []
    for path in built:
        with contextlib.suppress(OSError), open(f"{path}{_LOCK}", "r+b", buffering=0) as lock:
            if os.fstat(lock.fileno()).st_mtime >= before:
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the lock's file stays: others may wait by it
            found += 1
            if not dry:
                shutil.rmtree(path)
    return found


def _is_ready(path: str) -> bool:
    return os.path.exists(os.path.join(path, _READY))


def key(requirements: Sequence[str], base: str) -> str:
    """The name of the environment that these make."""
    made = hashlib.sha256()
    parts = [sys.version, platform.machine(), os.path.realpath(sys.executable), *sorted(set(requirements))]
    for part in parts:
        made.update(f"{part}\n".encode())
        path = os.path.join(base, part.rpartition("@")[2].strip().removeprefix("file://"))
        if os.path.isfile(path) and path != os.path.realpath(sys.executable):
            with open(path, "rb") as file:
                made.update(hashlib.file_digest(file, "sha256").digest())
    return made.hexdigest()[:32]


def python_of(folder: str) -> str:
    return os.path.join(folder, "bin", "python")


def _build(path: str, requirements: Sequence[str], base: str) -> None:
    import venv

    shutil.rmtree(path, ignore_errors=True)
    venv.create(path, symlinks=True)
    _call([*_pip(path), "install", *_QUIET, "--", *requirements], base)
    ours = os.path.join(path, _OURS)
    os.mkdir(ours)
    os.symlink(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), os.path.join(ours, "yamldag"))
    with open(os.path.join(path, _READY), "x", encoding="utf-8") as file:
        file.write("\n".join(requirements) + "\n")


def _pip(path: str) -> list[str]:
    """The one that is there, which need not be installed into each environment; else a new one."""
    from importlib.util import find_spec

    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--python", python_of(path)]
    _call([python_of(path), "-m", "ensurepip"], path)
    return [python_of(path), "-m", "pip"]


def _call(words: Sequence[str], cwd: str) -> None:
    """What it writes is in the task's log."""
    done = subprocess.run(words, cwd=cwd, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    if done.returncode:
        raise Unbuilt(f"pip ended with {done.returncode}; the log tells why")


def _wait_for(lock: int, how: int) -> None:
    """Whoever dies holds it no longer."""
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        if how == fcntl.LOCK_SH:
            sys.stdout.write("waiting for another process, which installs the same requirements\n")
            sys.stdout.flush()
        fcntl.flock(lock, how)


if __name__ == "__main__":
    # After everything else: what is installed wins, this is for when yamldag is not.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    main(sys.argv[1])
