"""The secrets that the project declares, and where their values come from here. Values are never shown.

list              all of them; exit code 1 if one has no value here
set NAME          keep a value in the database, encrypted: it is asked for, or read from standard input or --file
remove NAME       the database keeps it no more
rotate            encrypt all that the database keeps by a new key
new-key           print a key, for $YAMLDAG_STORE_KEYS on several machines
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.keeping import KEPT, keys_made, typed, wanted
from yamldag.cli.records import print_table
from yamldag.cli.source import add_source, source

if TYPE_CHECKING:
    from yamldag.compile.project import Project

_ACTIONS = ("list", "set", "remove", "rotate", "new-key")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=_ACTIONS, nargs="?", default="list", help="what to do (default: list)"
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="the secret")
    parser.add_argument("--file", metavar="FILE", help="for set: the file that holds the value")
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    wanted(args, "secrets", with_name=("set", "remove"), with_file=("set",))
    if args.action == "new-key":
        return _new_key()
    if args.action == "list":
        with source(args) as asked:
            return _list(asked.secrets(), args.format)
    said = _change(options.sound_project(args), args)
    if args.format == "json":
        options.print_json(said)
    else:
        sys.stdout.write(f"{said['message']}\n")
    return 0


def _list(found: list[dict[str, Any]], form: str) -> int:
    if form == "json":
        options.print_json(found)
    elif found:
        print_table(("SECRET", "FROM", ""), [(row["name"], row["source"], row["note"]) for row in found])
    else:
        sys.stderr.write("there are no secrets; declare their names under `secrets:` in yamldag.yml\n")
    return 0 if all(row["source"] for row in found) else 1


def _change(project: Project, args: argparse.Namespace) -> dict[str, Any]:
    from yamldag.cli.databases import opened
    from yamldag.cli.identity import deed
    from yamldag.engine import keeping

    machine = keeping.Machine(os.environ, project.root)
    value = typed(args.file, f"the value of `{args.name}`") if args.action == "set" else ""
    with opened(project) as database:
        if args.action == "rotate":
            count = keeping.rotate(database, deed, machine, time.time())
            return {"message": f"{count} value{'s' if count != 1 else ''} encrypted anew", "values": count}
        if args.action == "remove":
            keeping.remove(database, deed, "secret", args.name, time.time())
            return {"message": f"the database keeps `{args.name}` no more", "name": args.name}
        if keeping.keep(database, deed, machine, ("secret", args.name, value), time.time()):
            keys_made(project)
    if args.name not in project.secrets:
        sys.stderr.write(
            f"declare `{args.name}` under `secrets:` in yamldag.yml, so that pipelines may use it\n"
        )
    return {"message": KEPT.format(name=args.name), "name": args.name}


def _new_key() -> int:
    from yamldag.cli.main import UsageError
    from yamldag.operators import strongbox
    from yamldag.operators.secrets import UnresolvedError

    try:
        sys.stdout.write(f"{strongbox.new_key()}\n")
    except UnresolvedError as problem:
        raise UsageError(str(problem)) from None
    return 0
