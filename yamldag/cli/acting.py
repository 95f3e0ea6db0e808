"""What acting on this project's runs takes: the database to write to, and the plan that counts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from yamldag.cli import options
from yamldag.cli.databases import made
from yamldag.cli.main import UsageError
from yamldag.cli.records import NOTHING_RAN, end_abandoned, exists

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.plan.pipeline import Plan
    from yamldag.store.database import Database
    from yamldag.store.moves import Version


@contextmanager
def acting(project: Project, *, new: bool = False) -> Iterator[Database]:
    """The project's database, to write to. `new`: it may be made; else something must have been recorded."""
    from yamldag.engine.memory.reading import Unreadable
    from yamldag.store.moves import Lost

    if not new and not exists(project):
        raise UsageError(f"{NOTHING_RAN}; begin with `yamldag run PIPELINE`")
    with made(project) as database:
        try:
            end_abandoned(database, project)
            _settle(database)
            yield database
        except Unreadable as unreadable:
            raise UsageError(f"of that run, {unreadable}") from None
        except Lost:
            raise UsageError("the run is being moved by others all the time: try again") from None


def _settle(database: Database) -> None:
    """What was asked of a run whose engine has ended before it could obey."""
    from yamldag.store import requests

    if requests.left_over(database):
        from yamldag.engine.outside import settle

        settle(database, time.time())


def state_of(database: Database, run: str) -> str:
    row = database.execute("SELECT state FROM run WHERE id = ?", (run,)).fetchone()
    return str(row[0]) if row else "removed"


# Plans


def compiled(project: Project, name: str) -> Plan:
    """The plan that this version can run: of the files, or as it was recorded of one that lies elsewhere."""
    from yamldag.compile.load import find

    unit, found, wrong = find(project, name)
    if wrong is not None:
        recorded = _recorded(project, name, wrong)
        if not os.path.exists(os.path.join(project.root, recorded.file)):
            raise UsageError(f"`{name}` was removed: its file `{recorded.file}` is gone; its runs are kept")
        return recorded
    if unit is None or not unit.sound or found.broken:
        raise options.unsound(found.found, found.files, len(found.units))
    plan = unit.plan()
    assert plan is not None
    return plan


def _recorded(project: Project, name: str, wrong: str) -> Plan:
    from yamldag.engine.schedule.catalogue import last_good

    if exists(project):
        with acting(project) as database:
            known = last_good(database, project.root, {name}).get(name)
        if known is not None:
            return known.plan
    raise UsageError(wrong)


def known_plan(project: Project, name: str) -> Plan:
    """The plan of the files if they are sound, else the last one that was recorded."""
    from yamldag.compile.load import find

    unit, _, wrong = find(project, name)
    plan = unit.plan() if unit is not None else None
    if wrong is None and plan is None:
        wrong = f"`{name}` has errors, and nothing is recorded of it: `yamldag validate` tells them"
    return plan if plan is not None else _recorded(project, name, str(wrong))


def version_of(plan: Plan) -> Version:
    """The plan as a version to keep."""
    from yamldag.plan.pipeline import text_hash, to_text
    from yamldag.store.moves import Version

    text = to_text(plan)
    return Version(plan.pipeline, plan.file, text_hash(text), text, time.time())
