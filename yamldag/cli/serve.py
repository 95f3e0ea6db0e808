"""Run the project: schedule its pipelines, run their tasks on this machine, and show it all on a web page.

Files that change are read again; one that is broken goes on with its last good version. Ctrl-C (or TERM) starts
nothing more and gives running tasks ten seconds; what goes on is found again by the next start. A second Ctrl-C
stops what runs.

On this machine alone it asks nobody who they are, as long as nobody has an account. Elsewhere it wants one.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import time
from typing import TYPE_CHECKING

from yamldag.cli import options, scheduling
from yamldag.cli.databases import made
from yamldag.cli.main import UsageError
from yamldag.web.address import LOOPBACK, address_of, hostport

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.engine.service import Service
    from yamldag.web.address import Address
    from yamldag.web.auth.oidc import Provider


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--url",
        metavar="URL",
        help="how browsers reach it, if a proxy stands before it, like https://flows.example.org",
    )
    scheduling.add_slots(parser)
    scheduling.add_log_format(parser)
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    _check(args)
    with scheduling.place(args) as (project, lock, executor):
        _refuse_strangers(project, args)
        provider = _provider()
        listener = _listen(args.host, args.port)
        port = listener.getsockname()[1]
        address = args.url or f"http://{hostport(args.host, port, 'http')}"
        if lock is not None:
            lock.say(f"process {os.getpid()} at {address}")
        try:
            with scheduling.service(project, executor, "serve", args.slots, address) as service:
                place = address_of(args.host, port, args.url)
                return _run(service, listener, address, place, provider)
        finally:
            listener.close()


def _check(args: argparse.Namespace) -> None:
    if args.url is not None and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", args.url):
        raise UsageError(f"`--url` wants an address like `https://flows.example.org`, found `{args.url}`")
    if not 0 <= args.port <= 65535:
        raise UsageError(f"`--port` must be from 0 to 65535, found {args.port}")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        why = (problem.strerror or "unknown reason").lower()
        raise UsageError(f"port {port} of {host} can't be used: {why}; `--port 0` takes a free one") from None
    return listener


def _refuse_strangers(project: Project, args: argparse.Namespace) -> None:
    """Where others may ask, they must be told apart from those who may."""
    from yamldag.store import tokens, users

    if args.host in LOOPBACK and args.url is None:
        return
    now = time.time()
    with made(project) as database:
        if users.are_there(database) or any(each.works(now) for each in tokens.tokens(database)):
            return
    raise UsageError(
        f"others may reach {args.url or args.host}, and nobody has an account yet: whoever came could do everything. "
        "`yamldag users add NAME --role admin` makes an account, `yamldag tokens add NAME` a token for a program; "
        f"on {' or '.join(LOOPBACK)} alone, and without `--url`, it needs neither"
    )


def _provider() -> Provider | None:
    """Where people log in, if that is elsewhere."""
    from yamldag.web.auth.oidc import BadProvider, provider_of

    try:
        return provider_of(os.environ, scheduling.say)
    except BadProvider as bad:
        raise UsageError(str(bad)) from None


def _run(
    service: Service, listener: socket.socket, address: str, place: Address, provider: Provider | None
) -> int:
    from yamldag.web.server import serving

    database, folder = service.engine.database.url, service.folder
    tell = scheduling.tell if scheduling.is_for_programs() else None
    with serving(listener, service.board, database, folder, place, provider, tell):
        return scheduling.work(service, f"yamldag serves {{pipelines}} at {address} (Ctrl-C stops)")
