"""Past and present runs, the newest first."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.records import NOTHING_RAN, exists, print_table, records, run_row, short
from yamldag.plan.state import RunState
from yamldag.store.names import RUN_TYPES
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.compile.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", nargs="?", metavar="PIPELINE", help="only of this pipeline")
    parser.add_argument("--pipeline", dest="named", metavar="PIPELINE", help="the same")
    parser.add_argument("--state", choices=[*map(str, RunState)], help="only those in this state")
    parser.add_argument("--type", dest="kind", choices=RUN_TYPES, help="only those of this type")
    parser.add_argument(
        "--since", metavar="T", help="only those recorded since this moment, in UTC if it says no zone"
    )
    parser.add_argument(
        "-n", "--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)"
    )
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    from yamldag.store import versions, views

    if args.limit < 1:
        raise UsageError(f"`--limit` wants a number from 1 on, found {args.limit}")
    if None not in (args.pipeline, args.named) and args.pipeline != args.named:
        raise UsageError(f"two pipelines are named, `{args.pipeline}` and `{args.named}`")
    pipeline, since = args.pipeline or args.named, _since(args.since)
    project = options.project(args)
    rows = []
    if exists(project):
        with records(project) as db:
            held = views.held(db)
            found = views.runs(db, pipeline, args.state, args.limit, kind=args.kind, since=since)
            numbers = versions.numbers(db, (row["pipeline"] for row in found))
            rows = [_row(row, held, numbers.get(row["version"])) for row in found]
    if not rows and pipeline is not None:
        _known(project, pipeline)
    if args.format == "json":
        options.print_json(rows)
    elif not rows:
        narrowed = args.kind is not None or since is not None
        sys.stderr.write(_nothing(pipeline, args.state, narrowed=narrowed))
    else:
        cells = [
            (
                row["run_id"],
                row["pipeline"],
                row["type"],
                row["state"],
                short(row["logical_date"]),
                short(row["started_at"]),
                row["reason"],
            )
            for row in rows
        ]
        print_table(("RUN", "PIPELINE", "TYPE", "STATE", "LOGICAL DATE", "STARTED (UTC)", "REASON"), cells)
    return 0


def _since(text: str | None) -> float | None:
    if text is None:
        return None
    from datetime import UTC

    from yamldag.plan.schedule import moment

    found = moment(text, UTC)
    if found is None:
        raise UsageError(f"`--since` wants a date or a time like `2026-01-31T06:00`, found `{text}`")
    return found.timestamp()


def _row(row: sa.RowMapping, held: dict[str, str], version: int | None) -> dict[str, Any]:
    """A queued run that came by itself tells what holds it up."""
    made = run_row(row, version)
    by_itself = row["type"] in ("scheduled", "assets") and row["version"] is None and row["backfill"] is None
    if row["state"] == "queued" and by_itself:
        made["reason"] = held.get(row["pipeline"])
    return made


def _known(project: Project, pipeline: str) -> None:
    """It has no runs: either it is there and has none yet, or its name is wrong."""
    from yamldag.compile.load import compile_files
    from yamldag.store import views

    known = [unit.name for unit in compile_files(project, project.files()).units]
    if exists(project):
        with records(project) as db:
            known += [row["id"] for row in views.pipelines(db)]
    if pipeline not in known:
        near = nearest(pipeline, known)
        hint = f"; did you mean `{near}`?" if near else "; `yamldag list` names them"
        raise UsageError(f"there is no pipeline `{pipeline}` in this project{hint}")


def _nothing(pipeline: str | None, state: str | None, *, narrowed: bool) -> str:
    if narrowed:
        return "there are no such runs\n"
    if state is not None:
        return f"there are no runs in the state {state}\n"
    what = f"`{pipeline}` has not run yet" if pipeline else NOTHING_RAN
    return f"{what}; begin with `yamldag run {pipeline or 'PIPELINE'}`\n"
