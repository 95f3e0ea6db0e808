"""Why a task is not running: each condition with its answer, who holds it, until when. Of one that has ended: how it
came to that."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from yamldag.cli import options
from yamldag.cli.source import add_source, source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    parser.add_argument(
        "task", metavar="TASK", help="its id; one instance of a mapped task as `load[0]`, or by its item"
    )
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    with source(args) as asked:
        row = asked.why(args.run, args.task)
    if args.format == "json":
        options.print_json(row)
    else:
        sys.stdout.write(_text(row))
    return 0


def _text(row: dict[str, Any]) -> str:
    lines = [f"`{row['label']}` of run {row['run_id']} is {row['state']}"]
    conditions, waiting, others = row["conditions"], row["waiting"], row["instances"]
    width = max((len(each["what"]) for each in conditions), default=0)
    for each in conditions:
        mark = ("yes" if each["holds"] else "no ") if waiting else "   "
        until = f" (until {each['until'][:19].replace('T', ' ')}Z)" if each["until"] and waiting else ""
        lines.append(f"  {mark}  {each['what']:{width}}  {each['detail']}{until}")
    if sum(others.values()) > 1:
        told = ", ".join(f"{number} {state}" for state, number in others.items())
        lines.append(f"its instances: {told}")
    return "\n".join(lines) + "\n"
