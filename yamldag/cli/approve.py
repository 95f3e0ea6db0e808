"""Say yes to what an `approval` task asks, or no by `--no`.

What its form wants is given by `--value`. The first answer counts; who is later is told who was first. A yes makes the
task a success, and what was filled in its output; a no makes it skipped.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from yamldag.cli import options
from yamldag.cli.approvals import label
from yamldag.cli.run import given
from yamldag.cli.source import add_source, source
from yamldag.cli.waiting import until


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    parser.add_argument("task", metavar="TASK", help="its id; one instance of a mapped task as `load[0]`")
    parser.add_argument(
        "--value",
        action="append",
        default=[],
        metavar="K=V",
        help="a field of its form; JSON where the field is no text; may be given again",
    )
    parser.add_argument("--no", action="store_true", help="say no")
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    said = {"yes": not args.no, "value_texts": given(args.value, "--value", "FIELD=VALUE")}
    with source(args) as asked:
        row = asked.approve(args.run, args.task, said)
        goes_on = until(asked, lambda: not asked.is_asked(row["run_id"]))
    if args.format == "json":
        options.print_json(row)
    else:
        sys.stdout.write(_words(row, goes_on=goes_on))
    return 0


def _words(row: dict[str, Any], *, goes_on: bool) -> str:
    told = f"{row['outcome']}: `{label(row)}` of run {row['run_id']}"
    return f"{told}\n" if goes_on else f"{told}; it goes on as soon as a scheduler goes on with the run\n"
