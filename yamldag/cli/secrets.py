"""The secrets that the project declares, and where their values come from here. Values are never shown.

list              all of them; exit code 1 if one has no value here
"""

from __future__ import annotations

import argparse
import sys

from yamldag.cli import options
from yamldag.cli.records import print_table
from yamldag.cli.source import add_source, source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("list",), nargs="?", default="list", help="what to do (default: list)"
    )
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    with source(args) as asked:
        found = asked.secrets()
    if args.format == "json":
        options.print_json(found)
    elif found:
        print_table(("SECRET", "FROM", ""), [(row["name"], row["source"], row["note"]) for row in found])
    else:
        sys.stderr.write("there are no secrets; declare their names under `secrets:` in yamldag.yml\n")
    return 0 if all(row["source"] for row in found) else 1
