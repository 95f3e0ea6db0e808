"""The secrets that the project declares, and where their values come from here. Values are never shown.

list              all of them; exit code 1 if one has no value here
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.records import print_table
from yamldag.operators.secrets import TOO_SHORT, UnresolvedError, find

if TYPE_CHECKING:
    from yamldag.compile.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("list",), nargs="?", default="list", help="what to do (default: list)"
    )
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    found = rows(options.sound_project(args))
    if args.format == "json":
        options.print_json(found)
    elif found:
        print_table(("SECRET", "FROM", ""), [(row["name"], row["source"], row["note"]) for row in found])
    else:
        sys.stderr.write("there are no secrets; declare their names under `secrets:` in yamldag.yml\n")
    return 0 if all(row["source"] for row in found) else 1


def rows(project: Project) -> list[dict[str, Any]]:
    """`{name, source, note}`: the source is null where there is no value, and the note says why."""
    declared = project.secret_values
    return [_row(name, declared) for name in declared]


def _row(name: str, declared: dict[str, str | None]) -> dict[str, Any]:
    try:
        value = find(name, os.environ, declared)
    except UnresolvedError as error:
        return {"name": name, "source": None, "note": str(error)}
    short = len(value.text) < TOO_SHORT
    note = f"it has fewer than {TOO_SHORT} characters, so that it is not masked" if short else None
    return {"name": name, "source": value.origin, "note": note}
