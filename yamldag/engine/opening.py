"""Puts a scheduler together: an engine, what an earlier one has left, and the pipelines in force."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

from yamldag.compile.project import SLOTS, Project
from yamldag.engine.clock import MachineClock
from yamldag.engine.loop.engine import Engine
from yamldag.engine.schedule.catalogue import Catalogue, last_in_force
from yamldag.engine.service import Service
from yamldag.engine.takeover.lives import BEATS, Onlooker, new_life
from yamldag.engine.takeover.peers import Peers
from yamldag.engine.takeover.recovery import sweep
from yamldag.engine.takeover.unsent import take_over_notices
from yamldag.executors.local.executor import LocalExecutor
from yamldag.operators import catalog
from yamldag.store import moves, stored
from yamldag.store.database import Database, Patience


def open_service(
    project: Project,
    database: Database,
    executor: LocalExecutor,
    say: Callable[[str], None],
    kind: str = "serve",
    slots: int = SLOTS,
    address: str | None = None,
) -> Service:
    """A scheduler that is ready to run, `slots` tasks at once. On SQLite its caller holds the lock of the database.

    `address` is where its pages are. Raises BadLease.
    """
    catalog.look_in(project.root, project.plugins)  # for the runs that an earlier scheduler has left
    clock, folder = MachineClock(), Path(project.state_folder)
    onlooker = Onlooker.at(folder, os.environ, alone=database.kind == "sqlite")
    runner = moves.begin_runner(database, new_life(kind, executor.id, clock.now(), onlooker.boot, slots))
    database.live(runner)
    executor.say = say
    patience = Patience(None, say)
    database.wait_by(patience)
    engine = Engine(database, executor, clock, runner, os.environ, slots=slots, address=address)
    if project.executor is not None:
        _carry(engine, project)
    engine.pulse = onlooker.lease / BEATS
    catalogue = Catalogue(project, lambda: last_in_force(database, project.root))
    engine.callees = catalogue.callee
    engine.dispatch.declared = lambda: catalogue.project.declared
    engine.dispatch.stored = lambda: stored.tokens(database)
    peers = Peers(engine, executor, onlooker, say)
    peers.look()
    sweep(engine, executor)
    take_over_notices(engine, folder)
    service = Service(engine, catalogue, folder, say, peers)
    patience.over = service.wants_no_more
    gc.freeze()
    return service


def _carry(engine: Engine, project: Project) -> None:
    """Have a plug-in carry tasks out, if the project says so."""
    from yamldag.compile.executor import chosen  # few need it
    from yamldag.engine.loop.carrying import carry

    if plugin := chosen(project):
        carry(engine.world, plugin)
