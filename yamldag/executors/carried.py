"""Has a plug-in carry out a task's command, in a process of ours that stands for the task.

Its `run(task, **settings)` gives the exit code. Where the command runs is its own affair: below `nice`, in a container,
on another machine. If it has a `cancel(task, **settings)`, that is called whenever an attempt did not come to such an
end (it was stopped, the plug-in broke off, this process was killed), and before each further attempt, for the one
before.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

from msgspec import Struct, convert
from msgspec.structs import replace

from yamldag import Stopped
from yamldag.executors.call import print_traceback
from yamldag.executors.handing import hand_on
from yamldag.executors.remote.keeper import Keeper
from yamldag.operators.plugins import fault
from yamldag.operators.plugins.chosen import Chosen
from yamldag.operators.plugins.loading import load


class Task(Struct, frozen=True):
    """What a plug-in is to carry out: one attempt of a task.

    Its process is where the task would be: in its folder, with its environment. What the command is to read as its
    standard input is that of this process; wherever it runs, it needs that.
    """

    attempt: str
    """`key/number`: names this attempt and no other."""
    key: str
    """The same for all attempts of the task: `$YAMLDAG_IDEMPOTENCY_KEY`."""
    number: int
    """Which attempt it is, from 1."""
    pipeline: str
    run: str
    name: str
    """The task's id."""
    index: int | None
    """Of a mapped task, else None."""
    queue: str | None
    """As the task says: `queue: gpu`."""
    timeout: float | None
    """Seconds after which it is stopped; nothing is to be done about it."""
    argv: tuple[str, ...]
    """The command. Of tasks in Python, the interpreter and a file of yamldag's."""
    env: dict[str, str]
    """Its variables beyond those that the scheduler has: what `env:` says, and `YAMLDAG_…`."""
    cwd: str

    def call(self, words: Sequence[str]) -> int:
        """Run a command here in the task's place. Its exit code; minus the signal's number if one ended it.

        When the task is to end, the command is asked to as well, and `Stopped` is raised once it has ended. Raises
        OSError if it can't be started.
        """
        process = subprocess.Popen([*words])  # noqa: S603 - it is what the plug-in wants
        try:
            return process.wait()
        except Stopped:
            process.wait()
            raise


def warm_up() -> None:
    """All that every task needs is loaded with this module."""


def carry_out(spec: dict[str, Any]) -> tuple[dict[str, Any] | None, int]:
    """Why the command did not come to its end, None if it did; and the exit code. It may also end this process as the
    signal would that stops a task."""
    chosen, task = convert(spec["executor"], Chosen), convert(spec["task"], Task)
    if spec["given"] is not None:
        hand_on(json.dumps(spec["given"]).encode())
    try:
        return None, _Carrier(chosen, task).carry_out()
    except Stopped:
        _end_by(signal.SIGTERM)
    except BaseException as problem:  # the border: a plug-in's own code runs here, and may raise anything
        print_traceback(problem)
        return {"state": "failed", "reason": _reason(chosen, problem), "retry": True}, 1


class _Carrier:
    """A plug-in, and one attempt."""

    def __init__(self, chosen: Chosen, task: Task) -> None:
        brought = load(chosen.reference)
        self._task = task
        self._run = partial(brought.run, **chosen.settings)
        self._cancel: Callable[[Task], None] | None = None
        if hasattr(brought, "cancel"):
            self._cancel = partial(brought.cancel, **chosen.settings)

    def carry_out(self) -> int:
        """The exit code, as a shell has it."""
        if self._cancel is None:
            return self._called()
        if self._task.number > 1:
            self._cancel(_before(self._task))
        keeper = Keeper(partial(self._cancel, self._task))
        try:
            code = self._called()
        except BaseException:
            if _succeeds(partial(self._cancel, self._task)):
                keeper.let_go()  # else it tries again, once we are gone
            raise
        keeper.let_go()
        return code

    def _called(self) -> int:
        with _stoppable():
            code = self._run(self._task)
        if not isinstance(code, int):
            raise TypeError(f"`run` should give an exit code, found `{code!r}`")
        return code if code >= 0 else 128 - code


def _succeeds(cancel: Callable[[], None]) -> bool:
    """What is wrong with it is in the log: why it was called matters more."""
    try:
        cancel()
    except Exception as problem:  # a plug-in's own code
        print_traceback(problem)
        return False
    return True


def _before(task: Task) -> Task:
    """The attempt before it."""
    number = task.number - 1
    return replace(task, number=number, attempt=f"{task.key}/{number}")


@contextmanager
def _stoppable() -> Iterator[None]:
    """The first TERM is raised here; what is done about it is not disturbed by others."""

    def stop(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, _pass_over)
        raise Stopped("the task is to end")

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, _pass_over)


def _pass_over(*_: object) -> None:
    """Not by ignoring the signal: what is started from here on would ignore it, too."""


def _end_by(number: signal.Signals) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def _reason(chosen: Chosen, problem: BaseException) -> str:
    own = chosen.reference if chosen.reference.endswith(".py") else _file_of(chosen.reference)
    place = fault.place(problem, own)
    where = f" in line {place[1]}" if place and place[0] == own else ""
    return f"the executor `{chosen.name}` broke off: {fault.words(problem)} (`{chosen.place}`{where})"


def _file_of(reference: str) -> str | None:
    """Of a module that is loaded."""
    module = sys.modules.get(reference.rpartition("#")[2].partition(":")[0])
    return getattr(module, "__file__", None)
