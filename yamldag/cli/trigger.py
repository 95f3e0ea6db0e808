"""Ask for a run of a pipeline: a scheduler starts it as soon as `max_active_runs` leaves room, paused or not.

With no scheduler at work the run waits for one; `yamldag run` runs without.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from yamldag.cli import acting, options
from yamldag.cli.run import given, moment_given, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yamldag.plan.pipeline import Json, Plan
    from yamldag.store.database import Database
    from yamldag.store.schedules import QueuedRun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE", help="its id, or its file")
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="may be given again"
    )
    parser.add_argument("--date", metavar="D", help="the logical date (default: now)")
    parser.add_argument("--wait", action="store_true", help="wait for the run to end; exit 1 if it fails")
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    project = options.project(args)
    plan = acting.compiled(project, args.pipeline)
    params = resolved(plan, given(args.param))
    with acting.acting(project, new=True) as database:
        row = _queue(database, plan, params, moment_given(args.date, plan))
        if args.wait:
            return _wait(database, row.id, args.format)
        if args.format == "json":
            from yamldag.cli.records import run_row
            from yamldag.store import views

            with views.reading(database.url) as db:
                stored = views.one_run(db, row.id)
                assert stored is not None
                options.print_json(run_row(stored))
        else:
            sys.stdout.write(f"{row.id} queued\n")
    return 0


def _queue(database: Database, plan: Plan, params: Mapping[str, Json], moment: datetime | None) -> QueuedRun:
    from yamldag.engine import times
    from yamldag.engine.memory.records import Dates, new_id
    from yamldag.plan.schedule import read
    from yamldag.store import moves, schedules

    now = datetime.now(UTC)
    moment = moment or now
    start, end = read(plan.schedule, plan.timezone, plan.start, plan.end).interval_of(moment)
    dates = Dates(*map(times.stored, (moment, start, end)))
    text = json.dumps(params, ensure_ascii=False)
    row = schedules.QueuedRun(new_id("manual", now), plan.pipeline, "manual", *dates, text, now.timestamp())
    version = acting.version_of(plan)

    def work() -> None:
        moves.save_version(database, version)
        schedules.queue_run(database, row)

    database.write(work)
    return row


def _wait(database: Database, run: str, form: str) -> int:
    sys.stderr.write(f"run {run} is queued; Ctrl-C ends the waiting, not the run\n")
    sys.stderr.flush()
    [state] = acting.follow(database, [run])
    if form == "json":
        options.print_json(acting.result(database, run))
    else:
        sys.stdout.write(f"{run} {state}\n")
    return 0 if state == "success" else 1
