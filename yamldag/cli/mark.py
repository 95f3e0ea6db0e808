"""Give a task of a run a state by hand: `success`, so that what waits for it goes on, or `failed`.

An attempt that runs is stopped first. Of what is below, only that which did not come to run is decided anew; what has
run stays. A task that was marked has no output.
"""

from __future__ import annotations

import argparse

from yamldag.cli.clear import add_common, carry_out
from yamldag.engine.memory.reasons import MARKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    parser.add_argument("task", metavar="TASK", help="a task, a group, or an instance such as `load[0]`")
    parser.add_argument("state", choices=MARKS, help="the state that it gets")
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    return carry_out(args, {"tasks": [args.task], "mark": args.state})
