"""Run tasks of a run again: they, and all below them, become `none`, and the run waits for room again.

Setups and teardowns around them run again too. A task that runs is stopped first. Attempts are counted on, retries
start afresh, caches are not asked; `foreach` is asked for its items again, unless single instances were named.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.source import add_source, source
from yamldag.cli.waiting import until, wait


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    parser.add_argument(
        "task", nargs="*", metavar="TASK", help="tasks, groups, or instances such as `load[0]` (default: all)"
    )
    parser.add_argument("--upstream", action="store_true", help="also all tasks above these")
    parser.add_argument("--downstream", action="store_true", help="also all tasks below these: the default")
    parser.add_argument("--only", action="store_true", help="these alone, nothing below them")
    parser.add_argument("--failed", action="store_true", help="of these only what failed or was cut short")
    add_latest(parser)
    add_common(parser)


def add_latest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--latest", action="store_true", help="go on by the newest version of the pipeline")


def add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and clear nothing")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask, on a terminal")
    parser.add_argument("--wait", action="store_true", help="wait for the run to end; exit 1 if it fails")
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    if args.only and (args.upstream or args.downstream):
        raise UsageError(
            "`--only` wants no other task, so `--upstream` and `--downstream` can't stand beside it"
        )
    wish = {"tasks": args.task, "upstream": args.upstream, "only": args.only, "failed": args.failed}
    return carry_out(args, wish | {"latest": args.latest})


def carry_out(args: argparse.Namespace, wish: dict[str, Any]) -> int:
    """Show what would run, ask, clear or mark, and wait if that is wanted."""
    marks = "mark" in wish
    with source(args) as asked:
        planned = asked.clearing(args.run, wish)
        run = planned["run_id"]
        if planned["outcome"] == "nothing":
            return _nothing(args, planned, marks=marks)
        if args.dry_run:
            would = "would change" if marks else "would run again"
            return _show(args.format, planned, planned["state"], would)
        if not _agreed(args, planned, marks=marks):
            sys.stderr.write("nothing was changed\n" if marks else "nothing was cleared\n")
            return 1
        done = asked.clear(run, wish)
        if done["outcome"] == "nothing":
            return _nothing(args, planned, marks=marks)
        if done["outcome"] == "asked" and not until(asked, lambda: not asked.is_asked(run)):
            sys.stderr.write("that happens as soon as its running tasks have ended, by a scheduler at work\n")
        if args.wait:
            return wait(asked, run, args.format)
        return _show(args.format, planned, asked.states([run])[0], "changed" if marks else "cleared")


def _nothing(args: argparse.Namespace, planned: dict[str, Any], *, marks: bool) -> int:
    run = planned["run_id"]
    if args.format == "json":
        options.print_json(
            {"run_id": run, "state": planned["state"], "tasks": [], "tasks_removed": [], "tasks_added": []}
        )
    else:
        none = "has it so already" if marks else "has no task like that"
        what = none if planned["begun"] else "has not begun"
        sys.stderr.write(f"there is nothing to {'change' if marks else 'run again'}: run {run} {what}\n")
    return 0


def _agreed(args: argparse.Namespace, planned: dict[str, Any], *, marks: bool) -> bool:
    """Asked on a terminal alone: a script means what it says."""
    if args.yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    run, rows = planned["run_id"], planned["tasks"]
    for line in _lines(planned):
        sys.stderr.write(f"  {line}\n")
    question = f"change {len(rows)} of run {run}?" if marks else f"run {len(rows)} of run {run} again?"
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _show(form: str, planned: dict[str, Any], state: str, words: str) -> int:
    run, rows = planned["run_id"], planned["tasks"]
    changes = {name: planned.get(name, []) for name in ("tasks_removed", "tasks_added")}
    if form == "json":
        options.print_json({"run_id": run, "state": state, "tasks": rows, **changes})
        return 0
    for line in _lines(planned):
        sys.stdout.write(f"{line}\n")
    noun = "task" if len(rows) == 1 else "tasks"
    what = f"{len(rows)} {noun} {words}" if planned["begun"] else "it had not begun, so all of it is to run"
    sys.stdout.write(f"{what}; run {run} is {state}\n")
    return 0


def _lines(planned: dict[str, Any]) -> Iterator[str]:
    """What becomes of each; an older server does not say what the newest version has not, or has more."""
    yield from map(_told, planned["tasks"])
    yield from (f"{name}  -> removed" for name in planned.get("tasks_removed", ()))
    yield from (f"{name}  is new" for name in planned.get("tasks_added", ()))


def _told(row: dict[str, Any]) -> str:
    return f"{_label(row)}  {row['state']}" + (f" -> {row['becomes']}" if row.get("becomes") else "")


def _label(row: dict[str, Any]) -> str:
    return str(row["id"]) if row["map_index"] is None else f"{row['id']}[{row['map_index']}]"
