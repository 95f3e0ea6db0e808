"""The connections that the project declares, or that the environment or the database gives. What is secret in them is
never shown.

list              all of them; exit code 1 if one can't be resolved here
test ID           reach it: sign in to a database or a cluster, or send a HEAD to an address
add ID            keep one in the database, encrypted: a URL or a mapping, asked for, or from standard input or --file
remove ID         the database keeps it no more
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.keeping import KEPT, keys, keys_made, typed, wanted
from yamldag.cli.main import UsageError
from yamldag.cli.records import print_table
from yamldag.cli.source import add_source, source
from yamldag.engine.asking.secrets import connection_ids, masked
from yamldag.operators.secrets import UnresolvedError

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.executors.guard.keyring import Keyring
    from yamldag.operators.connections import Connection

_REFUSALS = (401, 403, 407)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("list", "test", "add", "remove"),
        nargs="?",
        default="list",
        help="what to do (default: list)",
    )
    parser.add_argument("name", metavar="ID", nargs="?", help="the connection")
    parser.add_argument("--file", metavar="FILE", help="for add: the file that holds the URL or the mapping")
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    wanted(args, "connections", with_name=("test", "add", "remove"), with_file=("add",))
    if args.action == "list":
        with source(args) as asked:
            return _list(asked.connections(), args.format)
    project = options.sound_project(args)
    if args.action == "test":
        return _test(project, args.name, args.format)
    if args.action == "add":
        _add(project, args.name, typed(args.file, f"the connection `{args.name}`"))
    else:
        _remove(project, args.name)
    words = KEPT if args.action == "add" else "the database keeps `{name}` no more"
    if args.format == "json":
        options.print_json({"message": words.format(name=args.name), "name": args.name})
    else:
        sys.stdout.write(f"{words.format(name=args.name)}\n")
    return 0


def _add(project: Project, name: str, value: str) -> None:
    from yamldag.cli.databases import opened
    from yamldag.cli.identity import deed
    from yamldag.compile.connections import given_alone
    from yamldag.engine import keeping

    found, faults = given_alone(name, value, project.secrets)
    if faults:
        raise UsageError("; ".join(faults))
    with opened(project) as database:
        machine = keeping.Machine(os.environ, project.root)
        if keeping.keep(database, deed, machine, ("connection", name, found), time.time()):
            keys_made(project)
    if name not in project.connections:
        sys.stderr.write(
            f"declare it, so that pipelines may use it: `{name}:` under `connections:` in yamldag.yml\n"
        )


def _remove(project: Project, name: str) -> None:
    from yamldag.cli.databases import opened
    from yamldag.cli.identity import deed
    from yamldag.engine import keeping

    with opened(project) as database:
        keeping.remove(database, deed, "connection", name, time.time())


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

    found = keys(project)
    known = connection_ids(project, found)
    if name not in known and not project.knows_connection(name):
        near = nearest(name, known)
        raise UsageError(f"there is no connection `{name}`" + (f"; did you mean `{near}`?" if near else ""))
    fine, words = reached(found, name)
    if form == "json":
        options.print_json({"id": name, "ok": fine, "message": words})
    else:
        sys.stdout.write(f"{name}: {words}\n")
    return 0 if fine else 1


def reached(keys: Keyring, name: str) -> tuple[bool, str]:
    """Whether it can be used here, and words on it, without what is secret."""
    try:
        fine, words = _reached({**keys.connection(name), "root": keys.root}, keys.root)
    except UnresolvedError as error:
        fine, words = False, str(error)
    return fine, masked(words, keys)


def _reached(found: Connection, root: str) -> tuple[bool, str]:
    """Whether it can be used, and words on it."""
    from yamldag.operators.connections import CHATS, STORES, database_url, is_database

    if found.get("type") in ("http", "https"):
        return _answer(found)
    if found.get("type") == "ssh":
        return _signed_in(found, root)
    if found.get("type") in ("docker", "tcp", "unix"):
        return _engine(found)
    if found.get("type") == "kubernetes":
        return _cluster(found)
    if found.get("type") in ("smtp", "smtps"):
        return _mail(found)
    if found.get("type") in CHATS:
        return True, "it is not tried, for that would be a message"
    if found.get("type") in STORES:
        return _store(found)
    if not is_database(found):
        return (
            True,
            f"it is not tried: what `{found.get('type')}` leads to is known to those alone that use it",
        )
    from yamldag.executors.query import reach

    return reach(database_url(found, root))


def _signed_in(found: Connection, root: str) -> tuple[bool, str]:
    from yamldag.executors.remote.ssh import reach
    from yamldag.operators.ssh import machine

    there = machine(found, root)
    return (False, there) if isinstance(there, str) else reach(there)


def _engine(found: Connection) -> tuple[bool, str]:
    from yamldag.executors.remote.docker import reach
    from yamldag.operators.docker import engine

    there = engine(found)
    return (False, there) if isinstance(there, str) else reach(there)


def _cluster(found: Connection) -> tuple[bool, str]:
    from yamldag.executors.remote.kubernetes import reach
    from yamldag.operators.kubernetes import cluster

    there = cluster(found)
    namespace = None if found.get("namespace") is None else str(found["namespace"])
    return (False, there) if isinstance(there, str) else reach(there, namespace)


def _mail(found: Connection) -> tuple[bool, str]:
    from yamldag.executors.mail import reach
    from yamldag.operators.email import mail_server

    server = mail_server(found)
    return (False, server) if isinstance(server, str) else reach(server)


def _store(found: Connection) -> tuple[bool, str]:
    from yamldag.executors.copying.stores import sign_in
    from yamldag.operators.connections import store_url

    return sign_in({"url": store_url(found, ""), "connection": found})


def _answer(found: Connection) -> tuple[bool, str]:
    from yamldag.executors.request import reach
    from yamldag.operators.connections import web_address, web_headers, web_signing, web_tls

    status, words = reach(web_address(found, ""), web_headers(found), web_signing(found), web_tls(found))
    if status in _REFUSALS:
        return False, f"{words}: it does not let us in"
    return status is not None, words
