"""Who may log in to the pages. A viewer sees everything, an operator acts on pipelines and runs, an admin does all.

add NAME --role ROLE   make an account; the password is asked for, or is the first line of standard input
list                   all of them
set-role NAME ROLE     from the next request on
passwd NAME            a new password, which ends that user's sessions
disable NAME           end their sessions, and let them log in no more
enable NAME            let them log in again
delete NAME            as if they had never been; the audit log keeps the name
"""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.databases import made
from yamldag.cli.identity import deed
from yamldag.cli.main import UsageError
from yamldag.cli.records import print_table, short
from yamldag.store.names import ROLES
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    from yamldag.store.database import Database
    from yamldag.store.users import User


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=("add", "list", "set-role", "passwd", "disable", "enable", "delete"),
        default="list",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="of a user")
    parser.add_argument("new_role", nargs="?", metavar="ROLE", help="for set-role: viewer, operator or admin")
    parser.add_argument(
        "--role", choices=ROLES, help="for add (default: admin for the first user, viewer for others)"
    )
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    _check(args)
    with made(options.project(args)) as database:
        if args.action == "list":
            return _list(database, args.format)
        row = _ACTIONS[args.action](database, args)
    if args.format == "json":
        options.print_json(row)
    else:
        sys.stdout.write(f"`{args.name}` {_WORDS[args.action].format(role=row['role'])}\n")
    return 0


_WORDS = {
    "add": "may log in as {role}",
    "set-role": "is {role} from now on",
    "passwd": "has a new password, and is logged in nowhere",
    "disable": "is logged in nowhere, and may log in no more",
    "enable": "may log in again",
    "delete": "is gone",
}


def _check(args: argparse.Namespace) -> None:
    wanted = {"list": [], "set-role": ["NAME", "ROLE"]}.get(args.action, ["NAME"])
    given = [value for value in (args.name, args.new_role) if value is not None]
    if len(given) != len(wanted):
        raise UsageError(
            f"`users {args.action}` wants {' '.join(wanted) or 'nothing'}, found {' '.join(given) or 'nothing'}"
        )
    if args.role is not None and args.action != "add":
        raise UsageError("`--role` goes with `users add`; `users set-role NAME ROLE` changes it")
    if args.new_role is not None and args.new_role not in ROLES:
        near = nearest(args.new_role, ROLES)
        hint = f"; did you mean `{near}`?" if near else ""
        raise UsageError(f"there is no role `{args.new_role}`, but {', '.join(ROLES)}{hint}")


def _list(database: Database, form: str) -> int:
    from yamldag.store import users
    from yamldag.web.auth.shown import user_row

    rows = [user_row(user) for user in users.users(database)]
    if form == "json":
        options.print_json(rows)
    elif rows:
        cells = [(row["name"], row["role"], row["state"], short(row["created_at"])) for row in rows]
        print_table(("USER", "ROLE", "STATE", "CREATED (UTC)"), cells)
    else:
        sys.stderr.write(
            "nobody has an account: whoever is at this machine may do everything; "
            "`yamldag users add NAME` makes the first one\n"
        )
    return 0


# Actions


def _add(database: Database, args: argparse.Namespace) -> dict[str, Any]:
    from yamldag.store import users
    from yamldag.web.auth.shown import NAME

    if not NAME.fullmatch(args.name) or args.name == "local":
        raise UsageError(
            f"`{args.name}` can't be a user's name: letters, digits, `_`, `.`, `@` and `-`, not `local`"
        )
    if users.user(database, args.name) is not None:
        raise UsageError(f"there is a user `{args.name}` already")
    role = args.role or ("viewer" if users.are_there(database) else "admin")
    hashed, now = _new_password(), time.time()

    def work() -> bool:
        return users.add(database, args.name, role, hashed, now)

    return _done(database, args.name, "user.add", work, role=role)


def _set_role(database: Database, args: argparse.Namespace) -> dict[str, Any]:
    from yamldag.store import users

    _known(database, args.name)
    return _done(
        database,
        args.name,
        "user.set-role",
        lambda: users.set_role(database, args.name, args.new_role),
        role=args.new_role,
    )


def _passwd(database: Database, args: argparse.Namespace) -> dict[str, Any]:
    from yamldag.store import users

    _known(database, args.name)
    hashed = _new_password()
    return _done(database, args.name, "user.passwd", lambda: users.set_password(database, args.name, hashed))


def _disable(database: Database, args: argparse.Namespace) -> dict[str, Any]:
    from yamldag.store import users

    _known(database, args.name)
    now = time.time()
    return _done(database, args.name, "user.disable", lambda: users.disable(database, args.name, now))


def _enable(database: Database, args: argparse.Namespace) -> dict[str, Any]:
    from yamldag.store import users

    _known(database, args.name)
    return _done(database, args.name, "user.enable", lambda: users.enable(database, args.name))


def _delete(database: Database, args: argparse.Namespace) -> dict[str, Any]:
    from yamldag.store import users
    from yamldag.web.auth.shown import user_row

    was = _known(database, args.name)
    _done(database, args.name, "user.delete", lambda: users.delete(database, args.name))
    return user_row(was) | {"state": "deleted"}


_ACTIONS: dict[str, Callable[[Database, argparse.Namespace], dict[str, Any]]] = {
    "add": _add,
    "set-role": _set_role,
    "passwd": _passwd,
    "disable": _disable,
    "enable": _enable,
    "delete": _delete,
}


def _done(
    database: Database, name: str, action: str, work: Callable[[], bool], **detail: str
) -> dict[str, Any]:
    """Do it and record it, in one transaction."""
    from yamldag.store import audit, users
    from yamldag.web.auth.shown import user_row

    now = time.time()

    def both() -> None:
        changed = work()
        audit.record(database, deed(action, name, **detail), "done" if changed else "unchanged", now)

    database.write(both)
    found = users.user(database, name)
    return user_row(found) if found else {"name": name, "role": None, "state": "deleted"}


def _known(database: Database, name: str) -> User:
    from yamldag.store import users

    found = users.user(database, name)
    if found is None:
        near = nearest(name, [user.name for user in users.users(database)])
        hint = f"; did you mean `{near}`?" if near else "; `yamldag users list` names them"
        raise UsageError(f"there is no user `{name}`{hint}")
    return found


def _new_password() -> str:
    """The hash of a new one, asked for twice at a terminal."""
    from yamldag.web.auth import passwords

    if sys.stdin is not None and sys.stdin.isatty():
        given = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != given:
            raise UsageError("these were two different passwords")
    else:
        given = (sys.stdin.readline() if sys.stdin else "").rstrip("\r\n")
    if wrong := passwords.complaint(given):
        raise UsageError(wrong)
    return passwords.hash_password(given)
