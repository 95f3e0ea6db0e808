"""Webhooks by which other systems ask for runs. Each is of one pipeline and has a secret, which is shown once; messages
are signed by it as Standard Webhooks are (`webhook-id`, `webhook-timestamp`, `webhook-signature`).

add NAME --pipeline P  make one; `--param NAME` gives that param the whole body, `--map NAME=PLACE` what is at a place
list                   all of them, with when each was used last
revoke NAME            no message of it is taken from now on
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from yamldag.cli import acting, options
from yamldag.cli.databases import made
from yamldag.cli.identity import deed, person
from yamldag.cli.main import UsageError
from yamldag.cli.records import print_table, short

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.store.database import Database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=("add", "list", "revoke"), default="list")
    parser.add_argument("name", nargs="?", metavar="NAME", help="what it is called in its address")
    parser.add_argument("--pipeline", metavar="P", help="whose runs it asks for")
    parser.add_argument("--param", metavar="NAME", help="the param that gets the whole body of a message")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="NAME=PLACE",
        help="a param, and where in the body its value is, like `number=issue.number`; may be given again",
    )
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    _check(args)
    project = options.project(args)
    wanted = _wanted(args, project) if args.action == "add" else None
    with made(project) as database:
        if args.action == "list":
            return _list(database, args.format)
        from yamldag.web import hooking

        now = time.time()
        row = (
            hooking.add(database, deed, wanted, now)
            if wanted is not None
            else hooking.revoke(database, deed, args.name, now)
        )
    if args.format == "json":
        options.print_json(row)
    elif args.action == "add":
        sys.stderr.write(f"messages go to {row['path']}; its secret is shown this once:\n")
        sys.stdout.write(f"{row['secret']}\n")
    else:
        sys.stdout.write(f"no message of `{args.name}` is taken any more\n")
    return 0


def _check(args: argparse.Namespace) -> None:
    if (args.name is None) != (args.action == "list"):
        found = args.name or "nothing"
        raise UsageError(
            f"`webhooks {args.action}` wants {'nothing' if args.action == 'list' else 'NAME'}, found {found}"
        )
    if args.action != "add" and (args.pipeline, args.param, args.map) != (None, None, []):
        raise UsageError("`--pipeline`, `--param` and `--map` go with `webhooks add`")
    if args.action == "add" and args.pipeline is None:
        raise UsageError("`--pipeline` is wanted: whose runs does it ask for?")


def _wanted(args: argparse.Namespace, project: Project) -> Any:
    """What is to be made, of a pipeline and of params that are there."""
    from yamldag.cli.run import given
    from yamldag.syntax.nearest import nearest
    from yamldag.web.hooking import Wanted

    plan = acting.known_plan(project, args.pipeline)
    mapping = given(args.map, "--map", "NAME=PLACE") or None
    known = [param.name for param in plan.params]
    for name in (*(mapping or {}), *([args.param] if args.param else [])):
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean `{near}`?" if near else ""
            raise UsageError(f"`{plan.pipeline}` has no param `{name}`{hint}")
    return Wanted(args.name, plan.pipeline, person(), args.param, mapping)


def _list(database: Database, form: str) -> int:
    from yamldag.store import webhooks
    from yamldag.web.auth.shown import webhook_row

    rows = [webhook_row(hook) for hook in webhooks.webhooks(database)]
    if form == "json":
        options.print_json(rows)
    elif rows:
        cells = [
            (row["name"], row["pipeline"], row["state"], _takes(row), row["creator"], short(row["used_at"]))
            for row in rows
        ]
        print_table(("WEBHOOK", "PIPELINE", "STATE", "PARAMS", "MADE BY", "USED (UTC)"), cells)
    else:
        sys.stderr.write("there are no webhooks; `yamldag webhooks add NAME --pipeline P` makes one\n")
    return 0


def _takes(row: dict[str, Any]) -> str:
    if row["param"]:
        return f"{row['param']}: the body"
    return ", ".join(f"{name}={place}" for name, place in (row["mapping"] or {}).items())
