"""Run the project: schedule its pipelines, run their tasks on this machine, and show it all on a web page.

Files that change are read again; one that is broken goes on with its last good version. Ctrl-C (or TERM) starts
nothing more and gives running tasks ten seconds; what goes on is found again by the next start. A second Ctrl-C
stops what runs.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from yamldag.cli import options
from yamldag.cli.main import UsageError

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.engine.catalogue import Catalogue
    from yamldag.engine.lock import Lock
    from yamldag.engine.service import Service
    from yamldag.executors.local import LocalExecutor

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    _check(args)
    project = options.running_project(args)
    lock = _lock(project)
    try:
        from yamldag.executors.local import LocalExecutor

        # Before the database, threads and all that is large: its runner is a fork of this process.
        executor = LocalExecutor(Path(project.state_folder) / "executor")
        try:
            return _serve(args, project, lock, executor)
        finally:
            executor.close()
    finally:
        lock.release()


def _check(args: argparse.Namespace) -> None:
    if args.host not in LOOPBACK:
        raise UsageError(
            f"`--host {args.host}` is refused: this version has no users yet, so whoever reaches the page could read "
            f"everything; it listens on this machine alone ({', '.join(LOOPBACK)})"
        )
    if not 0 <= args.port <= 65535:
        raise UsageError(f"`--port` must be from 0 to 65535, found {args.port}")


def _lock(project: Project) -> Lock:
    from yamldag.engine.lock import HeldError, Lock
    from yamldag.store.drivers.urls import sqlite_path

    path = sqlite_path(project.database) or os.path.join(project.state_folder, "server")
    try:
        return Lock(Path(f"{path}.serve"))
    except HeldError as held:
        raise UsageError(f"the database `{os.path.relpath(path)}` is already served by {held}") from None


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


def _serve(args: argparse.Namespace, project: Project, lock: Lock, executor: LocalExecutor) -> int:
    from yamldag.engine.opening import open_service
    from yamldag.store.database import Away, CannotOpen, open_database

    listener = _listen(args.host, args.port)
    port = listener.getsockname()[1]
    address = f"http://{'[::1]' if ':' in args.host else args.host}:{port}"
    lock.say(f"process {os.getpid()} at {address}")
    try:
        database = open_database(project.database)
    except CannotOpen as closed:
        listener.close()
        raise UsageError(str(closed)) from None
    try:
        return _run(open_service(project, database, executor, _say), listener, address)
    except Away as away:
        raise UsageError(f"the database `{database.shown()}` is away: {away}") from None
    finally:
        listener.close()
        database.close()


def _run(service: Service, listener: socket.socket, address: str) -> int:
    from yamldag.engine.service import signals
    from yamldag.store.database import Away
    from yamldag.store.moves import end_runner
    from yamldag.web.server import serving

    engine = service.engine
    with signals(service):
        why = ""
        try:
            with serving(listener, service.board, engine.database.url, service.folder):
                _greet(service.catalogue, address)
                service.run()
            end_runner(engine.database, engine.runner, engine.clock.now())
        except Away:  # told to stop, it waits no longer: what it did not store, the next start finds
            why = " while the database is away"
        left = len(engine.world.running)
        goes = "task goes" if left == 1 else "tasks go"
        _say(f"stopped{why}" + (f"; {left} running {goes} on" if left else ""))
    return 0


def _greet(catalogue: Catalogue, address: str) -> None:
    pipelines = catalogue.pipelines
    noun = "pipeline" if len(pipelines) == 1 else "pipelines"
    sys.stderr.write(f"yamldag serves {len(pipelines)} {noun} at {address} (Ctrl-C stops)\n")
    for broken in catalogue.broken:
        options.show_diagnostics(list(broken.found))
    for name, known in sorted(pipelines.items()):
        if known.refused:
            sys.stderr.write(f"`{name}` is shown, and not run:\n")
            options.show_diagnostics(list(known.refused))
    if not pipelines and not catalogue.broken:
        sys.stderr.write("there is no pipeline yet; `yamldag init` makes a project to begin with\n")
    sys.stderr.flush()


def _say(line: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}  {line}\n")
    sys.stderr.flush()
