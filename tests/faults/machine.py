"""A machine that can be broken at will: a clock, a runner that outlives the engines, a database that loses the engine
at any commit. Nothing here waits, and the same random source breaks it in the same way.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from yamldag.executors.contract import Ended, Start
from yamldag.executors.local.recovery import Found
from yamldag.store.database import Database

T = TypeVar("T")


LETTERS = "/@notifications/"
"""In the paths of their logs."""


class Crash(BaseException):
    """The engine is dead: all that it had in memory is gone."""


class Clock:
    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.set_by = 0.0
        """Seconds by which it is about to be set."""

    def now(self) -> float:
        return self.time

    def moved(self) -> float:
        by, self.set_by = self.set_by, 0.0
        self.time += by
        return by


@dataclass(slots=True)
class Body:
    """A task's process."""

    attempt: int
    label: str
    run: str
    started: float
    owner: str
    """The executor that watches it."""
    letter: bool = False
    """It is no attempt: it tells somebody something."""
    ended: Ended | None = None
    stopping: bool = False
    acknowledged: bool = False


@dataclass(slots=True)
class Machine:
    """Its processes, and what is known of those that have ended."""

    source: random.Random
    clock: Clock
    end_of: Callable[[str, str, int], str]
    """(run, label, how many of its bodies came to their own end before) → how this one ends."""
    bodies: dict[int, Body] = field(default_factory=dict)
    own_ends: dict[tuple[str, str], int] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    """Attempts whose runner died: what became of them is not known, and nothing of them is alive."""
    alive: set[str] = field(default_factory=set)
    """The executors whose process is there, hung or not."""
    stride: float = 40.0
    """Seconds that may go by at once: others want their turn."""

    @property
    def live(self) -> list[Body]:
        return [body for body in self.bodies.values() if body.ended is None]

    def begin(self, start: Start, owner: str) -> None:
        """A process, unless this attempt has had one. A letter may be sent again by another executor."""
        letter = LETTERS in start.log
        before = self.bodies.get(start.attempt)
        if before and (not letter or before.owner == owner):
            return
        env = {**start.base, **start.env}
        index = env.get("YAMLDAG_MAP_INDEX")
        task = env.get("YAMLDAG_TASK_ID", "")
        label = task if index is None else f"{task}[{index}]"
        self.lost.discard(start.attempt)
        self.bodies[start.attempt] = Body(
            start.attempt, label, env["YAMLDAG_RUN_ID"], self.clock.now(), owner, letter
        )

    def end(self, body: Body) -> None:
        key = (body.run, body.label)
        how = "ok" if body.letter else self.end_of(*key, self.own_ends.get(key, 0))
        if body.stopping and self.source.random() < 0.8:
            code, reason = -15, "stopped"
        else:
            self.own_ends[key] = self.own_ends.get(key, 0) + (not body.letter)
            code, reason = {
                "ok": (0, "exit"),
                "bad": (1, "exit"),
                "skip": (99, "exit"),
                "timeout": (-15, "timeout"),
                "unstartable": (127, "unstartable"),
            }[how]
        body.ended = Ended(body.attempt, code, reason, body.started, self.clock.now(), "")

    def lose(self, body: Body) -> None:
        """Its runner is gone, and so is the process."""
        self.lost.add(body.attempt)
        body.ended = Ended(body.attempt, -9, "lost", body.started, self.clock.now(), "its runner died")

    def die(self, owner: str) -> None:
        """The runner and all that it watches. Ends that it had heard of stand in its journal."""
        for body in self.of(owner):
            if body.ended is None:
                self.lose(body)

    def of(self, owner: str) -> list[Body]:
        return [body for body in self.bodies.values() if body.owner == owner]


