"""The tasks of a run, in the order of the plan, one line per instance."""

from __future__ import annotations

import argparse
import sys

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
    why = f", {found['reason']}" if found["reason"] else ""
    sys.stdout.write(f"run {name} of {of}: {found['state']}{why}\n\n")
    if not rows:
        sys.stderr.write("it has not begun, so there are no tasks yet\n")
        return 0
    cells = [
        (
            row["label"],
            row["state"],
            row["attempts"],
            short(row["started_at"]),
            short(row["ended_at"]),
            row["reason"],
        )
        for row in rows
    ]
    print_table(("TASK", "STATE", "ATTEMPTS", "STARTED (UTC)", "ENDED (UTC)", "REASON"), cells)
    return 0
