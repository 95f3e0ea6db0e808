"""The coming ticks of a pipeline and their data intervals, in the pipeline's zone and in UTC."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from yamldag.cli import options
from yamldag.cli.main import UsageError

if TYPE_CHECKING:
    from yamldag.plan.pipeline import Plan
    from yamldag.plan.schedule import Tick

DEFAULT_COUNT = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE", help="its id, or its file")
    parser.add_argument("-n", "--count", type=int, help="how many (default: 5, or all up to --until)")
    parser.add_argument("--after", metavar="T", help="the first tick lies after this moment (default: now)")
    parser.add_argument("--until", metavar="T", help="the last tick lies at or before this moment")
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    from yamldag.plan import schedule

    plan = options.plan(args, args.pipeline)
    zone = schedule.zone(plan.timezone)
    assert zone is not None
    bounds = {}
    for name in ("after", "until"):
        text = getattr(args, name)
        bounds[name] = schedule.moment(text, zone, last=name == "until") if text else None
        if text and bounds[name] is None:
            raise UsageError(
                f"--{name} must be a date or a time, such as 2026-01-31 or 2026-01-31T06:00, not `{text}`"
            )
    if args.count is not None and args.count < 0:
        raise UsageError("-n must be 0 or more")
    ticks: list[schedule.Tick] = []
    if plan.schedule is not None:
        read = schedule.read(plan.schedule, plan.timezone, plan.start, plan.end)
        after = bounds["after"] or datetime.now(UTC)
        count = args.count if args.count is not None or bounds["until"] else DEFAULT_COUNT
        ticks = schedule.coming(read, after, bounds["until"], count)
    if args.format == "json":
        options.print_json(schedule.rows(ticks))
    else:
        sys.stdout.write(_text(ticks, plan, args))
        if _is_paused(args, plan):
            sys.stderr.write(
                f"`{plan.pipeline}` is paused: `yamldag unpause {plan.pipeline}` lets it go on\n"
            )
    return 0


def _is_paused(args: argparse.Namespace, plan: Plan) -> bool:
    from yamldag.cli.records import exists, records
    from yamldag.store import views

    project = options.project(args)
    if not exists(project):
        return False
    with records(project) as db:
        return any(row["id"] == plan.pipeline and row["paused"] for row in views.pipelines(db))


def _text(ticks: list[Tick], plan: Plan, args: argparse.Namespace) -> str:
    from yamldag.plan.expression.dates import written

    awaited = _awaited(plan)
    lines = [f"{plan.pipeline} runs once {awaited}"] if awaited else []
    if not ticks and not awaited and args.count != 0:
        lines = [f"{plan.pipeline} has no {_none(plan, args)}"]
    for tick in ticks:
        local, start = tick.logical_date, tick.data_interval_start
        utc = written(local.astimezone(UTC), "%Y-%m-%d %H:%M:%SZ")
        begin = written(start, "%Y-%m-%d %H:%M %z")
        lines.append(f"{written(local, '%a %Y-%m-%d %H:%M:%S %z')}  {utc}  interval from {begin}")
    return "".join(f"{line}\n" for line in lines)


def _none(plan: Plan, args: argparse.Namespace) -> str:
    """What there is none of, in words."""
    if plan.schedule is None:
        return "coming tick: it has no clock"
    bounds = [f"{word} {text}" for word, text in (("after", args.after), ("until", args.until)) if text]
    return f"tick {' '.join(bounds)}" if bounds else "coming tick: its schedule has ended"


def _awaited(plan: Plan) -> str:
    """Which assets it waits for, in words; empty: none."""
    from yamldag.plan import schedule

    condition = schedule.read(plan.schedule, plan.timezone, plan.start, plan.end).assets
    if condition is None:
        return ""
    several = len(set(schedule.names(condition))) > 1
    return f"{schedule.in_words(condition)} {'were' if several else 'was'} updated"
