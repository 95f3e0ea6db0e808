"""What the attempts of a task wrote."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.source import add_source, source
from yamldag.cli.told import show
from yamldag.plan.state import FINAL

if TYPE_CHECKING:
    from yamldag.cli.source import Source


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
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    if (args.task is None) != args.notifications:
        raise UsageError("a task is wanted, or `--notifications`")
    with source(args) as asked:
        run = asked.run(args.run)
        name = run["run_id"]
        if args.notifications:
            show(name, asked.notifications(name), args.format)
            return 0
        if args.follow and args.format == "text":
            return _follow(asked, name, args.task)
        found = _newest(asked.attempts(name, args.task), args.attempt)
        if args.format == "json":
            options.print_json([_row(asked, name, attempt) for attempt in found])
        elif found:
            if not _show(asked, name, found):
                _say_nothing(asked, name, args.task, found[0])
        elif args.attempt is not None:
            raise UsageError(f"`{args.task}` of run {name} has no attempt {args.attempt}")
        else:
            _say_nothing(asked, name, args.task, None)
    return 0


def _say_nothing(asked: Source, run: str, task: str, attempt: dict[str, Any] | None) -> None:
    """A log that is empty, or is not there, tells what became of the task."""
    which = "" if attempt is None else f" in attempt {attempt['attempt']}"
    why = _why(asked.tasks(run), task, attempt)
    sys.stderr.write(f"`{task}` of run {run} wrote nothing{which}: {why}\n")


def _newest(attempts: list[dict[str, Any]], number: int | None) -> list[dict[str, Any]]:
    """Of each instance the newest attempt, or that number."""
    newest = {row["map_index"]: row for row in attempts if number in (None, row["attempt"])}
    return list(newest.values())


def _why(rows: list[dict[str, Any]], task: str, attempt: dict[str, Any] | None) -> str:
    """What a task has come to that has no attempt, or whose attempt is silent."""
    if not rows:
        return "its run has not begun"
    if attempt is None:
        row = next(row for row in rows if row["id"] in (task, task.partition("[")[0]))
    else:
        place = (attempt["id"], attempt["map_index"])
        row = next(row for row in rows if (row["id"], row["map_index"]) == place)
    if attempt is not None and attempt["attempt"] != row["attempts"]:
        return f"it is {attempt['state']}"
    if row["state"] in FINAL or attempt is not None:
        return f"it is {row['state']}" + (f", {row['reason']}" if row["reason"] else "")
    return "it has not begun"


def _row(asked: Source, run: str, attempt: dict[str, Any]) -> dict[str, Any]:
    keys = ("id", "map_index", "attempt", "state", "started_at", "ended_at")
    text = b"".join(_pieces(asked, run, attempt)).decode(errors="replace")
    return {key: attempt[key] for key in keys} | {"log": text}


def _pieces(asked: Source, run: str, attempt: dict[str, Any]) -> Iterator[bytes]:
    place = 0
    while True:
        data, place = asked.piece(run, attempt, place)
        if not data:
            return
        yield data


def _show(asked: Source, run: str, found: list[dict[str, Any]]) -> bool:
    """Whether there was anything to show."""
    shown = len(found) > 1
    for attempt in found:
        if len(found) > 1:
            sys.stdout.write(f"--- {attempt['id']}[{attempt['map_index']}], attempt {attempt['attempt']}\n")
            sys.stdout.flush()
        for data in _pieces(asked, run, attempt):
            shown = True
            sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    return shown


def _follow(asked: Source, run: str, task: str) -> int:
    """Print what is written as it comes, attempt after attempt, until nothing more can come."""
    for data in asked.follow(run, task):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    return 0
