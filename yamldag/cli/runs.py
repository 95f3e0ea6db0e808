"""Past and present runs, the newest first."""

from __future__ import annotations

import argparse
import sys

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.records import NOTHING_RAN, print_table, short
from yamldag.cli.source import add_source, source
from yamldag.plan.state import RunState
from yamldag.store.names import RUN_TYPES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", nargs="?", metavar="PIPELINE", help="only of this pipeline")
    parser.add_argument("--pipeline", dest="named", metavar="PIPELINE", help="the same")
    parser.add_argument("--state", choices=[*map(str, RunState)], help="only those in this state")
    parser.add_argument("--type", dest="kind", choices=RUN_TYPES, help="only those of this type")
    parser.add_argument(
        "--since", metavar="T", help="only those recorded since this moment, in UTC if it says no zone"
    )
    parser.add_argument(
        "-n", "--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)"
    )
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    if args.limit < 1:
        raise UsageError(f"`--limit` wants a number from 1 on, found {args.limit}")
    if None not in (args.pipeline, args.named) and args.pipeline != args.named:
        raise UsageError(f"two pipelines are named, `{args.pipeline}` and `{args.named}`")
    pipeline, since = args.pipeline or args.named, args.since
    with source(args) as asked:
        rows = asked.runs(pipeline, args.state, args.limit, kind=args.kind, since=since)
        wrong = asked.a_pipeline(pipeline) if not rows and pipeline is not None else None
    if wrong is not None:
        raise UsageError(wrong)
    if args.format == "json":
        options.print_json(rows)
    elif not rows:
        narrowed = args.kind is not None or since is not None
        sys.stderr.write(_nothing(pipeline, args.state, narrowed=narrowed))
    else:
        cells = [
            (
                row["run_id"],
                row["pipeline"],
                row["type"],
                row["state"],
                short(row["logical_date"]),
                short(row["started_at"]),
                row["reason"],
            )
            for row in rows
        ]
        print_table(("RUN", "PIPELINE", "TYPE", "STATE", "LOGICAL DATE", "STARTED (UTC)", "REASON"), cells)
    return 0


def _nothing(pipeline: str | None, state: str | None, *, narrowed: bool) -> str:
    if narrowed:
        return "there are no such runs\n"
    if state is not None:
        return f"there are no runs in the state {state}\n"
    what = f"`{pipeline}` has not run yet" if pipeline else NOTHING_RAN
    return f"{what}; begin with `yamldag run {pipeline or 'PIPELINE'}`\n"
