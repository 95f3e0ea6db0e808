"""The pools: how many slots each has, and how many are used.

list              all of them, with the slots in use and how many tasks wait
set NAME SLOTS    declare a pool, or change its slots, at once; it wins over the project file until it is deleted
delete NAME       take away what `set` has declared; a pool of the project file has its slots of there again
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.records import print_table
from yamldag.cli.source import add_source, source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=("list", "set", "delete"), default="list")
    parser.add_argument("name", nargs="?", metavar="NAME", help="of a pool")
    parser.add_argument("slots", nargs="?", metavar="SLOTS", help="how many it is to have; 0 closes it")
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    _check(args)
    with source(args) as asked:
        if args.action == "list":
            return _list(asked.pools(), args.format)
        row = (
            asked.set_pool(args.name, _slots(args.slots))
            if args.action == "set"
            else asked.delete_pool(args.name)
        )
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
    given = [options.legible(value, "pools") for value in (args.name, args.slots) if value is not None]
    wanted = {"list": "nothing", "set": "NAME SLOTS", "delete": "NAME"}[args.action]
    if len(given) != {"list": 0, "set": 2, "delete": 1}[args.action]:
        raise UsageError(f"`pools {args.action}` wants {wanted}, found {' '.join(given) or 'nothing'}")


def _slots(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) >= 2**31:
        raise UsageError(f"SLOTS wants a whole number from 0 on, found `{text}`")
    return int(text)


def _list(rows: list[dict[str, Any]], form: str) -> int:
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
