"""Pause a pipeline: its schedule, its assets and the runs that these have queued wait. Runs that have begun go on,
and what is asked for by hand runs: `trigger`, `backfill`, `run`.
"""

from __future__ import annotations

import argparse
import sys

from yamldag.cli import options
from yamldag.cli.source import add_source, source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE", help="its id")
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    return set_paused(args, paused=True)


def set_paused(args: argparse.Namespace, *, paused: bool) -> int:
    """Both commands."""
    with source(args) as asked:
        name, changed = asked.set_paused(args.pipeline, paused=paused)
    if args.format == "json":
        options.print_json({"pipeline": name, "paused": paused})
    else:
        words = "is paused" if paused else "is not paused"
        sys.stdout.write(f"`{name}` {words}{'' if changed else ': it was so already'}\n")
    return 0
