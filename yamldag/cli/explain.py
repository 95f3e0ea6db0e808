"""Say what a diagnostic's code means, why it is reported, and show an example. Without CODE, list them all."""

from __future__ import annotations

import argparse
import sys

from yamldag import shipped
from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.syntax.codes import CODES
from yamldag.syntax.nearest import nearest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "code", nargs="?", metavar="CODE", help="such as YD203, or its name, such as unknown-task"
    )
    options.add_format(parser, "text", "json")


def run(args: argparse.Namespace) -> int:
    if args.code is None:
        return _all(args)
    by_name = {code.name: code.code for code in CODES.values()}
    wanted = by_name.get(args.code.lower(), args.code.upper())
    if wanted not in CODES:
        near = nearest(wanted, [*CODES, *by_name])
        hint = f"; did you mean `{near}`?" if near else "; `yamldag explain` lists them"
        raise UsageError(f"there is no code `{args.code}`{hint}")
    with open(shipped.path("explain", f"{wanted}.md"), encoding="utf-8") as file:
        text = file.read()
    code = CODES[wanted]
    if args.format == "json":
        options.print_json({**code._asdict(), "text": text})
    else:
        sys.stdout.write(text)
    return 0


def _all(args: argparse.Namespace) -> int:
    if args.format == "json":
        options.print_json([code._asdict() for code in CODES.values()])
    else:
        for code in CODES.values():
            sys.stdout.write(f"{code.code}  {code.name:24}{code.severity:9}{code.summary}\n")
    return 0
