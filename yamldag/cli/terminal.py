"""What tasks of a run here ask of a person, asked of whoever sits at its terminal. Others may answer it, too."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Protocol

from yamldag.engine.memory.deferral import APPROVAL
from yamldag.engine.refused import NOT_NOW, Refused
from yamldag.plan.state import TaskState

if TYPE_CHECKING:
    from yamldag.engine.approving import Question
    from yamldag.engine.memory.run import Instance

_YES, _NO = ("y", "yes"), ("n", "no")


class Screen(Protocol):
    """What shows the run."""

    def aside(self) -> AbstractContextManager[None]:
        """The terminal is somebody else's meanwhile."""


@contextmanager
def asking(database: str, screen: Screen) -> Iterator[Asker | None]:
    """Somebody who asks; None: nobody sits there. `database` is a URL."""
    if sys.stdin is None or not sys.stdin.isatty() or not sys.stderr.isatty():
        yield None
        return
    asker = Asker(database, screen)
    try:
        yield asker
    finally:
        asker.close()


class Asker:
    """Asks one question after the other, in a thread of its own: the run does not wait for what is typed."""

    def __init__(self, database: str, screen: Screen) -> None:
        self._database = database
        self._screen = screen
        self._open: set[Instance] = set()
        self._queue: SimpleQueue[Instance | None] = SimpleQueue()
        self._heard, self._tell = os.pipe()
        self._typed = b""
        self._thread: Thread | None = None

    def moved(self, instance: Instance, state: TaskState) -> None:
        """A task has moved: it may begin to ask, or wait no longer."""
        waits = instance.deferral if state is TaskState.DEFERRED else None
        if waits is not None and waits.what == APPROVAL:
            self._open.add(instance)
            self._queue.put(instance)
            if self._thread is None:
                self._thread = Thread(target=self._work, name="asks at the terminal", daemon=True)
                self._thread.start()
        elif instance in self._open:
            self._open.discard(instance)
            os.write(self._tell, b".")

    def close(self) -> None:
        """Nobody is asked any more."""
        self._open.clear()
        self._queue.put(None)
        os.write(self._tell, b".")
        if self._thread is not None:
            self._thread.join()
        os.close(self._heard)
        os.close(self._tell)

    def _work(self) -> None:
        while (instance := self._queue.get()) is not None:
            if instance in self._open:
                with self._screen.aside():
                    try:
                        self._ask(instance)
                    except _Unanswered as why:
                        _say(f"\n{why}\n")
                    except _NobodyThere:
                        run = instance.node.run.id
                        _say(f"\nanswer it by `yamldag approve {run} {instance.label}`\n")
                        return

    def _ask(self, instance: Instance) -> None:
        question = self._question(instance)
        if question is None:
            return
        _say(f"{question.label}: {question.asks.message}\n")
        yes = self._yes(instance)
        while True:
            try:
                self._answer(question, self._fields(instance, question) if yes else {}, yes=yes)
                return
            except Refused as refused:
                _say(f"  {refused}\n")
                if refused.kind == NOT_NOW or not yes:
                    return

    def _question(self, instance: Instance) -> Question | None:
        """None: it was answered meanwhile."""
        from yamldag.engine.approving import questions
        from yamldag.store import views

        with views.reading(self._database) as db:
            found = questions(db, instance.node.run.id)
        return next((each for each in found if each.row.attempt == instance.attempt), None)

    def _yes(self, instance: Instance) -> bool:
        while True:
            said = self._line(instance, "  yes or no? ").lower()
            if said in (*_YES, *_NO):
                return said in _YES

    def _fields(self, instance: Instance, question: Question) -> dict[str, str]:
        """What is typed; what is left empty has its default, if there is one."""
        from yamldag.cli.approvals import fields

        given = {}
        for param, says in zip(question.fields, fields(question.asks.form), strict=True):
            default = param.schema.get("default")
            typed = self._line(instance, f"  {says}" + (f" [{default}]: " if default is not None else ": "))
            if typed:
                given[param.name] = typed
        return given

    def _answer(self, question: Question, values: dict[str, str], *, yes: bool) -> None:
        import time

        from yamldag.cli.identity import deed
        from yamldag.engine.approving import Answer, answered
        from yamldag.store.database import open_database

        database = open_database(self._database)
        try:
            who = deed("task.answer", question.row.run, task=question.label)
            answered(database, question, Answer(yes, values, as_text=True), who, time.time())
        finally:
            database.close()

    def _line(self, instance: Instance, prompt: str) -> str:
        """What is typed. Raises _Unanswered: nobody needs to know any more; _NobodyThere: the terminal has ended."""
        _say(prompt)
        while b"\n" not in self._typed:
            ready, _, _ = select.select([sys.stdin, self._heard], [], [])
            if self._heard in ready:
                os.read(self._heard, 4096)
                if instance not in self._open:
                    raise _Unanswered("it needs no answer any more")
            if sys.stdin in ready:
                data = os.read(sys.stdin.fileno(), 4096)
                if not data:
                    raise _NobodyThere
                self._typed += data
        line, _, self._typed = self._typed.partition(b"\n")
        return line.decode(errors="replace").strip()


class _Unanswered(Exception):  # noqa: N818
    """The words say why."""


class _NobodyThere(Exception):  # noqa: N818
    pass


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
