"""A machine that can be broken at will: a clock, a runner that outlives the engines, a database that loses the engine
at any commit. Nothing here waits, and the same random source breaks it in the same way.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from yamldag.executors.contract import Ended, Start
from yamldag.executors.local import Found
from yamldag.store.database import Database

T = TypeVar("T")


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

    @property
    def live(self) -> list[Body]:
        return [body for body in self.bodies.values() if body.ended is None]

    def begin(self, start: Start) -> None:
        """A process, unless this attempt has had one."""
        if start.attempt in self.bodies or start.attempt in self.lost:
            return
        run = start.base["YAMLDAG_RUN_ID"]
        index = start.env.get("YAMLDAG_MAP_INDEX")
        task = start.env["YAMLDAG_TASK_ID"]
        label = task if index is None else f"{task}[{index}]"
        self.bodies[start.attempt] = Body(start.attempt, label, run, self.clock.now())

    def end(self, body: Body) -> None:
        key = (body.run, body.label)
        how = self.end_of(*key, self.own_ends.get(key, 0))
        if body.stopping and self.source.random() < 0.8:
            code, reason = -15, "stopped"
        else:
            self.own_ends[key] = self.own_ends.get(key, 0) + 1
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

    def die(self) -> None:
        """The runner and all that it watches. Ends that it had heard of stand in its journal."""
        for body in self.live:
            self.lose(body)


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
            self.machine.begin(each)

    def stop(self, attempts: Iterable[int], *, kill: bool = False) -> None:
        for attempt in attempts:
            if body := self.machine.bodies.get(attempt):
                body.stopping = True

    def receive(self, timeout: float | None) -> list[Ended]:
        machine, source = self.machine, self.machine.source
        live = machine.live
        if live and not (timeout == 0 and source.random() < 0.5):
            machine.clock.time += source.choice([0.0, 0.5, 2.0, 40.0 if source.random() < 0.1 else 1.0])
            for body in source.sample(live, source.randint(1, len(live))):
                if self.lossy and source.random() < 0.05:
                    machine.lose(body)
                else:
                    machine.end(body)
        untold = [body.ended for body in machine.bodies.values() if body.ended and not body.acknowledged]
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
        return True

    def give_up(self, running: Mapping[int, str]) -> dict[int, Found]:
        assert not running
        return {}

    def recover(self, running: Mapping[int, str], **_: object) -> dict[int, Found]:
        return {attempt: self._found(attempt) for attempt in running}

    def _found(self, attempt: int) -> Found:
        body = self.machine.bodies.get(attempt)
        if body is None:
            return Found("unstarted")
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
