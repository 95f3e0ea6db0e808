"""The connections that the project declares, or that the environment gives. What is secret in them is never shown.

list              all of them; exit code 1 if one can't be resolved here
test ID           reach it: sign in to a database, or send a request to an address
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.records import print_table
from yamldag.cli.source import add_source, source
from yamldag.engine.asking.secrets import given, keys_of, masked
from yamldag.operators.secrets import UnresolvedError

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.operators.connections import Connection

_REFUSALS = (401, 403, 407)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("list", "test"), nargs="?", default="list", help="what to do (default: list)"
    )
    parser.add_argument("id", metavar="ID", nargs="?", help="the connection")
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    if (args.action == "test") != (args.id is not None):
        wanted = "the ID of one" if args.action == "test" else "nothing"
        raise UsageError(f"`connections {args.action}` wants {wanted}, found {args.id or 'nothing'}")
    if args.id is None:
        with source(args) as asked:
            return _list(asked.connections(), args.format)
    if args.server:
        raise UsageError("`connections test` reaches a connection from this machine: it wants no `--server`")
    return _test(options.sound_project(args), args.id, args.format)


def _list(found: list[dict[str, Any]], form: str) -> int:
    if form == "json":
        options.print_json(found)
    elif found:
        cells = [(row["id"], row["type"], row["address"], row["source"], row["note"]) for row in found]
        print_table(("CONNECTION", "TYPE", "ADDRESS", "FROM", ""), cells)
    else:
        sys.stderr.write(
            "there are no connections; declare them under `connections:` in yamldag.yml, such as "
            "`warehouse: postgresql://db.example.org/sales`\n"
        )
    return 1 if any(row["note"] for row in found) else 0


def _test(project: Project, name: str, form: str) -> int:
    from yamldag.syntax.nearest import nearest

    keys = keys_of(project)
    known = [*project.connections, *given(project)]
    if name not in known and not project.knows_connection(name):
        near = nearest(name, known)
        raise UsageError(f"there is no connection `{name}`" + (f"; did you mean `{near}`?" if near else ""))
    try:
        fine, words = _reached(keys.connection(name), keys.root)
    except UnresolvedError as error:
        fine, words = False, str(error)
    words = masked(words, keys)
    if form == "json":
        options.print_json({"id": name, "ok": fine, "message": words})
    else:
        sys.stdout.write(f"{name}: {words}\n")
    return 0 if fine else 1


def _reached(found: Connection, root: str) -> tuple[bool, str]:
    """Whether it can be used, and words on it."""
    from yamldag.operators.connections import database_url, web_address, web_headers

    if found.get("type") in ("http", "https"):
        return _answer(web_address(found, ""), web_headers(found))
    from yamldag.executors.query import reach

    return reach(database_url(found, root))


def _answer(url: str, headers: dict[str, str]) -> tuple[bool, str]:
    from yamldag.executors.request import reach

    status, words = reach(url, headers)
    if status in _REFUSALS:
        return False, f"{words}: it does not let us in"
    return status is not None, words
