"""The pools: how many slots each has, and how many are used.

list              all of them, with the slots in use and how many tasks wait
set NAME SLOTS    declare a pool, or change its slots, at once; it wins over the project file until it is deleted
delete NAME       take away what `set` has declared; a pool of the project file has its slots of there again
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.records import exists, print_table
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.store.database import Database
    from yamldag.store.pools import PoolRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=("list", "set", "delete"), default="list")
    parser.add_argument("name", nargs="?", metavar="NAME", help="of a pool")
    parser.add_argument("slots", nargs="?", metavar="SLOTS", help="how many it is to have; 0 closes it")
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    _check(args)
    project = options.project(args)
    if args.action == "list":
        return _list(project, args.format)
    with _database(project) as database:
        if args.action == "set":
            row = _set(database, args.name, _slots(args.slots))
        else:
            row = _delete(database, args.name, project.pools)
    if args.format == "json":
        options.print_json(row)
    elif row["source"] is None:
        sys.stdout.write(f"the pool `{row['name']}` is gone\n")
    else:
        slots = "1 slot" if row["slots"] == 1 else f"{row['slots']} slots"
        where = "yamldag.yml says" if row["source"] == "project" else "it has"
        sys.stdout.write(f"pool `{row['name']}`: {where} {slots}\n")
    return 0


def _check(args: argparse.Namespace) -> None:
    given = [value for value in (args.name, args.slots) if value is not None]
    wanted = {"list": "nothing", "set": "NAME SLOTS", "delete": "NAME"}[args.action]
    if len(given) != {"list": 0, "set": 2, "delete": 1}[args.action]:
        raise UsageError(f"`pools {args.action}` wants {wanted}, found {' '.join(given) or 'nothing'}")


def _slots(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) >= 2**31:
        raise UsageError(f"SLOTS wants a whole number from 0 on, found `{text}`")
    return int(text)


@contextmanager
def _database(project: Project) -> Iterator[Database]:
    from yamldag.store.database import CannotOpen, open_database

    try:
        database = open_database(project.database)
    except CannotOpen as closed:
        raise UsageError(str(closed)) from None
    try:
        yield database
    finally:
        database.close()


def _list(project: Project, form: str) -> int:
    waiting: Counter[str] = Counter()
    if exists(project):
        with _database(project) as database:
            waiting = _waiting(database)
    rows = [_shown(row, waiting[row.name]) for row in _rows(project)]
    if form == "json":
        options.print_json(rows)
    elif rows:
        cells = [(row["name"], row["slots"], row["used"], row["waiting"], row["source"]) for row in rows]
        print_table(("POOL", "SLOTS", "USED", "WAITING", "FROM"), cells)
    else:
        sys.stderr.write(
            "there are no pools; declare them under `pools:` in yamldag.yml, or by `yamldag pools set NAME SLOTS`\n"
        )
    return 0


def _rows(project: Project) -> list[PoolRow]:
    """Those in the database, and those that the project's file has and nothing has used yet."""
    from yamldag.store.pools import PoolRow, pools

    found: dict[str, PoolRow] = {}
    if exists(project):
        with _database(project) as database:
            found = {row.name: row for row in pools(database)}
    for name, slots in project.pools.items():
        row = found.get(name) or PoolRow(name, slots, "project", 0)
        found[name] = row._replace(slots=slots) if row.source == "project" else row
    return [found[name] for name in sorted(found)]


def _waiting(database: Database) -> Counter[str]:
    """How many tasks are ready and wait for each pool."""
    from yamldag.store.pools import ready_tasks

    found: Counter[str] = Counter()
    pools: dict[str, dict[str, str | None]] = {}
    for plan, task, count in ready_tasks(database):
        if plan not in pools:
            pools[plan] = {each["id"]: each["pool"] for each in json.loads(plan)["tasks"]}
        if name := pools[plan].get(task):
            found[name] += count
    return found


def _shown(row: PoolRow, waiting: int) -> dict[str, Any]:
    return {**row._asdict(), "waiting": waiting}


def _set(database: Database, name: str, slots: int) -> dict[str, Any]:
    from yamldag.store import pools

    database.write(lambda: pools.put(database, name, slots, "command"))
    row = next(row for row in pools.pools(database) if row.name == name)
    return _shown(row, _waiting(database)[name])


def _delete(database: Database, name: str, declared: dict[str, int]) -> dict[str, Any]:
    from yamldag.store import pools

    known = {row.name: row for row in pools.pools(database)}
    waiting = _waiting(database)[name]
    if name in declared:
        if name not in known or known[name].source == "project":
            raise UsageError(f"the pool `{name}` is declared in yamldag.yml: take it out there")
        database.write(lambda: pools.put(database, name, declared[name], "project"))
        return {**_shown(known[name], waiting), "slots": declared[name], "source": "project"}
    if name not in known:
        near = nearest(name, [*known, *declared])
        raise UsageError(f"there is no pool `{name}`" + (f"; did you mean `{near}`?" if near else ""))
    row = known[name]
    if row.used or waiting:
        raise UsageError(f"the pool `{name}` is in use: {row.used} slots are held, {waiting} tasks wait")
    database.write(lambda: pools.drop(database, name))
    return {**_shown(row, 0), "slots": 0, "source": None}
