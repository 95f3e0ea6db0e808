"""Run tasks of a run again: they, and all below them, become `none`, and the run waits for room again.

Setups and teardowns around them run again too. A task that runs is stopped first. Attempts are counted on, retries
start afresh, caches are not asked; `foreach` is asked for its items again, unless single instances were named.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yamldag.cli import acting, options
from yamldag.cli.main import UsageError

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.engine.outside import Clearance, Found, Newer
    from yamldag.engine.step.choice import Wish
    from yamldag.store.database import Database


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
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    if args.only and (args.upstream or args.downstream):
        raise UsageError(
            "`--only` wants no other task, so `--upstream` and `--downstream` can't stand beside it"
        )
    project = options.project(args)
    with acting.acting(project) as database:
        from yamldag.engine.outside import look
        from yamldag.engine.step.choice import Wish

        found = look(database, acting.run_named(database, args.run))
        newer = newest(project, found) if args.latest else None
        units = tuple(unit for name in args.task for unit in units_named(found, newer, name))
        wish = Wish(units, above=args.upstream, below=not args.only, failed=args.failed)
        return carry_out(args, database, found, wish, newer)


def carry_out(
    args: argparse.Namespace, database: Database, found: Found, wish: Wish, newer: Newer | None
) -> int:
    """Show what would run, ask, clear, and wait if that is wanted."""
    from yamldag.engine.memory.params import BadParams
    from yamldag.engine.outside import clear, plan_clear

    planned = plan_clear(found, wish, newer)
    if planned.is_empty:
        return _nothing(args, found)
    rows = _rows(planned)
    if args.dry_run:
        return _show(args.format, found.id, found.state, rows, _would(wish))
    if not _agreed(args, found.id, rows, wish):
        sys.stderr.write("nothing was changed\n" if wish.mark else "nothing was cleared\n")
        return 1
    try:
        if newer:
            from yamldag.store import moves

            version = acting.version_of(newer.plan)
            database.write(lambda: moves.save_version(database, version))
        done = clear(database, found.id, wish, time.time(), newer)
    except BadParams as bad:
        raise UsageError("\n  ".join(bad.faults)) from None
    if done == "nothing":
        return _nothing(args, found)
    if done == "asked":
        acting.until(lambda: not acting.unanswered(database, found.id), acting.ANSWER)
        if acting.unanswered(database, found.id):
            sys.stderr.write("that happens as soon as its running tasks have ended, by a scheduler at work\n")
    if args.wait:
        return _wait(args, database, found.id)
    did = "changed" if wish.mark else "cleared"
    return _show(args.format, found.id, acting.state_of(database, found.id), rows, did)


def _would(wish: Wish) -> str:
    return "would change" if wish.mark else "would run again"


def newest(project: Project, found: Found) -> Newer:
    """The newest version of the run's pipeline."""
    from yamldag.engine.outside import Newer

    if found.is_running:
        raise UsageError(f"run {found.id} is under way and keeps its plan: cancel it before `--latest`")
    plan = acting.compiled(project, found.pipeline)
    return Newer(plan, acting.version_of(plan).hash)


def units_named(found: Found, newer: Newer | None, name: str) -> list[tuple[str, int | None]]:
    """The tasks that a name means: one, all of a group, or an instance by its index or its item."""
    from yamldag.cli.logs import instance_named
    from yamldag.cli.run import chosen

    plan = newer.plan if newer else found.plan
    if plan is None:
        return []
    if any(name in (each.id, each.group) for each in plan.tasks) or "[" not in name:
        return [(task, None) for task in sorted(chosen(plan, [name]) or ())]
    task, index = instance_named(found.id, found.rows, name)
    return [(task, index)]


def _rows(planned: Clearance) -> list[dict[str, Any]]:
    """What is cleared, in the order of the plan, with the state that each was found in; of a mark with that which it
    gets (`none`: it is decided anew)."""
    plan = planned.newer.plan if planned.newer else planned.run.plan
    order = {task.id: place for place, task in enumerate(plan.tasks)} if plan else {}
    there = sorted(planned.rows, key=lambda row: (order[row.task], row.map_index))
    rows = []
    for row in there:
        index = None if row.map_index < 0 else row.map_index
        told: dict[str, Any] = {"id": row.task, "map_index": index, "state": row.state}
        if planned.wish.mark:
            marked = planned.wish.marks(row.task, index)
            told["becomes"] = planned.wish.mark if marked else "none"
        rows.append(told)
    return rows


def _nothing(args: argparse.Namespace, found: Found) -> int:
    if args.format == "json":
        options.print_json({"run_id": found.id, "state": found.state, "tasks": []})
    else:
        what = "has not begun" if found.plan is None else "has no task like that"
        done = "change" if getattr(args, "state", None) else "run again"
        what = "has it so already" if done == "change" and found.plan is not None else what
        sys.stderr.write(f"there is nothing to {done}: run {found.id} {what}\n")
    return 0


def _agreed(args: argparse.Namespace, run: str, rows: Sequence[dict[str, Any]], wish: Wish) -> bool:
    """Asked on a terminal alone: a script means what it says."""
    if args.yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    for row in rows:
        sys.stderr.write(f"  {_told(row)}\n")
    question = f"change {len(rows)} of run {run}?" if wish.mark else f"run {len(rows)} of run {run} again?"
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _show(form: str, run: str, state: str, rows: Sequence[dict[str, Any]], words: str) -> int:
    if form == "json":
        options.print_json({"run_id": run, "state": state, "tasks": list(rows)})
        return 0
    for row in rows:
        sys.stdout.write(f"{_told(row)}\n")
    noun = "task" if len(rows) == 1 else "tasks"
    sys.stdout.write(f"{len(rows)} {noun} {words}; run {run} is {state}\n")
    return 0


def _wait(args: argparse.Namespace, database: Database, run: str) -> int:
    [state] = acting.follow(database, [run])
    if args.format == "json":
        options.print_json(acting.result(database, run))
    else:
        sys.stdout.write(f"{run} {state}\n")
    return 0 if state == "success" else 1


def _told(row: dict[str, Any]) -> str:
    return f"{_label(row)}  {row['state']}" + (f" -> {row['becomes']}" if "becomes" in row else "")


def _label(row: dict[str, Any]) -> str:
    return str(row["id"]) if row["map_index"] is None else f"{row['id']}[{row['map_index']}]"
