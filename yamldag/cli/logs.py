"""What the attempts of a task wrote."""

from __future__ import annotations

import argparse
import re
import sys
import time
from typing import TYPE_CHECKING, BinaryIO

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.records import find_run, records
from yamldag.plan.state import ATTEMPT_FINAL, FINAL, RUN_FINAL

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.compile.project import Project

_PAUSE = 0.2
"""Seconds between two looks at a log that is followed."""
_NAME = re.compile(r"(.+?)(?:\[([0-9]+)\])?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    parser.add_argument("task", metavar="TASK", help="its id; one instance of a mapped task as `load[0]`")
    parser.add_argument("--attempt", type=int, metavar="N", help="which attempt (default: the newest)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the task has ended")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    project = options.project(args)
    match = _NAME.fullmatch(args.task)
    if match is None:
        raise UsageError("a task's id is wanted, found nothing")
    task, index = match[1], None if match[2] is None else int(match[2])
    with records(project) as db:
        name = find_run(db, args.run)["id"]
        _known(db, name, task, index)
    if args.follow:
        return _follow(project, name, task, index)
    with records(project) as db:
        found = _attempts(db, name, task, index, args.attempt)
    if not found:
        sys.stderr.write(
            f"`{args.task}` of run {name} has not begun{'' if args.attempt is None else ' that attempt'}\n"
        )
        return 1
    for attempt in found:
        if len(found) > 1:
            sys.stdout.write(f"--- {task}[{attempt['map_index']}], attempt {attempt['number']}\n")
            sys.stdout.flush()
        _print(attempt["log"])
    return 0


def _known(db: sa.Connection, run_id: str, task: str, index: int | None) -> None:
    from yamldag.store import views

    rows = views.instances(db, run_id)
    here = [row.map_index for row in rows if row.task == task]
    if not here:
        import difflib

        near = difflib.get_close_matches(task, {row.task for row in rows}, 1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise UsageError(f"run {run_id} has no task `{task}`{hint}")
    if index is not None and index not in here:
        raise UsageError(f"`{task}` of run {run_id} has no instance {index}")


def _attempts(
    db: sa.Connection, run_id: str, task: str, index: int | None, number: int | None
) -> list[sa.RowMapping]:
    """Of each instance the newest attempt, or that number."""
    from yamldag.store import views

    newest: dict[int, sa.RowMapping] = {}
    for row in views.attempts(db, run_id, task, index):
        if number in (None, row["number"]):
            newest[row["map_index"]] = row
    return list(newest.values())


def _print(path: str | None) -> None:
    try:
        with open(path or "", "rb") as file:
            _copy(file)
    except FileNotFoundError:
        pass  # it wrote nothing, or never started


def _copy(file: BinaryIO) -> None:
    while piece := file.read(65_536):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _follow(project: Project, run_id: str, task: str, index: int | None) -> int:
    """Print what is written as it comes, attempt after attempt, until nothing more can come."""
    done: set[int] = set()
    places: dict[int, int] = {}
    while True:
        with records(project) as db:
            attempts = _all_attempts(db, run_id, task, index)
            over = _is_over(db, run_id, task, index)
        for attempt in attempts:
            if attempt["id"] not in done:
                places[attempt["id"]] = _print_from(attempt["log"], places.get(attempt["id"], 0))
                if attempt["state"] in ATTEMPT_FINAL:
                    done.add(attempt["id"])
        if over:
            return 0
        time.sleep(_PAUSE)


def _all_attempts(db: sa.Connection, run_id: str, task: str, index: int | None) -> list[sa.RowMapping]:
    from yamldag.store import views

    return views.attempts(db, run_id, task, index)


def _is_over(db: sa.Connection, run_id: str, task: str, index: int | None) -> bool:
    from yamldag.store import views

    found = views.one_run(db, run_id)
    rows = [row for row in views.instances(db, run_id) if row.task == task and index in (None, row.map_index)]
    return found is None or found["state"] in RUN_FINAL or all(row.state in FINAL for row in rows)


def _print_from(path: str | None, place: int) -> int:
    try:
        with open(path or "", "rb") as file:
            file.seek(place)
            _copy(file)
            return file.tell()
    except FileNotFoundError:
        return place
