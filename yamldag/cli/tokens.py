"""Tokens by which programs ask the API. One is shown once, when it is made; the database has its hash alone.

add NAME               make one
list                   all of them, with when each was used last
revoke NAME            it opens nothing from now on, streams that are open included
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.databases import made
from yamldag.cli.identity import deed, person
from yamldag.cli.main import UsageError
from yamldag.cli.records import print_table, short
from yamldag.store.names import ROLES
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    from yamldag.store.database import Database

_DAYS = 90


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=("add", "list", "revoke"), default="list")
    parser.add_argument("name", nargs="?", metavar="NAME", help="what it is for, like `deploy`")
    parser.add_argument("--role", choices=ROLES, help="what it may do (default: viewer)")
    parser.add_argument(
        "--days", type=int, metavar="N", help=f"it works for so many days; 0: for ever (default: {_DAYS})"
    )
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    _check(args)
    with made(options.project(args)) as database:
        if args.action == "list":
            return _list(database, args.format)
        row = _add(database, args) if args.action == "add" else _revoke(database, args.name)
    if args.format == "json":
        options.print_json(row)
    elif args.action == "add":
        until = f"until {short(row['expires_at'])} UTC" if row["expires_at"] else "for ever"
        sys.stderr.write(f"`{args.name}` has the role {row['role']} {until}; it is shown this once:\n")
        sys.stdout.write(f"{row['token']}\n")
    else:
        sys.stdout.write(f"`{args.name}` opens nothing any more\n")
    return 0


def _check(args: argparse.Namespace) -> None:
    wanted = [] if args.action == "list" else ["NAME"]
    if (args.name is not None) != bool(wanted):
        raise UsageError(
            f"`tokens {args.action}` wants {'NAME' if wanted else 'nothing'}, found {args.name or 'nothing'}"
        )
    if args.action != "add" and (args.role, args.days) != (None, None):
        raise UsageError("`--role` and `--days` go with `tokens add`")
    if args.days is not None and not 0 <= args.days <= 36_500:
        raise UsageError(f"`--days` wants a number from 0 to 36500, found {args.days}")


def _list(database: Database, form: str) -> int:
    from yamldag.store import tokens
    from yamldag.web.auth.shown import token_row

    rows = [token_row(token, time.time()) for token in tokens.tokens(database)]
    if form == "json":
        options.print_json(rows)
    elif rows:
        cells = [
            (
                row["name"],
                row["role"],
                row["state"],
                row["creator"],
                short(row["expires_at"]),
                short(row["used_at"]),
            )
            for row in rows
        ]
        print_table(("TOKEN", "ROLE", "STATE", "MADE BY", "EXPIRES (UTC)", "USED (UTC)"), cells)
    else:
        sys.stderr.write("there are no tokens; `yamldag tokens add NAME` makes one\n")
    return 0


def _add(database: Database, args: argparse.Namespace) -> dict[str, Any]:
    from yamldag.store import audit, tokens
    from yamldag.web.auth.secrets import digest, new_token
    from yamldag.web.auth.shown import NAME, token_row

    if not NAME.fullmatch(args.name):
        raise UsageError(f"`{args.name}` can't be a token's name: letters, digits, `_`, `.`, `@` and `-`")
    now, secret = time.time(), new_token()
    days = _DAYS if args.days is None else args.days
    expires = now + days * 86_400 if days else None
    token = tokens.Token(args.name, args.role or "viewer", now, person(), expires, None, None)

    def work() -> bool:
        if not tokens.add(database, token, digest(secret)):
            return False
        audit.record(database, deed("token.add", args.name, role=token.role, days=days), "done", now)
        return True

    if not database.write(work):
        raise UsageError(f"there is a token `{args.name}` already, or was: each name is used once")
    return token_row(token, now) | {"token": secret}


def _revoke(database: Database, name: str) -> dict[str, Any]:
    from yamldag.store import audit, tokens
    from yamldag.web.auth.shown import token_row

    now = time.time()

    def work() -> None:
        done = tokens.revoke(database, name, now)
        audit.record(database, deed("token.revoke", name), "done" if done else "unchanged", now)

    known = {token.name for token in tokens.tokens(database)}
    if name not in known:
        near = nearest(name, known)
        hint = f"; did you mean `{near}`?" if near else "; `yamldag tokens list` names them"
        raise UsageError(f"there is no token `{name}`{hint}")
    database.write(work)
    return next(token_row(token, now) for token in tokens.tokens(database) if token.name == name)
