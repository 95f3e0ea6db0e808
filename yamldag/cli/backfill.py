"""Make the runs of a range of ticks, both ends included, the oldest first, `--max-active` at a time.

It minds neither a pause nor the pipeline's `start` and `end`. Ticks that have a run keep it: with `--reprocess failed`
those that failed or were cancelled run again, with `completed` all that are over: the same runs, their tasks cleared.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from yamldag.cli import acting, options
from yamldag.cli.main import UsageError
from yamldag.cli.run import given, moment_given, resolved
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    from yamldag.engine.schedule.backfill import Planned
    from yamldag.plan.pipeline import Plan
    from yamldag.plan.schedule import Tick
    from yamldag.store.database import Database

MOST = 100_000
"""Ticks of one backfill."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", nargs="?", metavar="PIPELINE", help="its id, or its file")
    parser.add_argument(
        "--from", dest="first", metavar="D", help="the range begins here, this moment included"
    )
    parser.add_argument("--to", dest="last", metavar="D", help="and ends here, this moment, or day, included")
    parser.add_argument(
        "--reprocess",
        choices=("none", "failed", "completed"),
        default="none",
        help="which ticks that have a run are run again (default: %(default)s)",
    )
    parser.add_argument(
        "--max-active", type=int, metavar="N", help="runs at a time (default: the pipeline's max_active_runs)"
    )
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="of the runs; may be given again"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and make nothing")
    parser.add_argument("--wait", action="store_true", help="wait for all runs to end; exit 1 if one fails")
    parser.add_argument("--cancel", metavar="ID", help="cancel that backfill and all runs of it")
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    if args.cancel is not None:
        return _cancel(args)
    if args.pipeline is None or args.first is None or args.last is None:
        raise UsageError("a PIPELINE, `--from` and `--to` are wanted")
    if args.max_active is not None and args.max_active < 1:
        raise UsageError(f"`--max-active` wants a number from 1 on, found {args.max_active}")
    project = options.project(args)
    plan = acting.compiled(project, args.pipeline)
    params = resolved(plan, given(args.param))
    found = _ticks(args, plan)
    with acting.acting(project, new=True) as database:
        chosen = _planned(database, plan, found, args.reprocess)
        if args.dry_run or not chosen:
            return _preview(args, plan, chosen)
        name, runs = _create(args, database, plan, chosen, json.dumps(params, ensure_ascii=False))
        states = acting.follow(database, runs) if args.wait else None
        _tell(args, database, plan, name, runs)
    return 0 if states is None or set(states) == {"success"} else 1


def _ticks(args: argparse.Namespace, plan: Plan) -> list[Tick]:
    from yamldag.engine.schedule.backfill import schedule_of, ticks

    first = moment_given(args.first, plan, "--from")
    last = moment_given(args.last, plan, "--to", last=True)
    assert first is not None
    assert last is not None
    if first > last:
        raise UsageError(f"`--from` must not lie after `--to`, found {args.first} and {args.last}")
    schedule = schedule_of(plan)
    if not schedule.has_clock:
        raise UsageError(
            f"`{plan.pipeline}` has no clock, so there are no ticks: `yamldag trigger` makes a run"
        )
    found = list(islice(ticks(schedule, first.astimezone(UTC), last.astimezone(UTC)), MOST + 1))
    if len(found) > MOST:
        raise UsageError(f"the range holds more than {MOST:,} ticks: take it in parts")
    return found


def _planned(database: Database, plan: Plan, found: list[Tick], reprocess: str) -> list[Planned]:
    from yamldag.engine import times
    from yamldag.engine.schedule.backfill import planned
    from yamldag.store import backfills

    if not found:
        return []
    first, last = times.stored(found[0].logical_date), times.stored(found[-1].logical_date)
    return planned(found, backfills.tick_runs(database, plan.pipeline, first, last), reprocess)


