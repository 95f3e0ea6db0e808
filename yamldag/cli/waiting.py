"""Waiting for runs, wherever they are."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.plan.state import RUN_FINAL

if TYPE_CHECKING:
    from yamldag.cli.source import Source

ANSWER = 3.0
"""Seconds that a command waits for an engine to do what it was asked."""
_HINT = 3.0
"""Seconds after which a run that still waits calls for a word on why."""


def until(source: Source, met: Callable[[], bool], seconds: float = ANSWER) -> bool:
    """Whether it came to be so within that time."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            return False
        time.sleep(source.pause)
    return True


def follow(source: Source, runs: Sequence[str]) -> list[str]:
    """Wait for the runs to end; the states that they ended in, in order. Says so if nobody begins them."""
    begun, hinted = time.monotonic(), False
    while True:
        states = source.states(runs)
        if all(state in RUN_FINAL or state == "removed" for state in states):
            return states
        waits = all(state == "queued" for state in states)
        if waits and not hinted and time.monotonic() - begun > _HINT:
            sys.stderr.write("still queued: is `yamldag serve` at work, and is there room?\n")
            hinted = True
        time.sleep(source.pause)


def result(source: Source, run: str) -> dict[str, Any]:
    """A run as `yamldag run --json` tells of it."""
    return {"run_id": run, "state": source.states([run])[0], "tasks": source.tasks(run)}


def wait(source: Source, run: str, form: str) -> int:
    """Wait for a run and tell how it ended; the exit code."""
    [state] = follow(source, [run])
    if form == "json":
        options.print_json(result(source, run))
    else:
        sys.stdout.write(f"{run} {state}\n")
    return 0 if state == "success" else 1
