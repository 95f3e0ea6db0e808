"""Puts a scheduler together: an engine, what an earlier one has left, and the pipelines in force."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from yamldag.compile.project import Project
from yamldag.engine.catalogue import Catalogue, Known, known
from yamldag.engine.clock import WallClock
from yamldag.engine.lives import BEATS, Onlooker, new_life
from yamldag.engine.loop import Engine
from yamldag.engine.peers import Peers
from yamldag.engine.recovery import sweep
from yamldag.engine.service import Service
from yamldag.executors.local import LocalExecutor
from yamldag.plan.pipeline import from_json
from yamldag.store import moves, schedules
from yamldag.store.database import Database, Patience


def open_service(
    project: Project,
    database: Database,
    executor: LocalExecutor,
    say: Callable[[str], None],
    kind: str,
    slots: int,
) -> Service:
    """A scheduler that is ready to run, `slots` tasks at once. On SQLite its caller holds the lock of the database.

    Raises BadLease.
    """
    clock, folder = WallClock(), Path(project.state_folder)
    onlooker = Onlooker.at(folder, os.environ, alone=database.kind == "sqlite")
    runner = moves.begin_runner(database, new_life(kind, executor.id, clock.now(), onlooker.boot, slots))
    database.live(runner)
    patience = Patience(None, say)
    database.wait_by(patience)
    engine = Engine(database, executor, clock, runner, os.environ, slots=slots)
    engine.pulse = onlooker.lease / BEATS
    catalogue = Catalogue(project, lambda: _earlier(database, project))
    peers = Peers(engine, executor, onlooker, say)
    peers.look()
    sweep(engine, executor)
    service = Service(engine, catalogue, folder, say, peers)
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
