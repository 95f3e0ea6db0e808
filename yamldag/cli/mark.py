"""Give a task of a run a state by hand: `success`, so that what waits for it goes on, or `failed`.

An attempt that runs is stopped first. Of what is below, only that which did not come to run is decided anew; what has
run stays. A task that was marked has no output.
"""

from __future__ import annotations

import argparse

from yamldag.cli import acting, options
from yamldag.cli.clear import add_common, carry_out, units_named
from yamldag.engine.memory.reasons import MARKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    parser.add_argument("task", metavar="TASK", help="a task, a group, or an instance such as `load[0]`")
    parser.add_argument("state", choices=MARKS, help="the state that it gets")
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    with acting.acting(options.project(args)) as database:
        from yamldag.engine.outside import look
        from yamldag.engine.step.choice import Wish

        found = look(database, acting.run_named(database, args.run))
        wish = Wish(tuple(units_named(found, None, args.task)), mark=args.state)
        return carry_out(args, database, found, wish, None)
