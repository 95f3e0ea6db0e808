"""Looks for what deferred attempts wait for: files, by threads that may hang without harm, and runs, in SQL."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Iterable
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Concatenate, ParamSpec, TypeVar

from msgspec.structs import replace

from yamldag.engine.memory.deferral import APPROVAL, CALL, FILE, TOO_LATE, Awaited, from_text, to_text
from yamldag.engine.step.deferred import late
from yamldag.engine.step.world import Look, Looked
from yamldag.operators import output
from yamldag.operators.contract import Outcome
from yamldag.plan.pipeline import Json
from yamldag.store import approvals, waiting
from yamldag.store.database import Database

_HANGS = 5.0
"""Seconds after which a look at one file is taken to hang: the others get another thread."""
_THREADS = 16
_LONGEST = 1 << 20
"""Bytes of all outputs of a run that was called."""

T = TypeVar("T")
P = ParamSpec("P")
Tell = Callable[[Looked], None]


class Lookout:
    """Tells only of what was found. Of the engine's thread."""

    def __init__(self, database: Database, tell: Tell) -> None:
        self._database = database
        self._tell = tell
        self._files = Files(tell)

    def look(self, looks: Iterable[Look]) -> None:
        runs: dict[Awaited, list[int]] = {}
        for each in looks:
            if each.deferral.what == FILE:
                assert each.deferral.path is not None
                self._files.look(each.attempt, each.deferral.path)
            elif each.deferral.what == CALL:
                self._call(each)
            elif each.deferral.what == APPROVAL:
                self._expire(each)
            else:
                runs.setdefault(each.deferral.key, []).append(each.attempt)
        for key, attempts in runs.items():
            if self._read(waiting.has_succeeded, *key):
                for attempt in attempts:
                    self._tell(Looked(attempt, Outcome("success")))

    def _expire(self, look: Look) -> None:
        """Its time is over, unless somebody has answered: that is heard of as what is asked of the run."""
        if self._database.write(partial(_expire, self._database, look)):
            self._tell(Looked(look.attempt, late(look.deferral)))

    def _read(self, question: Callable[Concatenate[Database, P], T], *of: P.args, **more: P.kwargs) -> T:
        return self._database.read(lambda: question(self._database, *of, **more))

    def _call(self, look: Look) -> None:
        name = look.deferral.run
        assert name is not None
        found = self._read(waiting.ended, name)
        if found is None:
            return
        state, reason = found
        if state == "success":
            outcome = _outputs(self._read(waiting.outputs, name), look)
        else:
            words = f"the run {name} that it called is {state}" + (f": {reason}" if reason else "")
            outcome = Outcome("failed", words, retry=True)
        self._tell(Looked(look.attempt, outcome))


def _expire(database: Database, look: Look) -> bool:
    """Whether nobody has answered by now: from then on nobody can."""
    spec = approvals.spec(database, look.instance, look.attempt)
    if spec is None:
        return False
    asks = from_text(spec, look.deferral.since, look.deferral.until)
    if asks.answered is not None:
        return asks.answered == TOO_LATE
    over = to_text(replace(asks, answered=TOO_LATE))
    return approvals.settle(database, look.instance, look.attempt, spec, over)


def _outputs(rows: Iterable[tuple[str, int, str, str | None]], look: Look) -> Outcome:
    """`{task: output}`: null where a task is no success, a list where it is mapped."""
    found: dict[str, Json] = {}
    size = 0
    for task, index, state, text in rows:
        size += len(text or "")
        try:
            value: Json = json.loads(text) if text is not None and state == "success" else None
        except ValueError:
            return Outcome("failed", f"the output of `{task}` can't be read: it has been changed or damaged")
        if index < 0:
            found[task] = value
            continue
        values = found.setdefault(task, [])
        assert isinstance(values, list)
        values.append(value)
    if size > _LONGEST:
        return Outcome("failed", "the outputs of the run that it called are together longer than 1 MiB")
    try:
        output.check(found, look.declared)
    except output.BadOutputError as error:
        return Outcome("failed", str(error))
    return Outcome("success", output=found)


class Files:
    """Looks whether files are there. One that hangs (a disk of another machine) holds up no other for long."""

    def __init__(self, tell: Tell, hangs: float = _HANGS) -> None:
        self._tell = tell
        self._hangs = hangs
        self._queue: SimpleQueue[tuple[int, str]] = SimpleQueue()
        self._waiting: set[int] = set()
        self._since: dict[Thread, float] = {}
        """When each thread began with what it looks at now."""
        self._lock = Lock()

    def look(self, attempt: int, path: str) -> None:
        """Unless a look for it is under way."""
        with self._lock:
            if attempt in self._waiting:
                return
            self._waiting.add(attempt)
            now = monotonic()
            free = any(now - since < self._hangs for since in self._since.values())
            if not free and len(self._since) < _THREADS:
                self._grow()
        self._queue.put((attempt, path))

    def _grow(self) -> None:
        thread = Thread(target=self._work, name="looks for files", daemon=True)
        self._since[thread] = float("inf")
        thread.start()

    def _work(self) -> None:
        from threading import current_thread

        me = current_thread()
        while True:
            self._since[me] = float("inf")  # idle
            attempt, path = self._queue.get()
            self._since[me] = monotonic()
            there = is_there(path)
            with self._lock:
                self._waiting.discard(attempt)
            if there:
                self._tell(Looked(attempt, Outcome("success")))


def is_there(path: str) -> bool:
    """Whether the file exists, or one that the pattern matches."""
    if "*" not in path:
        return os.path.exists(path)
    pattern = path.replace("[", "[[]").replace("?", "[?]")  # they are letters of the name
    return next(glob.iglob(pattern, recursive=True), None) is not None
