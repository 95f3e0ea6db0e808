"""Make the runs of a range of ticks, both ends included, the oldest first, `--max-active` at a time.

It minds neither a pause nor the pipeline's `start` and `end`. Ticks that have a run keep it: with `--reprocess failed`
those that failed or were cancelled run again, with `completed` all that are over: the same runs, their tasks cleared.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.run import given
from yamldag.cli.source import add_source, source
from yamldag.cli.waiting import follow, until


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
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    if args.cancel is not None:
        return _cancel(args)
    if args.pipeline is None or args.first is None or args.last is None:
        raise UsageError("a PIPELINE, `--from` and `--to` are wanted")
    if args.max_active is not None and args.max_active < 1:
        raise UsageError(f"`--max-active` wants a number from 1 on, found {args.max_active}")
    wish = {
        "from": args.first,
        "to": args.last,
        "reprocess": args.reprocess,
        "max_active": args.max_active,
        "dry_run": args.dry_run,
        "param_texts": given(args.param),
    }
    with source(args) as asked:
        told = asked.backfill(args.pipeline, wish)
        if told["backfill_id"] is None:
            return _preview(args, told)
        runs = [row["run_id"] for row in told["runs"]]
        states = follow(asked, runs) if args.wait else asked.states(runs)
    _tell(args, told, dict(zip(runs, states, strict=True)))
    return 0 if not args.wait or set(states) == {"success"} else 1


def _preview(args: argparse.Namespace, told: dict[str, Any]) -> int:
    rows = told["ticks"]
    if args.format == "json":
        made = {"backfill_id": None, "pipeline": told["pipeline"], "runs": []}
        options.print_json(rows if args.dry_run else made)
    elif not rows:
        sys.stderr.write(
            "there is nothing to run: the range has no tick, or each has a run already, which stays\n"
        )
    else:
        for row in rows:
            sys.stdout.write(
                row["logical_date"] + (f"  {row['run_id']} again" if row["run_id"] else "") + "\n"
            )
        sys.stdout.write(f"{len(rows)} {'run' if len(rows) == 1 else 'runs'} would be made\n")
    return 0


def _tell(args: argparse.Namespace, told: dict[str, Any], states: dict[str, str]) -> None:
    name = told["backfill_id"]
    if args.format == "json":
        runs = [{"run_id": run, "state": state} for run, state in states.items()]
        options.print_json({"backfill_id": name, "pipeline": told["pipeline"], "runs": runs})
        return
    for run, state in states.items():
        sys.stdout.write(f"{run} {state}\n")
    sys.stdout.write(f"{name}: {len(states)} {'run' if len(states) == 1 else 'runs'}\n")


def _cancel(args: argparse.Namespace) -> int:
    if args.pipeline is not None or args.first is not None or args.last is not None:
        raise UsageError("`--cancel` stands alone: the backfill's id says which runs are meant")
    with source(args) as asked:
        runs = asked.end_backfill(args.cancel)
        until(asked, lambda: not {"queued", "running"} & set(asked.states(runs)))
        told = [{"run_id": run, "state": state} for run, state in zip(runs, asked.states(runs), strict=True)]
    if args.format == "json":
        options.print_json({"backfill_id": args.cancel, "runs": told})
    else:
        for row in told:
            sys.stdout.write(f"{row['run_id']} {row['state']}\n")
        sys.stdout.write(
            f"{args.cancel} is cancelled, {len(told)} {'run' if len(told) == 1 else 'runs'} of it\n"
        )
    return 0
