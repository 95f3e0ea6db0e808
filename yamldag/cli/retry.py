"""Run again what failed in a run, or was cut short by a cancel or a timeout, and all below it.

The same as `yamldag clear RUN --failed`.
"""

from __future__ import annotations

import argparse

from yamldag.cli import acting, options
from yamldag.cli.clear import add_common, add_latest, carry_out, newest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    add_latest(parser)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    project = options.project(args)
    with acting.acting(project) as database:
        from yamldag.engine.outside import look
        from yamldag.engine.step.choice import Wish

        found = look(database, acting.run_named(database, args.run))
        newer = newest(project, found) if args.latest else None
        return carry_out(args, database, found, Wish(failed=True), newer)
