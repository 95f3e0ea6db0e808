"""Look over the installation and the database, and say in plain words what is wrong and what to do about it.

Exit code 1 if something is wrong. The database is only read, and may be at work meanwhile.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from yamldag.cli import options

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.compile.project import Project
    from yamldag.executors.guard.keyring import Keyring
    from yamldag.store.invariants import Invariant

State: TypeAlias = Literal["ok", "note", "wrong"]

_LITTLE, _TOO_LITTLE = 1 << 30, 100 << 20
"""Bytes of free disk that deserve a note, and that are too few to go on with."""
_FILES = 256
"""Open files that a scheduler with its page needs at ease."""
_PATIENCE = 10.0
"""Seconds within which a connection should be reached."""
_SHOWN = 5
"""Rows that are named of those that break one rule."""
_SKEW = 60.0
"""Seconds that a heartbeat may lie ahead of this machine's clock."""
_ALIVE = 30.0
"""Seconds since its last heartbeat for which a scheduler counts as being at work."""


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    state: State
    message: str
    help: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    project = options.project(args)
    found = [
        *_programs(),
        *_limits(),
        *_folder(Path(project.state_folder)),
        *_plugins(project),
        *_executor(project),
        *_outside(project),
        *_database(project.database),
    ]
    fine = all(each.state != "wrong" for each in found)
    if args.format == "json":
        options.print_json({"ok": fine, "checks": [asdict(each) for each in found]})
    else:
        sys.stdout.write("".join(map(_text, found)))
        sys.stdout.write("all is well\n" if fine else "something is wrong\n")
    return 0 if fine else 1


def _text(found: Finding) -> str:
    help_ = f"{'':8}= help: {found.help}\n" if found.help else ""
    return f"{found.state:8}{found.name}: {found.message}\n{help_}"


# The machine


def _programs() -> Iterator[Finding]:
    for name, needed, without in (
        ("bash", True, "`bash` tasks can't run; install it"),
        ("dot", False, "pictures get a simpler layout; install Graphviz for the best one"),
        ("git", False, "only needed where pipelines are compared with an earlier commit"),
    ):
        path = shutil.which(name)
        if path:
            yield Finding(name, "ok", path)
        else:
            yield Finding(name, "wrong" if needed else "note", "not found in PATH", without)
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok", f"{version}, {sys.executable}")


def _limits() -> Iterator[Finding]:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < _FILES:
        yield Finding("open files", "wrong", f"at most {files}", f"`ulimit -n {_FILES}` or more")
    else:
        yield Finding(
            "open files", "ok", "no limit" if files == resource.RLIM_INFINITY else f"at most {files}"
        )
    try:
        seen = any(name.isdigit() for name in os.listdir("/proc"))
    except OSError:
        seen = False
    if not seen:
        yield Finding(
            "processes", "wrong", "`/proc` can't be read", "mount it: tasks left by a crash are found there"
        )
    if time.time() < 1_700_000_000:
        yield Finding("clock", "wrong", f"it is {time.strftime('%Y-%m-%d %H:%M')}", "set the machine's clock")


def _outside(project: Project) -> Iterator[Finding]:
    """The secrets and connections that tasks name have values on this machine, and lead somewhere."""
    from yamldag.cli.keeping import keys
    from yamldag.engine.asking.secrets import connection_rows, secret_rows

    if project.broken:
        yield Finding("project", "wrong", "the project file has errors", "`yamldag validate` shows them")
        return
    known = keys(project)
    for row in secret_rows(project, known):
        name = f"secret {row['name']}"
        if row["source"] is None:
            yield Finding(name, "wrong", row["note"])
        elif row["note"]:
            yield Finding(name, "note", row["note"])
        else:
            yield Finding(name, "ok", f"from {row['source']}")
    rows = connection_rows(project, known)
    reached = _reached(known, [row["id"] for row in rows if not row["note"]])
    for row in rows:
        name, leads = f"connection {row['id']}", f"{row['type']} {row['address']}, from {row['source']}"
        fine, words = reached.get(row["id"], (False, row["note"]))
        # A file of SQLite's is made by whoever writes first.
        bad: State = "note" if row["type"] == "sqlite" else "wrong"
        yield Finding(name, "ok" if fine else bad, f"{leads}: {words}" if row["type"] else words)


def _reached(keys: Keyring, names: list[str]) -> dict[str, tuple[bool, str]]:
    """Of each connection whether it can be used, and words on it. All are tried at once, and none for long."""
    from threading import Thread

    from yamldag.cli.connections import reached

    found: dict[str, tuple[bool, str]] = {}

    def look(name: str) -> None:
        found[name] = reached(keys, name)

    trying = [Thread(target=look, args=(name,), daemon=True) for name in names]
    for each in trying:
        each.start()
    until = time.monotonic() + _PATIENCE
    for each in trying:
        each.join(max(0.0, until - time.monotonic()))
    late = (False, f"no answer within {_PATIENCE:.0f} s")
    return {name: found.get(name, late) for name in names}


def _plugins(project: Project) -> Iterator[Finding]:
    """Those of the project, and those that are installed."""
    from yamldag.operators import catalog

    catalog.look_in(project.root, project.plugins)
    for plugin, told in catalog.plugins().states():
        name = f"plug-in {plugin.name}"
        if told.fault:
            yield Finding(name, "wrong", told.fault, "pipelines that use it can't run")
        else:
            yield Finding(name, "ok", f"{plugin.kind}, from {plugin.origin}")


