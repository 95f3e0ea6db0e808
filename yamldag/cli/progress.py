"""Shows a run while it goes: lines as tasks end, and on a terminal what runs right now below them."""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from yamldag.engine.asking.naming import shown
from yamldag.engine.memory.deferral import APPROVAL
from yamldag.plan.state import FINAL, TaskState
from yamldag.syntax.duration import words

if TYPE_CHECKING:
    from yamldag.engine.local_run import RunResult
    from yamldag.engine.memory.run import Instance, Run

_TAIL = 10
"""Lines of a failed attempt's log that are shown at once."""
_SHOWN = 12
"""Running tasks that the live part names."""
_BEAT = 0.1
"""Seconds between two pictures of the live part."""
_CODES = {
    "success": "32",
    "failed": "31",
    "upstream_failed": "33",
    "up_for_retry": "33",
    "skipped": "2",
    "running": "36",
    "cancelled": "33",
}


class Shown(Protocol):
    def began(self, run: Run) -> None: ...
    def moved(self, instance: Instance, state: TaskState) -> None: ...
    def said(self, line: str) -> None: ...
    def aside(self) -> AbstractContextManager[None]: ...
    def ended(self, result: RunResult) -> None: ...


@contextmanager
def progress(stream: TextIO, colour: bool) -> Iterator[Shown]:
    """What to tell of a run, for this stream."""
    lines = Lines(stream, colour)
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield lines
        return
    live = Live(lines)
    try:
        yield live
    finally:
        live.close()


_SAID = (TaskState.UP_FOR_RETRY, TaskState.DEFERRED)


class Lines:
    """One line for each start and each end."""

    def __init__(self, stream: TextIO, colour: bool) -> None:
        self.colour = colour
        self.starts = True
        self.stream = stream
        self._begun = time.monotonic()
        self._width = 8

    def began(self, run: Run) -> None:
        self._width = min(max((len(task.id) for task in run.plan.tasks), default=8) + 4, 48)
        self.write(f"run {run.id}, {len(run.nodes)} {'task' if len(run.nodes) == 1 else 'tasks'}")

    def moved(self, instance: Instance, state: TaskState) -> None:
        if state in FINAL or state in _SAID or (self.starts and _begins(instance, state)):
            self.write(self._line(instance, state))
        if state is TaskState.FAILED and instance.attempts:
            self.tail(instance)

    def said(self, line: str) -> None:
        self.write(line)

    def aside(self) -> AbstractContextManager[None]:
        """Somebody else writes to the terminal meanwhile: lines don't mind."""
        return nullcontext()

    def ended(self, result: RunResult) -> None:
        counts = Counter(str(row["state"]) for row in result.tasks)
        told = ", ".join(f"{number} {state}" for state, number in counts.most_common())
        why = f" ({result.reason})" if result.reason and result.state == "failed" else ""
        spent = _span(time.monotonic() - self._begun)
        self.write(f"run {self.paint(result.state)}{why} in {spent}: {told or 'no tasks'}")

    def _line(self, instance: Instance, state: TaskState) -> str:
        notes = []
        if state is not TaskState.RUNNING and instance.attempts and instance.ended and instance.started:
            notes.append(_span(instance.ended - instance.started))
        if instance.attempts > 1:
            notes.append(f"attempt {instance.attempts}")
        if state is TaskState.DEFERRED and (asks := _asks(instance)):
            notes.append(asks)
        if instance.reason and state is not TaskState.RUNNING:
            notes.append(instance.reason)
        if state is TaskState.UP_FOR_RETRY and instance.retry_at:
            notes.append(f"next try in {_span(instance.retry_at - (instance.ended or 0))}")
        if instance.state is not state and state is not TaskState.RUNNING:
            notes = []  # they are of what has come since
        return f"{named(instance):{self._width}} {self.paint(state.value)}  {', '.join(notes)}".rstrip()

    def tail(self, instance: Instance) -> None:
        """The last lines that a failed attempt wrote, and where the rest is."""
        from yamldag.engine.loop.dispatch import log_path

        path = log_path(instance.node.run.logs, instance.label, instance.attempts)
        lines = last_lines(path, _TAIL)
        for line in lines:
            self.write(f"  | {line}")
        if lines:
            self.write(f"  = {path}")

    def paint(self, state: str) -> str:
        code = _CODES.get(state) if self.colour else None
        return f"\x1b[{code}m{state}\x1b[0m" if code else state

    def write(self, line: str) -> None:
        # A run goes on when nobody can be told of it: the pipe is closed, the disk is full.
        with suppress(OSError):
            self.stream.write(line + "\n")


