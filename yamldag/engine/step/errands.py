"""Errands: operator calls that the executor runs for the engine, and that are no attempts of a task.

A look of a `wait`, a notification. They have their own bound beside the tasks' slots, and live in memory alone:
what must survive a crash is a row of whoever sends them, from which the errand is made again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from yamldag.engine import folders
from yamldag.executors.contract import Ended, Start
from yamldag.operators.contract import Attempt, Json, Outcome, Work
from yamldag.operators.running import runnable

MOST = 8
"""Errands that run at once."""


class Errand(Struct, frozen=True, eq=False):
    """One call. Everything in it is rendered."""

    id: int
    """From the engine's ids, as an attempt's."""
    operator: str
    params: Mapping[str, Json]
    args: Mapping[str, Json]
    env: Mapping[str, str]
    """The whole environment."""
    place: Attempt
    """Its files, and what the operator is told of it. The log may be one that others write too."""
    timeout: float | None
    """Seconds."""
    owner: object
    """Who sent it, as they want to know it again when it returns."""
    declared: Mapping[str, Json] | None = None
    """The JSON Schema that its output must fit."""
    guarded: bool = False
    """It may see a secret: `params` are a sealed call of `operator`."""

    @property
    def carried_out_by(self) -> str:
        """The operator whose process it is."""
        return "guarded" if self.guarded else self.operator


class Returned(Struct, frozen=True):
    """An errand is over."""

    errand: Errand
    outcome: Outcome
    reason: str
    """As the executor says: `exit`, `timeout`, `stopped`, `unstartable`, `lost`; `refused`: it never started."""
    started: float
    ended: float


class Errands(Struct):
    """Those that wait and those that run. The engine starts and hears of them as it does of attempts."""

    most: int = MOST
    waiting: deque[Errand] = field(default_factory=deque)
    running: dict[int, Errand] = field(default_factory=dict)

    def send(self, errands: Iterable[Errand]) -> None:
        """They start when there is room, the first first."""
        self.waiting.extend(errands)

    def recall(self, ids: Iterable[int]) -> list[int]:
        """Nobody wants them any more: forget those that wait; those that run, to be stopped, are returned."""
        gone = set(ids)
        if gone.difference(self.running):
            self.waiting = deque(each for each in self.waiting if each.id not in gone)
        return sorted(gone.intersection(self.running))

    def start(self, now: float) -> tuple[list[Start], list[Returned]]:
        """Fill the room: what the executor is to start, and what is over without that."""
        starts: list[Start] = []
        over: list[Returned] = []
        while self.waiting and len(self.running) < self.most:
            errand = self.waiting.popleft()
            work = _prepared(errand)
            if isinstance(work, Outcome):
                over.append(Returned(errand, work, "refused", now, now))
            else:
                try:
                    starts.append(_start(errand, work))
                    self.running[errand.id] = errand
                except OSError as problem:
                    refused = Outcome("failed", folders.refusal(problem), retry=True)
                    over.append(Returned(errand, refused, "unstartable", now, now))
        return starts, over

    def returned(self, ended: Ended) -> Returned | None:
        """Read how one ended, and delete what it left. None: it is no errand of this life."""
        errand = self.running.pop(ended.attempt, None)
        if errand is None:
            return None
        operator = runnable(errand.carried_out_by)
        assert operator is not None
        outcome = operator.outcome(ended, errand.place, errand.declared)
        for path in (errand.place.output_path, errand.place.result_path, errand.place.spec_path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        return Returned(errand, outcome, ended.reason, ended.started, ended.ended)


def _prepared(errand: Errand) -> Work | Outcome:
    operator = runnable(errand.carried_out_by)
    if operator is None:
        return Outcome("failed", f"there is no operator `{errand.operator}`")
    return operator.prepare(errand.params, errand.args, errand.place)


def _start(errand: Errand, work: Work) -> Start:
    place = errand.place
    folders.make(os.path.dirname(place.log_path))
    folders.make(os.path.dirname(place.spec_path))
    folders.make(place.run_dir)
    told, written = spec_of(work)
    if written is not None:
        write_privately(place.spec_path, written)
    return Start(
        errand.id,
        work.argv,
        {**errand.env, **work.env},
        place.cwd,
        place.log_path,
        errand.timeout,
        warm=work.warm,
        spec=told,
        log_is_shared=True,
    )


def spec_of(work: Work) -> tuple[str | None, str | None]:
    """As JSON: what a process of ours is told with its start, and what another program is to find in its file."""
    if work.spec is None:
        return None, None
    text = json.dumps(work.spec, ensure_ascii=False)
    return (text, None) if work.warm else (None, text)


def write_privately(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
