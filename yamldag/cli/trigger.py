"""Ask for a run of a pipeline: a scheduler starts it as soon as `max_active_runs` leaves room, paused or not.

With no scheduler at work the run waits for one; `yamldag run` runs without.
"""

from __future__ import annotations

import argparse
import sys

from yamldag.cli import options
from yamldag.cli.run import given
from yamldag.cli.source import add_source, source
from yamldag.cli.waiting import wait


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE", help="its id, or its file")
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="may be given again"
    )
    parser.add_argument("--date", metavar="D", help="the logical date (default: now)")
    parser.add_argument("--wait", action="store_true", help="wait for the run to end; exit 1 if it fails")
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    with source(args) as asked:
        row = asked.trigger(args.pipeline, given(args.param), args.date)
        name = row["run_id"]
        if args.wait:
            sys.stderr.write(f"run {name} is queued; Ctrl-C ends the waiting, not the run\n")
            sys.stderr.flush()
            return wait(asked, name, args.format)
    if args.format == "json":
        options.print_json(row)
    else:
        sys.stdout.write(f"{name} queued\n")
    return 0
