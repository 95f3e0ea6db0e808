"""The tasks of a run, in the order of the plan, one line per instance."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from yamldag.cli import options
from yamldag.cli.records import print_table, short
from yamldag.cli.source import add_source, source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    with source(args) as asked:
        found = asked.run(args.run)
        name, version = found["run_id"], found["version"]
        rows = asked.tasks(name)
    if args.format == "json":
        options.print_json({"run_id": name, "state": found["state"], "version": version, "tasks": rows})
        return 0
    of = f"{found['pipeline']}, version {version}" if version else found["pipeline"]
    sys.stdout.write(f"run {name} of {of}: {found['state']}\n\n")
    items = any(row.get("item") for row in rows)
    heads = ("TASK", *(("ITEM",) if items else ()), "STATE", "ATTEMPTS", *_TIMES, "REASON")
    print_table(heads, [_cells(row, items) for row in rows])
    return 0


_TIMES = ("STARTED (UTC)", "ENDED (UTC)")


def _cells(row: dict[str, Any], items: bool) -> list[object]:
    """A line of the table; with a column for what a mapped task's instances are for, if there are any."""
    named = row["id"] if row["map_index"] is None else f"{row['id']}[{row['map_index']}]"
    times = (short(row["started_at"]), short(row["ended_at"]))
    item = [row.get("item")] if items else []
    return [named, *item, row["state"], row["attempts"], *times, row["reason"]]
