"""Past and present runs, the newest first."""

from __future__ import annotations

import argparse

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.records import exists, print_table, records, run_row, short
from yamldag.plan.state import RunState


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", nargs="?", metavar="PIPELINE", help="only of this pipeline")
    parser.add_argument("--state", choices=[*map(str, RunState)], help="only those in this state")
    parser.add_argument(
        "-n", "--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)"
    )
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    from yamldag.store import views

    if args.limit < 1:
        raise UsageError(f"`--limit` wants a number from 1 on, found {args.limit}")
    project = options.project(args)
    rows = []
    if exists(project):
        with records(project) as db:
            rows = [run_row(row) for row in views.runs(db, args.pipeline, args.state, args.limit)]
    if args.format == "json":
        options.print_json(rows)
    else:
        cells = [
            (
                row["run_id"],
                row["pipeline"],
                row["type"],
                row["state"],
                short(row["logical_date"]),
                short(row["started_at"]),
            )
            for row in rows
        ]
        print_table(("RUN", "PIPELINE", "TYPE", "STATE", "LOGICAL DATE", "STARTED (UTC)"), cells)
    return 0
