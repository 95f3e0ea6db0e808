"""Puts a scheduler together: an engine, what an earlier one has left, and the pipelines in force."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable
from pathlib import Path

from yamldag.compile.project import Project
from yamldag.engine.abandoned import end_abandoned
from yamldag.engine.catalogue import Catalogue, last_good
from yamldag.engine.clock import WallClock
from yamldag.engine.loop import Engine
from yamldag.engine.recovery import recover
from yamldag.engine.service import Service
from yamldag.executors.local import LocalExecutor
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
    catalogue = Catalogue(project, lambda: last_good(database, project.root))
    for run in end_abandoned(database, folder):
        say(f"run {run} is over: its process was killed")
    for run in recover(engine, executor, folder):
        say(f"run {run} goes on")
    service = Service(engine, catalogue, folder, say)
    patience.over = service.wants_no_more
    gc.freeze()
    return service