@dataclass(slots=True)
class Hands:
    """An engine's executor: it dies with the engine, and the machine goes on."""

    machine: Machine
    folder: Path
    id: str
    lossy: bool = False
    """Messages come late, twice or never; runners die."""
    tell_again: list[Ended] = field(default_factory=list)
    on_start: Callable[[Sequence[Start]], None] = lambda batch: None

    def start(self, batch: Sequence[Start]) -> None:
        self.on_start(batch)
        for each in batch:
            if self.lossy and self.machine.source.random() < 0.03:
                raise Crash  # some were sent, the others were not
            self.machine.begin(each, self.id)

    def stop(self, attempts: Iterable[int], *, kill: bool = False) -> None:
        for attempt in attempts:
            if body := self.machine.bodies.get(attempt):
                body.stopping = True

    def receive(self, timeout: float | None) -> list[Ended]:
        machine, source = self.machine, self.machine.source
        mine = machine.of(self.id)
        live = [body for body in mine if body.ended is None]
        if live and not (timeout == 0 and source.random() < 0.5):
            spent = source.choice([0.0, 0.5, 2.0, 40.0 if source.random() < 0.1 else 1.0])
            machine.clock.time += min(spent, machine.stride)
            for body in source.sample(live, source.randint(1, len(live))):
                if self.lossy and source.random() < 0.05:
                    machine.lose(body)
                else:
                    machine.end(body)
        untold = [body.ended for body in mine if body.ended and not body.acknowledged]
        if not live and not untold:
            assert timeout is not None, "nothing runs, nothing is due, and it waits for ever"
            machine.clock.time += timeout
        told = [end for end in untold if not self.lossy or source.random() < 0.8]
        again = [end for end in self.tell_again if source.random() < 0.5]
        self.tell_again = [end for end in self.tell_again if end not in again]
        told += again
        source.shuffle(told)
        return told

    def acknowledge(self, attempts: Iterable[int]) -> None:
        for attempt in attempts:
            body = self.machine.bodies[attempt]
            body.acknowledged = True
            if self.lossy and body.ended and self.machine.source.random() < 0.1:
                self.tell_again.append(body.ended)

    def adopt(self, owner: str, lock: int | None = None) -> bool:
        if lock is not None:
            os.close(lock)
            (self.folder / f"{owner}.owner").unlink()
        return owner not in self.machine.alive

    def give_up(self, running: Mapping[int, str]) -> dict[int, Found]:
        """Of one that hangs elsewhere: its runner has ended them by now."""
        return {attempt: Found("lost", self._lost(attempt, owner)) for attempt, owner in running.items()}

    def _lost(self, attempt: int, owner: str) -> Ended:
        """What became of it can't be asked, even if it has ended: it counts as lost."""
        machine, now = self.machine, self.machine.clock.now()
        body = machine.bodies.get(attempt) or Body(attempt, "", "", now, owner)
        machine.bodies[attempt] = body
        machine.lose(body)
        assert body.ended is not None
        return body.ended

    def recover(self, running: Mapping[int, str], **_: object) -> dict[int, Found]:
        return {attempt: self._found(attempt, owner) for attempt, owner in running.items()}

    def _found(self, attempt: int, owner: str) -> Found:
        body = self.machine.bodies.get(attempt)
        owner = body.owner if body else owner
        if owner in self.machine.alive and owner != self.id:
            return Found("watched")
        if body is None:
            return Found("unstarted")
        body.owner = self.id
        if body.ended is None:
            return Found("running")
        return Found("lost" if attempt in self.machine.lost else "ended", body.ended)

    def forget(self, running: Collection[int]) -> None:
        pass

    def wake(self) -> None:
        pass

    def close(self) -> None:
        pass


class Fused:
    """A database whose engine dies at the commit when the fuse is burnt down."""

    def __init__(self, inner: Database, fuse: int | None, when: str) -> None:
        self.inner = inner
        self.fuse = fuse
        self.when = when
        """`before`, `during` or `after` the commit."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def write(self, work: Callable[[], T]) -> T:
        if self.fuse is None:
            return self.inner.write(work)
        self.fuse -= 1
        if self.fuse >= 0:
            return self.inner.write(work)
        if self.when == "before":
            raise Crash
        if self.when == "after":
            self.inner.write(work)
            raise Crash

        def cut() -> T:
            work()
            raise Crash

        return self.inner.write(cut)