def _executor(project: Project) -> Iterator[Finding]:
    """What carries tasks out, where it isn't this machine itself."""
    from yamldag.compile import executor

    if executor.is_local(project) or project.unsure("executor"):
        return
    wrong = list(executor.faults(project))
    for each in wrong:
        yield Finding("executor", "wrong", each.message, each.help)
    if not wrong and (chosen := executor.chosen(project)):
        yield Finding("executor", "ok", f"`{chosen.name}`, from `{chosen.place}`")


def _folder(folder: Path) -> Iterator[Finding]:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        yield Finding("state folder", "wrong", f"`{there}` can't be written to", "give its user the right")
        return
    free = shutil.disk_usage(there).free
    if free < _TOO_LITTLE:
        yield Finding(
            "disk", "wrong", f"{_size(free)} free at `{there}`", "make room: runs wait when it is full"
        )
    elif free < _LITTLE:
        yield Finding("disk", "note", f"{_size(free)} free at `{there}`", "make room before it is full")
    else:
        yield Finding("disk", "ok", f"{_size(free)} free at `{there}`")


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= _LITTLE else f"{count / (1 << 20):.0f} MiB"


# The database


def _database(url: str) -> Iterator[Finding]:
    import sqlalchemy as sa

    from yamldag.store.drivers.choose import driver_of
    from yamldag.store.drivers.contract import CannotOpen
    from yamldag.store.drivers.urls import sqlite_path
    from yamldag.store.patience import Away
    from yamldag.store.views import reading

    path = sqlite_path(url)
    if path and not os.path.exists(path):
        yield Finding("database", "note", f"`{path}` is not there yet", "the first `yamldag run` makes it")
        return
    try:
        driver = driver_of(url)
    except CannotOpen as closed:
        yield Finding("database", "wrong", str(closed))
        return
    try:
        with reading(url) as db:
            yield from _looked_at(db, driver.shown())
    except Away as away:
        yield _unread(driver.shown(), str(away))
    except (sa.exc.SQLAlchemyError, OSError, driver.error) as problem:
        yield _unread(driver.shown(), driver.words(getattr(problem, "orig", None) or problem))


def _unread(shown: str, why: str) -> Finding:
    return Finding("database", "wrong", f"`{shown}` can't be read: {why}", "is it there, and running?")


def _looked_at(db: sa.Connection, shown: str) -> Iterator[Finding]:
    from yamldag.store.names import REVISION

    at = _revision(db)
    if at == REVISION:
        yield Finding("database", "ok", f"`{shown}` at revision {at}")
        yield from _contents(db)
    else:
        words = f"`{shown}` is at revision {at or 'none'}, this version needs {REVISION}"
        yield Finding("database", "wrong", words, "`yamldag db upgrade`, or a newer yamldag")


def _revision(db: sa.Connection) -> str | None:
    import sqlalchemy as sa

    if not sa.inspect(db).has_table("alembic_version"):
        return None
    found = db.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def _contents(db: sa.Connection) -> Iterator[Finding]:
    from yamldag.store.invariants import ALL, PASSING, Broken, broken

    if db.dialect.name == "sqlite":
        damage = [row[0] for row in db.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
        if damage:
            yield Finding(
                "database file", "wrong", damage[0], "restore a backup: the disk or a copy broke it"
            )
        else:
            yield Finding("database file", "ok", "undamaged")
    found: dict[Invariant, list[Broken]] = {}
    for one in broken(db.exec_driver_sql):
        found.setdefault(one.invariant, []).append(one)
    for invariant, rows in found.items():
        where = ", ".join(each.where for each in rows[:_SHOWN])
        more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        state: State = "note" if invariant in PASSING else "wrong"
        help_ = None if state == "note" else "please report this bug in yamldag"
        yield Finding(invariant.name, state, f"expected: {invariant.words}; found: {where}{more}", help_)
    yield Finding("rules", "ok", f"{len(ALL) - len(found)} of {len(ALL)} rules of the database hold")
    yield from _spoilt(db)
    yield from _lives(db)


def _spoilt(db: sa.Connection) -> Iterator[Finding]:
    from yamldag.store.unreadable import unreadable

    if found := list(unreadable(db.exec_driver_sql)):
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        words = f"changed or damaged, so that they can't be read: {', '.join(found[:_SHOWN])}{more}"
        yield Finding(
            "rows", "wrong", words, "restore a backup; a run of theirs fails once it is taken up again"
        )


def _lives(db: sa.Connection) -> Iterator[Finding]:
    from yamldag.store.circumstances import schedulers

    seen = max((row["seen"] for row in schedulers(db)), default=None)
    ahead = 0.0 if seen is None else float(seen) - time.time()
    if ahead > _SKEW:
        words = f"the database has heard of a scheduler {ahead:.0f} s after what this machine calls now"
        yield Finding("clock", "wrong", words, "set the clocks of both")
    if seen is None or ahead < -_ALIVE:
        yield Finding("scheduler", "note", "none is at work", "`yamldag serve` starts one")
    else:
        yield Finding("scheduler", "ok", "at work")
