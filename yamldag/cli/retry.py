"""Run again what failed in a run, or was cut short by a cancel or a timeout, and all below it.

The same as `yamldag clear RUN --failed`.
"""

from __future__ import annotations

import argparse

from yamldag.cli.clear import add_common, add_latest, carry_out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    add_latest(parser)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    return carry_out(args, {"failed": True, "latest": args.latest})
