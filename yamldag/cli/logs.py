"""What the attempts of a task wrote."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.progress import item_words
from yamldag.cli.records import find_run, records
from yamldag.cli.told import show
from yamldag.plan.state import ATTEMPT_FINAL, FINAL, RUN_FINAL
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.compile.project import Project

_PAUSE = 0.2
"""Seconds between two looks at a log that is followed."""
_NAME = re.compile(r"(.+?)(?:\[(.*)\])?", re.DOTALL)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    parser.add_argument(
        "task",
        metavar="TASK",
        nargs="?",
        help="its id; one instance of a mapped task as `load[0]`, or by its item",
    )
    parser.add_argument(
        "--notifications",
        action="store_true",
        help="instead: the notifications of the run, and what came of them",
    )
    parser.add_argument("--attempt", type=int, metavar="N", help="which attempt (default: the newest)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the task has ended")
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    project = options.project(args)
    if args.notifications and args.task is None:
        with records(project) as db:
            show(db, find_run(db, args.run), project, args.format)
        return 0
    if args.task is None or args.notifications:
        raise UsageError("a task is wanted, or `--notifications`")
    with records(project) as db:
        name = find_run(db, args.run)["id"]
        task, rows = _instances(db, name, args.task)
    index = rows[0].map_index if len(rows) == 1 else None
    if args.follow and args.format == "text":
        return _follow(project, name, task, index)
    with records(project) as db:
        found = _attempts(db, name, task, index, args.attempt)
    if args.format == "json":
        options.print_json([_row(task, attempt) for attempt in found])
    elif found:
        _show(task, found)
    elif args.attempt is not None:
        raise UsageError(f"`{args.task}` of run {name} has no attempt {args.attempt}")
    else:
        sys.stderr.write(f"`{args.task}` of run {name} wrote nothing: {_why(rows[0])}\n")
    return 0


def _instances(db: sa.Connection, run_id: str, named: str) -> tuple[str, list[sa.Row[Any]]]:
    """The task's id and those of its instances that are meant: all, or the one in brackets."""
    from yamldag.store import views

    rows = views.instances(db, run_id)
    task, index = instance_named(run_id, rows, named)
    return task, [row for row in rows if row.task == task and index in (None, row.map_index)]


def instance_named(run_id: str, rows: Sequence[Any], named: str) -> tuple[str, int | None]:
    """The task that is meant, and the index of the instance in brackets, which may be named by its item."""
    match = _NAME.fullmatch(named)
    task, which = (match[1], match[2]) if match else (named, None)
    here = [row for row in rows if row.task == task]
    if not here:
        near = nearest(task, {row.task for row in rows})
        raise UsageError(f"run {run_id} has no task `{task}`" + (f"; did you mean `{near}`?" if near else ""))
    if which is None:
        return task, None
    meant = [row for row in here if which == str(row.map_index) and row.map_index >= 0]
    meant = meant or [row for row in here if row.item and which == item_words(json.loads(row.item), -1)]
    if not meant:
        raise UsageError(f"`{task}` of run {run_id} has no instance `{which}`")
    return task, meant[0].map_index


def _why(row: sa.Row[Any]) -> str:
    """Why there is no attempt."""
    if row.state in FINAL:
        return f"it is {row.state}" + (f", {row.reason}" if row.reason else "")
    return "it has not begun"


def _row(task: str, attempt: sa.RowMapping) -> dict[str, Any]:
    from yamldag.engine import times

    return {
        "id": task,
        "map_index": None if attempt["map_index"] < 0 else attempt["map_index"],
        "attempt": attempt["number"],
        "state": attempt["state"],
        "started_at": times.shown(attempt["started"]),
        "ended_at": times.shown(attempt["ended"]),
        "log": _text(attempt["log"]),
    }


def _text(path: str | None) -> str:
    try:
        with open(path or "", encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _show(task: str, found: list[sa.RowMapping]) -> None:
    for attempt in found:
        if len(found) > 1:
            sys.stdout.write(f"--- {task}[{attempt['map_index']}], attempt {attempt['number']}\n")
            sys.stdout.flush()
        _print(attempt["log"])


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
