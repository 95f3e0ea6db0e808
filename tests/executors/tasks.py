"""Real tasks for the executor's tests: shells that say over a FIFO when they are where a test wants them."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable
from pathlib import Path

from yamldag.executors.contract import Ended, Start
from yamldag.executors.local.executor import LocalExecutor

PATIENCE = 30.0
"""Seconds after which a test that waits has failed. Nothing waits that long when all is well."""


def shell(
    attempt: int, script: str, folder: Path, *, timeout: float | None = None, grace: float = 10.0, **env: str
) -> Start:
    """A script that runs in `folder` and logs to `N.log` there."""
    return Start(
        attempt=attempt,
        argv=("bash", "-euo", "pipefail", "-c", script),
        env={"PATH": os.environ["PATH"], **env},
        cwd=str(folder),
        log=str(folder / f"{attempt}.log"),
        timeout=timeout,
        grace=grace,
    )


def ends(executor: LocalExecutor, count: int) -> list[Ended]:
    """The next `count` ends, in the order of their attempts."""
    deadline = time.monotonic() + PATIENCE
    found: list[Ended] = []
    while len(found) < count:
        assert time.monotonic() < deadline, f"of {count} ends there came {found}"
        new = executor.receive(deadline - time.monotonic())
        executor.acknowledge([end.attempt for end in new])
        found += new
    assert len(found) == count, found
    return sorted(found, key=lambda end: end.attempt)


def end(executor: LocalExecutor) -> Ended:
    return ends(executor, 1)[0]


def fifo(folder: Path, name: str) -> Path:
    path = folder / name
    os.mkfifo(path)
    return path


def gone(pids: Iterable[int]) -> bool:
    """Waits until all of these processes have ended."""
    return all(_gone(pid) for pid in pids)


def _gone(pid: int) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    try:
        return bool(poll.poll(PATIENCE * 1000))
    finally:
        os.close(descriptor)
