"""Puts a scheduler together: an engine, what an earlier one has left, and the pipelines in force."""

from __future__ import annotations

import gc
import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from yamldag.compile.project import Project
from yamldag.engine.abandoned import end_abandoned
from yamldag.engine.catalogue import Catalogue, Known, known
from yamldag.engine.clock import WallClock
from yamldag.engine.loop import Engine
from yamldag.engine.recovery import recover
from yamldag.engine.service import Service
from yamldag.executors.local import LocalExecutor
from yamldag.plan.pipeline import from_json
from yamldag.store import moves, schedules
from yamldag.store.database import Database, Patience

SLOTS = 16
"""Tasks that run at once, of all pipelines together."""


def open_service(
    project: Project, database: Database, executor: LocalExecutor, say: Callable[[str], None]
) -> Service:
    """A scheduler that is ready to run. Its caller holds the lock of the database."""
    clock, folder = WallClock(), Path(project.state_folder)
    life = moves.Life(schedules.KIND, socket.gethostname(), os.getpid(), executor.id, clock.now())
    runner = moves.begin_runner(database, life)
    database.live(runner)
    patience = Patience(None, say)
    database.wait_by(patience)
    engine = Engine(database, executor, clock, runner, os.environ, slots=SLOTS)
    catalogue = Catalogue(project, lambda: _earlier(database, project))
    for run in end_abandoned(database, folder):
        say(f"run {run} is over: its process was killed")
    for run in recover(engine, executor, folder):
        say(f"run {run} goes on")
    service = Service(engine, catalogue, folder, say)
    patience.over = service.wants_no_more
    gc.freeze()
    return service


def _earlier(database: Database, project: Project) -> dict[str, Known]:
    """The last good version of each pipeline that a scheduler or a run has seen."""
    found = {}
    for name, file, version, text in schedules.known_plans(database):
        path = os.path.abspath(os.path.join(project.root, file))
        # A plan of another version of yamldag may not be readable; then there is no last good one.
        with suppress(KeyError, TypeError, ValueError, AssertionError):
            found[name] = known(from_json(json.loads(text)), text, version, path)
    return found
