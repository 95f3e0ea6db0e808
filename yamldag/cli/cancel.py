"""Cancel a run: what runs gets TERM, and KILL ten seconds later; what has not begun is skipped; teardowns of setups
that are done still run. A queued run never begins.
"""

from __future__ import annotations

import argparse
import sys

from yamldag.cli import options
from yamldag.cli.source import add_source, source
from yamldag.cli.waiting import until
from yamldag.plan.state import RUN_FINAL


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    parser.add_argument("--kill", action="store_true", help="KILL at once, and wait for no teardown")
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    with source(args) as asked:
        name = asked.run(args.run)["run_id"]
        done = asked.cancel(name, kill=args.kill)
        if done == "asked":
            until(asked, lambda: asked.states([name])[0] in RUN_FINAL)
        [state] = asked.states([name])
        waiting = done == "asked" and asked.is_asked(name)
    if args.format == "json":
        options.print_json({"run_id": name, "state": state})
    else:
        sys.stdout.write(_words(name, done, state, waiting=waiting))
    return 1 if done == "over" and state != "cancelled" else 0


def _words(name: str, done: str, state: str, *, waiting: bool) -> str:
    if done == "over":
        return f"run {name} is over already: {state}\n"
    if waiting:
        return f"run {name} is to be cancelled: that happens as soon as a scheduler goes on with it\n"
    if state in RUN_FINAL:
        return f"run {name} is {state}\n"
    return f"run {name} is being cancelled: its tasks are ending\n"
