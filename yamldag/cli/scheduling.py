"""What `serve` and `scheduler` share: the place, the service, and how it ends."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.compile.project import SLOTS

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.engine.schedule.catalogue import Catalogue
    from yamldag.engine.service import Service
    from yamldag.engine.takeover.lock import Lock
    from yamldag.executors.local.executor import LocalExecutor


def add_slots(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--slots",
        type=int,
        metavar="N",
        help=f"tasks to run at once (default: `slots` of yamldag.yml, or {SLOTS})",
    )


def add_log_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="how to say what happens, on stderr (default: %(default)s)",
    )


@contextmanager
def place(args: argparse.Namespace) -> Iterator[tuple[Project, Lock | None, LocalExecutor]]:
    """The project and an executor for it. On SQLite a lock is held: there one process schedules at a time."""
    if args.slots is not None and not 1 <= args.slots <= 10_000:
        raise UsageError(f"`--slots` must be from 1 to 10000, found {args.slots}")
    log_as(args.log_format)
    project = options.running_project(args)
    lock = _lock(project)
    try:
        # Before the database, threads and all that is large: its runner is a fork of this process.
        executor = _executor(Path(project.state_folder) / "executor")
        try:
            yield project, lock, executor
        finally:
            executor.close()
    finally:
        if lock is not None:
            lock.release()


def _lock(project: Project) -> Lock | None:
    from yamldag.engine.takeover.lock import HeldError, Lock
    from yamldag.store.drivers.urls import sqlite_path

    path = sqlite_path(project.database)
    if path is None:
        return None
    try:
        return Lock(Path(f"{path}.serve"))
    except OSError as problem:
        why = (problem.strerror or "unknown reason").lower()
        raise UsageError(f"`{problem.filename}` can't be written: {why}") from None
    except HeldError as held:
        raise UsageError(f"the database `{os.path.relpath(path)}` is already served by {held}") from None


def _executor(folder: Path) -> LocalExecutor:
    from yamldag.executors.local.executor import LocalExecutor

    try:
        return LocalExecutor(folder)
    except OSError as problem:
        why = (problem.strerror or "unknown reason").lower()
        raise UsageError(f"the folder `{folder}` can't be used: {why}") from None


@contextmanager
def service(
    project: Project, executor: LocalExecutor, kind: str, slots: int | None, address: str | None = None
) -> Iterator[Service]:
    """A scheduler that is ready to run; `kind` is what its life is called in the database, `address` where its
    pages are."""
    from yamldag.engine.opening import open_service
    from yamldag.engine.traces import traces_of
    from yamldag.store.database import Away, CannotOpen, Fenced, open_database

    room = slots or project.value("slots", SLOTS)
    assert isinstance(room, int)
    try:
        database = open_database(project.database)
    except CannotOpen as closed:
        raise UsageError(str(closed)) from None
    try:
        made = open_service(project, database, executor, say, kind, room, address)
        traces = traces_of(database.url, os.environ, say)
        made.ended = traces.tell
        try:
            yield made
        finally:
            traces.close()
    except Fenced:
        raise UsageError("another scheduler took this one for dead before it had begun") from None
    except Away as away:
        raise UsageError(f"the database `{database.shown()}` is away: {away}") from None
    finally:
        database.close()


def work(service: Service, greeting: str) -> int:
    """Until it is told to stop; the exit code. `greeting` may speak of `{pipelines}`."""
    from yamldag.engine.service import signals
    from yamldag.store.database import Away, Fenced
    from yamldag.store.moves import end_runner

    engine = service.engine
    with signals(service):
        why = ""
        try:
            greet(service.catalogue, greeting)
            service.run()
            end_runner(engine.database, engine.runner)
        except Fenced:
            engine.executor.stop(engine.world.running, kill=True)  # others have begun them anew
            say(f"another scheduler took this one for dead after {engine.database.quiet:.0f} s")
            return 1
        except Away:  # told to stop, it waits no longer: what it did not store, the next start finds
            why = " while the database is away"
        left = len(engine.world.running)
        goes = "task goes" if left == 1 else "tasks go"
        say(f"stopped{why}" + (f"; {left} running {goes} on" if left else ""))
    return 0


def greet(catalogue: Catalogue, greeting: str) -> None:
    """That it is at work now, by which files. `greeting` may speak of `{pipelines}`."""
    if _as_json:
        return _greet_programs(catalogue, greeting)
    pipelines = catalogue.pipelines
    noun = "pipeline" if len(pipelines) == 1 else "pipelines"
    sys.stderr.write(greeting.format(pipelines=f"{len(pipelines)} {noun}") + "\n")
    for broken in catalogue.broken:
        options.show_diagnostics(list(broken.found))
    if not pipelines and not catalogue.broken:
        sys.stderr.write("there is no pipeline yet; `yamldag init` makes a project to begin with\n")
    sys.stderr.flush()
    return None


def _greet_programs(catalogue: Catalogue, greeting: str) -> None:
    number = len(catalogue.pipelines)
    say(greeting.format(pipelines=f"{number} pipeline" + ("" if number == 1 else "s")))
    for broken in catalogue.broken:
        for each in broken.found:
            say(f"{broken.path}: {each.code}: {each.message}")


def say(line: str) -> None:
    if _as_json:
        return tell({"message": line})
    sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}  {line}\n")
    sys.stderr.flush()
    return None


def tell(line: Mapping[str, Any]) -> None:
    """What happened, to programs: an object with its `message`, when, and who says so. It is one write, for several
    threads tell something."""
    told = {"at": datetime.now(UTC).isoformat(), "level": "info", "process": os.getpid(), **line}
    sys.stderr.write(json.dumps(told, ensure_ascii=False) + "\n")
    sys.stderr.flush()


_as_json = False


def log_as(form: str) -> None:
    """How this process says what happens: `text` for people, `json` for programs, an object a line."""
    global _as_json  # noqa: PLW0603  (of the process, as stderr is)
    _as_json = form == "json"


def is_for_programs() -> bool:
    """Whether it says so as JSON."""
    return _as_json
