"""Run a pipeline here and now, without a server. The run is recorded like any other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from yamldag.cli import options, ready
from yamldag.cli.main import UsageError

if TYPE_CHECKING:
    from yamldag.engine.local_run import Order
    from yamldag.engine.memory.run import Instance
    from yamldag.plan.state import TaskState
    from yamldag.shelf.runs import Kept


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE_OR_FILE", help="its id, or its file")
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="may be given again"
    )
    parser.add_argument("--date", metavar="D", help="the logical date (default: now)")
    parser.add_argument(
        "--task",
        action="append",
        default=[],
        metavar="T",
        help="run this task or group alone; may be given again",
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and run nothing")
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    project = ready.to_run(args)
    plan = project.plan
    order = _order(args, project)
    if args.dry_run:
        return _preview(order, project, args.format)
    return _run(replace(order, callees=ready.callees(args, plan)), project, args.format)


def _order(args: argparse.Namespace, project: Kept) -> Order:
    from yamldag.engine.asking.naming import chosen
    from yamldag.engine.given import date_given, resolved
    from yamldag.engine.local_run import Order

    plan = project.plan
    params = resolved(plan, given(args.param), as_text=True)
    return Order(
        plan,
        params,
        date_given(args.date, plan),
        chosen(plan, args.task),
        project.pools,
        declared=lambda: options.project(args).declared,
        executor=project.executor,
    )


def given(texts: Sequence[str], option: str = "--param", form: str = "NAME=VALUE") -> dict[str, Any]:
    """What `--param` gave, by name."""
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = options.legible(text, option).partition("=")
        if not sign or not name:
            raise UsageError(f"`{option}` wants {form}, found `{text}`")
        if name in found:
            raise UsageError(f"param `{name}` is given twice")
        found[name] = value
    return found


def _preview(order: Order, project: Kept, form: str) -> int:
    from yamldag.engine.asking.preview import preview

    rows = preview(order, Path(project.state_folder), project.database if _has_records(project) else None)
    if form == "json":
        options.print_json({"run_id": None, "state": None, "tasks": rows})
        return 0
    for row in rows:
        sys.stdout.write(_preview_text(row))
    sys.stdout.write(f"{len(rows)} {'task' if len(rows) == 1 else 'tasks'} would run\n")
    return 0


def _has_records(project: Kept) -> bool:
    from yamldag.store.drivers.urls import sqlite_path

    path = sqlite_path(project.database)
    return path is None or Path(path).exists()


def _preview_text(row: dict[str, Any]) -> str:
    import json

    lines = [f"{row['id']}  {row['operator']}"]
    lines += [f"  needs {', '.join(row['needs'])}"] if row["needs"] else []
    lines += [f"  when {' and '.join(map(str, row['when']))}"] if row["when"] else []
    for key, value in (row["mapped"] or {}).items():
        lines.append(f"  {key} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    for key in ("params", "args", "env"):
        for name, value in row[key].items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            body = text.rstrip("\n").replace("\n", "\n      ")
            said = "with" if key == "args" and row["operator"] == "pipeline" else key
            lines.append(f"  {name}: {body}" if key == "params" else f"  {said} {name}: {body}")
    if row["manifest"]:
        import yaml

        shown = yaml.safe_dump(row["manifest"], sort_keys=False, allow_unicode=True, width=200)
        lines.append("  manifest:\n      " + shown.rstrip("\n").replace("\n", "\n      "))
    return "\n".join(lines) + "\n\n"


def _run(order: Order, project: Kept, form: str) -> int:
    from yamldag.cli.progress import progress
    from yamldag.cli.terminal import asking
    from yamldag.engine.local_run import LIMIT, TakenOver, run_here
    from yamldag.store.database import Away, CannotOpen, Patience

    with (
        progress(sys.stderr, options.colours(sys.stderr)) as shown,
        asking(project.database, shown) as asker,
    ):

        def moved(instance: Instance, state: TaskState) -> None:
            shown.moved(instance, state)
            if asker is not None:
                asker.moved(instance, state)

        try:
            result = run_here(
                order,
                database=project.database,
                folder=Path(project.state_folder),
                watch=moved,
                began=shown.began,
                patience=Patience(LIMIT, shown.said),
                held_back=lambda instance: shown.said(_waits(instance, project.database)),
            )
        except CannotOpen as closed:
            raise UsageError(str(closed)) from None
        except TakenOver:
            sys.stderr.write("yamldag run: another process has moved this run meanwhile\n")
            return 1
        except Away as away:
            sys.stderr.write(f"yamldag run: the database can't be written: {away}\n")
            return 1
        shown.ended(result)
    if form == "json":
        options.print_json({"run_id": result.run_id, "state": result.state, "tasks": result.tasks})
    else:
        sys.stdout.write(f"{result.run_id} {result.state}\n")
    return 0 if result.state == "success" else 1


def _waits(instance: Instance, database: str) -> str:
    """What it waits for, as `yamldag why` says it."""
    from sqlalchemy.exc import DBAPIError

    from yamldag.engine.asking.naming import find_run
    from yamldag.engine.asking.rows import why_row
    from yamldag.store import views

    run, task = instance.node.run.id, instance.label
    try:
        with views.reading(database) as db:
            told = why_row(db, find_run(db, run), task)
    except DBAPIError:  # it is away for a moment, which is no end of the run
        return f"`{task}` waits: `yamldag why {run} {task}` says for what; Ctrl-C ends the run"
    why = "; ".join(each["detail"] for each in told["conditions"] if not each["holds"])
    return f"`{task}` waits: {why}; Ctrl-C ends the run"