def _preview(args: argparse.Namespace, plan: Plan, chosen: Sequence[Planned]) -> int:
    from yamldag.plan.schedule import rows

    told: list[dict[str, Any]] = [
        {**row, "run_id": each.run}
        for row, each in zip(rows([each.tick for each in chosen]), chosen, strict=True)
    ]
    if args.format == "json":
        made: dict[str, Any] = {"backfill_id": None, "pipeline": plan.pipeline, "runs": []}
        options.print_json(told if args.dry_run else made)
    elif not chosen:
        sys.stderr.write("there is nothing to run: no tick of the range is without a run that may stay\n")
    else:
        for row in told:
            sys.stdout.write(
                row["logical_date"] + (f"  {row['run_id']} again" if row["run_id"] else "") + "\n"
            )
        sys.stdout.write(f"{len(told)} {'run' if len(told) == 1 else 'runs'} would be made\n")
    return 0


def _create(
    args: argparse.Namespace, database: Database, plan: Plan, chosen: Sequence[Planned], params: str
) -> tuple[str, list[str]]:
    """Record it; its id, and those of its runs."""
    from yamldag.engine import times
    from yamldag.engine.memory.records import Dates, new_id
    from yamldag.engine.outside import clear
    from yamldag.engine.step.choice import Wish
    from yamldag.store import backfills, moves
    from yamldag.store.schedules import QueuedRun

    now = time.time()
    name = f"backfill-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    version = acting.version_of(plan)
    most = args.max_active or plan.max_active_runs
    first, last = (times.stored(each.tick.logical_date) for each in (chosen[0], chosen[-1]))
    row = backfills.NewBackfill(name, plan.pipeline, first, last, args.reprocess, most, params, now)
    runs = {each.tick: each.run or new_id("backfill", each.tick.logical_date) for each in chosen}
    new = [
        QueuedRun(
            runs[each.tick], plan.pipeline, "backfill", *Dates(*map(times.stored, each.tick)), params, now
        )
        for each in chosen
        if each.run is None
    ]

    def work() -> None:
        moves.save_version(database, version)
        backfills.create(database, row, new)

    database.write(work)
    for each in chosen:
        if each.run is not None:
            clear(database, each.run, Wish(), now, backfill=name)
    return name, list(runs.values())


def _tell(args: argparse.Namespace, database: Database, plan: Plan, name: str, runs: Sequence[str]) -> None:
    states = [acting.state_of(database, run) for run in runs]
    if args.format == "json":
        told = [{"run_id": run, "state": state} for run, state in zip(runs, states, strict=True)]
        options.print_json({"backfill_id": name, "pipeline": plan.pipeline, "runs": told})
        return
    for run, state in zip(runs, states, strict=True):
        sys.stdout.write(f"{run} {state}\n")
    sys.stdout.write(f"{name}: {len(runs)} {'run' if len(runs) == 1 else 'runs'}\n")


def _cancel(args: argparse.Namespace) -> int:
    from yamldag.engine import outside
    from yamldag.store import backfills

    if args.pipeline is not None or args.first is not None or args.last is not None:
        raise UsageError("`--cancel` stands alone: the backfill's id says which runs are meant")
    with acting.acting(options.project(args)) as database:
        known = backfills.names(database)
        if args.cancel not in known:
            near = nearest(args.cancel, known)
            raise UsageError(
                f"there is no backfill `{args.cancel}`" + (f"; did you mean `{near}`?" if near else "")
            )
        now = time.time()
        database.write(lambda: backfills.cancel(database, args.cancel, now))
        runs = backfills.open_runs(database, args.cancel)
        for run in runs:
            outside.cancel(database, run, now)
        acting.until(lambda: not backfills.open_runs(database, args.cancel), acting.ANSWER)
        told = [{"run_id": run, "state": acting.state_of(database, run)} for run in runs]
    if args.format == "json":
        options.print_json({"backfill_id": args.cancel, "runs": told})
    else:
        for row in told:
            sys.stdout.write(f"{row['run_id']} {row['state']}\n")
        sys.stdout.write(
            f"{args.cancel} is cancelled, {len(told)} {'run' if len(told) == 1 else 'runs'} of it\n"
        )
    return 0
