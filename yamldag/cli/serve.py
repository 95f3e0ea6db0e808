"""Run the project: schedule its pipelines, run their tasks on this machine, and show it all on a web page.

Files that change are read again; one that is broken goes on with its last good version. Ctrl-C (or TERM) starts
nothing more and gives running tasks ten seconds; what goes on is found again by the next start. A second Ctrl-C
stops what runs.
"""

from __future__ import annotations

import argparse
import os
import socket
from typing import TYPE_CHECKING

from yamldag.cli import options, scheduling
from yamldag.cli.main import UsageError

if TYPE_CHECKING:
    from yamldag.engine.service import Service

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    scheduling.add_slots(parser)
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    _check(args)
    with scheduling.place(args) as (project, lock, executor):
        listener = _listen(args.host, args.port)
        port = listener.getsockname()[1]
        address = f"http://{'[::1]' if ':' in args.host else args.host}:{port}"
        if lock is not None:
            lock.say(f"process {os.getpid()} at {address}")
        try:
            with scheduling.service(project, executor, "serve", args.slots, address) as service:
                return _run(service, listener, address)
        finally:
            listener.close()


def _check(args: argparse.Namespace) -> None:
    if args.host not in LOOPBACK:
        raise UsageError(
            f"`--host {args.host}` is refused: this version has no users yet, so whoever reaches the page could read "
            f"everything; it listens on this machine alone ({', '.join(LOOPBACK)})"
        )
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
        why = os.strerror(problem.errno or 0).lower()
        raise UsageError(f"port {port} of {host} can't be used: {why}; `--port 0` takes a free one") from None
    return listener


def _run(service: Service, listener: socket.socket, address: str) -> int:
    from yamldag.web.server import serving

    with serving(listener, service.board, service.engine.database.url, service.folder):
        return scheduling.work(service, f"yamldag serves {{pipelines}} at {address} (Ctrl-C stops)")
