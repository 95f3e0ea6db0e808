"""Pause a pipeline: its schedule, its assets and the runs that these have queued wait. Runs that have begun go on,
and what is asked for by hand runs: `trigger`, `backfill`, `run`.
"""

from __future__ import annotations

import argparse
import sys
import time

from yamldag.cli import acting, options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE", help="its id")
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    return set_paused(args, paused=True)


def set_paused(args: argparse.Namespace, *, paused: bool) -> int:
    """Both commands."""
    from yamldag.engine import outside

    project = options.project(args)
    plan = acting.known_plan(project, args.pipeline)
    version = acting.version_of(plan)
    with acting.acting(project, new=True) as database:
        changed = outside.set_paused(database, version, plan.catchup, time.time(), paused=paused)
    if args.format == "json":
        options.print_json({"pipeline": plan.pipeline, "paused": paused})
    else:
        words = "is paused" if paused else "is not paused"
        sys.stdout.write(f"`{plan.pipeline}` {words}{'' if changed else ': it was so already'}\n")
    return 0
