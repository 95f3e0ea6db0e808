"""Where a server of pages listens, and who may ask there: what `serve` and `web` share."""

from __future__ import annotations

import argparse
import os
import re
import socket
import time
from typing import TYPE_CHECKING

from yamldag.cli import scheduling
from yamldag.cli.databases import made
from yamldag.cli.main import UsageError
from yamldag.web.address import LOOPBACK, hostport

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.web.auth.oidc import Provider


def add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--url",
        metavar="URL",
        help="how browsers reach it, if a proxy stands before it, like https://flows.example.org",
    )


def check(args: argparse.Namespace) -> None:
    if args.url is not None and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", args.url):
        raise UsageError(f"`--url` wants an address like `https://flows.example.org`, found `{args.url}`")
    if not 0 <= args.port <= 65535:
        raise UsageError(f"`--port` must be from 0 to 65535, found {args.port}")


def listen(args: argparse.Namespace) -> tuple[socket.socket, str]:
    """The socket, and the address that browsers go to."""
    host, port = args.host, args.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        why = (problem.strerror or "unknown reason").lower()
        raise UsageError(f"port {port} of {host} can't be used: {why}; `--port 0` takes a free one") from None
    port = listener.getsockname()[1]
    return listener, args.url or f"http://{hostport(host, port, 'http')}"


def refuse_strangers(project: Project, args: argparse.Namespace) -> None:
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


def provider() -> Provider | None:
    """Where people log in, if that is elsewhere."""
    from yamldag.web.auth.oidc import BadProvider, provider_of

    try:
        return provider_of(os.environ, scheduling.say)
    except BadProvider as bad:
        raise UsageError(str(bad)) from None