class Live:
    """The same lines, with what runs right now kept below them. A thread draws: the run does not wait for it."""

    def __init__(self, lines: Lines) -> None:
        from rich.console import Console
        from rich.live import Live as Redrawn

        self._lines = lines
        lines.starts = False
        self._waiting: deque[str] = deque()
        lines.write = self._waiting.append  # type: ignore[method-assign, assignment]
        self._running: dict[Instance, float] = {}
        self._deferred: set[Instance] = set()
        self._done = 0
        self._run: Run | None = None
        self._console = Console(file=lines.stream, no_color=not lines.colour, highlight=False)
        self._live = Redrawn(console=self._console, auto_refresh=False, transient=True)
        self._over = Event()
        self._pen = Lock()
        """Whose the terminal is."""
        self._thread = Thread(target=self._draw, daemon=True)

    def began(self, run: Run) -> None:
        self._run = run
        self._lines.began(run)
        self._live.start()
        self._thread.start()

    def moved(self, instance: Instance, state: TaskState) -> None:
        if state is TaskState.RUNNING:
            self._running[instance] = time.monotonic()
        else:
            self._running.pop(instance, None)
        if state is TaskState.DEFERRED:
            self._deferred.add(instance)
        else:
            self._deferred.discard(instance)
        self._done += state in FINAL
        self._lines.moved(instance, state)

    def said(self, line: str) -> None:
        self._lines.said(line)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the live part away while somebody else writes to the terminal; what is to be told waits."""
        with self._pen:
            self._print()
            self._live.stop()
            try:
                yield
            finally:
                self._live.start()

    def ended(self, result: RunResult) -> None:
        self.close()
        self._lines.ended(result)
        self._print()

    def close(self) -> None:
        """Take the live part away. May be called again."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._live.stop()

    def _draw(self) -> None:
        while not self._over.wait(_BEAT):
            with self._pen:
                self._print()
                self._live.update(self._picture(), refresh=True)
        self._print()

    def _print(self) -> None:
        from rich.text import Text

        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if lines:
            self._console.print(Text.from_ansi("\n".join(lines)), soft_wrap=True)

    def _picture(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        table = Table.grid(padding=(0, 2))
        running = list(self._running.items())  # a copy: the run goes on
        for instance, since in running[:_SHOWN]:
            table.add_row(Text("▶", "cyan"), Text(named(instance)), Text(words(round(now - since)), "dim"))
        if len(running) > _SHOWN:
            table.add_row("", Text(f"and {len(running) - _SHOWN} more", "dim"), "")
        return Group(table, Text(self._summary(len(running)), "bold"))

    def _summary(self, running: int) -> str:
        run = self._run
        if run is None:
            return ""
        stopping = "  stopping, Ctrl-C again kills" if run.stop else ""
        waiting = f", {len(self._deferred)} waiting" if self._deferred else ""
        return f"{self._done} of {self._done + run.unfinished} done, {running} running{waiting}{stopping}"


def _begins(instance: Instance, state: TaskState) -> bool:
    """Whether it runs from now on; what is deferred in the same step does not."""
    return state is TaskState.RUNNING and instance.state is not TaskState.DEFERRED


def _asks(instance: Instance) -> str:
    """How somebody answers what it asks, if it asks anything."""
    waits = instance.deferral
    if waits is None or waits.what != APPROVAL:
        return ""
    return f"answer it by `yamldag approve {instance.node.run.id} {instance.label}`"


def _span(seconds: float) -> str:
    return words(round(seconds, 1 if seconds >= 1 else 3))


def named(instance: Instance) -> str:
    """As a person knows it: `load`, or `load[orders]` by its item."""
    if instance.index < 0:
        return instance.label
    return shown(instance.node.task.id, instance.index, instance.item)


def last_lines(path: str, number: int) -> list[str]:
    """The last lines of a file, however long it is; none if it is not there."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            return file.read().decode(errors="replace").splitlines()[-number:]
    except OSError:
        return []
