"""Look after the project's database.

upgrade   bring it to this version's tables (commands that write do it by themselves)
check     its revision, its own integrity check, and rows that point nowhere; exit code 1 if something is wrong
prune     delete runs that ended long ago, with their tasks, outputs, events, logs and folders, and environments of
          `requirements` that no task has used for as long

Pruning leaves what is under way, what others still need (updates of assets that wait to be used), and the newest run
of each pipeline and type. It works in small portions beside a scheduler.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.main import UsageError

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.store.database import Database

_PATIENCE = 30.0
"""Seconds for which pruning waits for others, who go first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("upgrade", "check", "prune"))
    parser.add_argument(
        "--older-than", metavar="AGE", help="prune: runs that ended so long ago, such as `90d`"
    )
    parser.add_argument(
        "--keep",
        type=int,
        default=1,
        metavar="N",
        help="prune: leave the newest N runs of each pipeline and type, whatever their age (default: %(default)s)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="prune: say what would be deleted, and delete nothing"
    )
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    project = options.project(args)
    if args.action == "prune":
        found = _prune(project, _age(args.older_than), args.keep, dry=args.dry_run)
    else:
        found = _upgrade(project.database) if args.action == "upgrade" else _check(project.database)
    if args.format == "json":
        options.print_json(found)
    else:
        sys.stdout.writelines(f"{name}: {value}\n" for name, value in found.items())
    return 0 if found["ok"] else 1


def _age(text: str | None) -> float:
    from yamldag.syntax.duration import seconds

    if text is None:
        raise UsageError("`prune` needs an age: `--older-than 90d`")
    age = seconds(text)
    if age is None:
        raise UsageError(f"`--older-than` must be a time like `90d` or `12h`, found `{text}`")
    return age


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    from yamldag.store.database import Away, CannotOpen, open_database
    from yamldag.store.drivers.urls import sqlite_path

    path = sqlite_path(url)
    if path is not None and not os.path.exists(path):
        raise UsageError("there is no database yet: the first `yamldag run` or `yamldag serve` makes it")
    try:
        database = open_database(url)
    except CannotOpen as closed:
        raise UsageError(str(closed)) from None
    try:
        yield database
    except Away as away:
        raise UsageError(f"the database `{database.shown()}` is away: {away}") from None
    finally:
        database.close()


def _prune(project: Project, age: float, keep: int, *, dry: bool) -> dict[str, Any]:
    from yamldag.executors import environment
    from yamldag.store import pruning
    from yamldag.store.database import Patience

    if keep < 0:
        raise UsageError(f"`--keep` must be 0 or more, found {keep}")
    before = time.time() - age
    with _opened(project.database) as database:
        database.wait_by(Patience(_PATIENCE))
        runs = pruning.prunable(database, before, keep)
        environments = environment.prune(os.path.join(project.state_folder, "environments"), before, dry=dry)
        if dry:
            return {"ok": True, "runs": len(runs), "environments": environments, "dry_run": True}
        gone = 0
        for portion in pruning.prune(database, runs):
            gone += len(portion)
            for run in portion:
                _delete_files(project.state_folder, run)
        return {"ok": True, "runs": gone, "environments": environments, "dry_run": False}


def _delete_files(folder: str, run: str) -> None:
    """What is left when this is killed in between is in nobody's way."""
    import shutil

    for kind in ("runs", "logs"):
        shutil.rmtree(os.path.join(folder, kind, run), ignore_errors=True)


def _upgrade(url: str) -> dict[str, Any]:
    from yamldag.store.database import CannotOpen, open_database, revision

    try:
        database = open_database(url)
    except CannotOpen as closed:
        raise UsageError(str(closed)) from None
    try:
        return {"ok": True, "database": database.shown(), "revision": revision(database)}
    finally:
        database.close()


def _check(url: str) -> dict[str, Any]:
    from yamldag.store.database import revision
    from yamldag.store.names import REVISION

    with _opened(url) as database:
        at = revision(database)
        damage, orphans, shown = database.damage(), database.orphans(), database.shown()
    fine = at == REVISION and not damage and not orphans
    return {
        "ok": fine,
        "database": shown,
        "revision": at,
        "damage": damage,
        "rows that point nowhere": orphans,
    }
