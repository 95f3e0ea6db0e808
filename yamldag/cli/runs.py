"""Past and present runs, the newest first."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.records import NOTHING_RAN, exists, print_table, records, run_row, short
from yamldag.plan.state import RunState
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    from yamldag.compile.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", nargs="?", metavar="PIPELINE", help="only of this pipeline")
    parser.add_argument("--state", choices=[*map(str, RunState)], help="only those in this state")
    parser.add_argument(
        "-n", "--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)"
    )
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    from yamldag.store import versions, views

    if args.limit < 1:
        raise UsageError(f"`--limit` wants a number from 1 on, found {args.limit}")
    project = options.project(args)
    rows = []
    if exists(project):
        with records(project) as db:
            found = views.runs(db, args.pipeline, args.state, args.limit)
            numbers = versions.numbers(db, (row["pipeline"] for row in found))
            rows = [run_row(row, numbers.get(row["version"])) for row in found]
    if not rows and args.pipeline is not None:
        _known(project, args.pipeline)
    if args.format == "json":
        options.print_json(rows)
    elif not rows:
        sys.stderr.write(_nothing(args.pipeline, args.state))
    else:
        cells = [
            (
                row["run_id"],
                row["pipeline"],
                row["type"],
                row["state"],
                short(row["logical_date"]),
                short(row["started_at"]),
            )
            for row in rows
        ]
        print_table(("RUN", "PIPELINE", "TYPE", "STATE", "LOGICAL DATE", "STARTED (UTC)"), cells)
    return 0


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


def _nothing(pipeline: str | None, state: str | None) -> str:
    if state is not None:
        return f"there are no runs in the state {state}\n"
    what = f"`{pipeline}` has not run yet" if pipeline else NOTHING_RAN
    return f"{what}; begin with `yamldag run {pipeline or 'PIPELINE'}`\n"
