"""Look after the project's database.

upgrade   bring it to this version's tables (commands that write do it by themselves)
check     its revision, its own integrity check, and rows that point nowhere; exit code 1 if something is wrong
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from yamldag.cli import options
from yamldag.cli.main import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("upgrade", "check"))
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    url = options.project(args).database
    found = _upgrade(url) if args.action == "upgrade" else _check(url)
    if args.format == "json":
        options.print_json(found)
    else:
        sys.stdout.writelines(f"{name}: {value}\n" for name, value in found.items())
    return 0 if found["ok"] else 1


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
    from yamldag.store.database import CannotOpen, open_database, revision
    from yamldag.store.drivers.urls import sqlite_path
    from yamldag.store.names import REVISION

    path = sqlite_path(url)
    if path is not None and not os.path.exists(path):
        raise UsageError("there is no database yet: the first `yamldag run` or `yamldag serve` makes it")
    try:
        database = open_database(url)
    except CannotOpen as closed:
        raise UsageError(str(closed)) from None
    try:
        at = revision(database)
        damage, orphans, shown = database.damage(), database.orphans(), database.shown()
    finally:
        database.close()
    fine = at == REVISION and not damage and not orphans
    return {
        "ok": fine,
        "database": shown,
        "revision": at,
        "damage": damage,
        "rows that point nowhere": orphans,
    }
