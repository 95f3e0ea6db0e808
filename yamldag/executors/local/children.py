"""The attempts that this process is the parent of: their time-outs, how they are stopped, how they end."""

from __future__ import annotations

import contextlib
import heapq
import os
import signal
import time

from yamldag.executors.local.protocol import EndRow

_LINGER = 0.05
"""Seconds between two looks at a group whose leader has ended while it was being stopped."""


class Child:
    __slots__ = ("attempt", "ended", "exit", "grace", "killed", "message", "pid", "reason", "started")

    def __init__(self, attempt: int, pid: int, started: float, grace: float) -> None:
        self.attempt = attempt
        self.pid = pid
        self.started = started
        self.grace = grace
        self.reason = "exit"
        self.message = ""
        self.killed = False
        self.exit: int | None = None
        self.ended = 0.0

    def row(self) -> EndRow:
        return [self.attempt, self.exit, self.reason, self.started, self.ended, self.message, None]


class Children:
    """Signals go to process groups: each child leads one, whose number is free only after it was reaped."""

    def __init__(self) -> None:
        self.live: dict[int, Child] = {}
        """By attempt: everything whose end was not taken yet."""
        self._by_pid: dict[int, Child] = {}
        self._lingering: list[Child] = []
        self._deadlines: list[tuple[float, int, bool]] = []
        self._over: list[EndRow] = []

    def add(self, attempt: int, pid: int, started: float, timeout: float | None, grace: float) -> None:
        child = Child(attempt, pid, started, grace)
        self.live[attempt] = self._by_pid[pid] = child
        if timeout is not None:
            child.message = f"timed out after {span(timeout)}"
            due = time.monotonic() + timeout - max(0.0, time.time() - started)
            heapq.heappush(self._deadlines, (due, attempt, False))

    @property
    def running(self) -> list[tuple[int, int, float]]:
        """(attempt, process id, started)"""
        return [(child.attempt, child.pid, child.started) for child in self.live.values()]

    def stop(self, attempt: int, *, kill: bool) -> None:
        """Unknown attempts, and those that have ended, are passed over."""
        child = self.live.get(attempt)
        if child is None:
            return
        if child.reason == "exit":
            self._ask_to_end(child, "stopped", "stopped")
        if kill:
            self._kill(child)

    def lose(self, attempt: int, message: str) -> bool:
        """Kill it, and say that it was lost. False: it is being killed already."""
        child = self.live[attempt]
        if child.killed:
            return False
        child.reason, child.message = "lost", message
        self._kill(child)
        return True

    def reaped(self, pid: int, status: int) -> None:
        """A process was waited for; strangers (orphans of tasks) are passed over."""
        child = self._by_pid.pop(pid, None)
        if child is None:
            return
        child.exit, child.ended = os.waitstatus_to_exitcode(status), time.time()
        if child.reason == "exit":
            child.message = ""
        if child.reason == "exit" or child.killed:
            self._finish(child)
        else:
            self._lingering.append(child)

    def done(self, attempt: int, code: int, refusal: str = "") -> bool:
        """Its process says that it is through with it, or why it could not begin, and goes on. False: the process
        was to end, and does."""
        child = self.live.get(attempt)
        if child is None or self._by_pid.pop(child.pid, None) is None:
            return False
        child.exit, child.ended = code, time.time()
        wanted = child.reason == "exit"
        if wanted:
            child.reason, child.message = "unstartable" if refusal else "exit", refusal
        else:
            _signal_group(child.pid, signal.SIGKILL)
        self._finish(child)
        return wanted

    def take(self) -> list[EndRow]:
        """What has ended since the last call, after time-outs were minded."""
        if self._deadlines:
            self._mind_deadlines(time.monotonic())
        for child in self._lingering[:]:
            if not _group_lives(child.pid):
                self._lingering.remove(child)
                self._finish(child)
        over, self._over = self._over, []
        return over

    def wait(self) -> float | None:
        """Seconds until `take` has something to do even if nothing happens."""
        if self._lingering:
            return _LINGER
        if not self._deadlines:
            return None
        return max(0.0, self._deadlines[0][0] - time.monotonic())

    def _mind_deadlines(self, now: float) -> None:
        while self._deadlines and self._deadlines[0][0] <= now:
            _, attempt, last = heapq.heappop(self._deadlines)
            child = self.live.get(attempt)
            if child is None:
                continue
            if last:
                self._kill(child)
            elif child.reason == "exit":
                self._ask_to_end(child, "timeout", child.message)

    def _ask_to_end(self, child: Child, reason: str, message: str) -> None:
        child.reason, child.message = reason, message
        _signal_group(child.pid, signal.SIGTERM)
        _signal_group(child.pid, signal.SIGCONT)  # a stopped process would not notice
        heapq.heappush(self._deadlines, (time.monotonic() + child.grace, child.attempt, True))

    def _kill(self, child: Child) -> None:
        child.killed = True
        _signal_group(child.pid, signal.SIGKILL)
        if child in self._lingering:
            self._lingering.remove(child)
            self._finish(child)

    def _finish(self, child: Child) -> None:
        del self.live[child.attempt]
        self._over.append(child.row())


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def span(seconds: float) -> str:
    """`90` → `1m30s`"""
    if seconds < 60 or seconds != int(seconds):
        return f"{seconds:g}s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if n)
