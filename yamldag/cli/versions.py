"""The versions of a pipeline that schedulers and runs have seen, the newest first, or what differs between two of
them."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from typing import Any

from yamldag.cli import options
from yamldag.cli.records import print_table, short
from yamldag.cli.source import add_source, source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE", help="its id")
    parser.add_argument(
        "--diff", nargs=2, metavar=("A", "B"), help="what changed from version A to version B: two numbers"
    )
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    with source(args) as asked:
        found = asked.difference(args.pipeline, *args.diff) if args.diff else None
        rows = asked.versions(args.pipeline) if found is None else []
    if found is not None:
        if args.format == "json":
            options.print_json(found)
        else:
            sys.stdout.write(_text(found) or "they do the same\n")
    elif args.format == "json":
        options.print_json(rows)
    else:
        table = [
            (
                row["version"],
                short(row["first_seen"]),
                row["runs"],
                row["hash"],
                _note(row),
            )
            for row in rows
        ]
        print_table(("VERSION", "FIRST SEEN (UTC)", "RUNS", "HASH", ""), table)
    return 0


def _note(row: dict[str, Any]) -> str:
    coming = row.get("runs_to_come", 0)  # an older server does not say
    goes_on = f"{coming} {'run goes' if coming == 1 else 'runs go'} on by it soon" if coming else ""
    return ", ".join(filter(None, ("newest" if row["current"] else "", goes_on)))


# What differs


def _text(found: dict[str, Any]) -> str:
    lines = [line for change in found["pipeline"] for line in _lines(change, "")]
    lines += [f"- task {name}" for name in found["tasks_removed"]]
    lines += [f"+ task {name}" for name in found["tasks_added"]]
    for name, changes in found["tasks_changed"].items():
        lines += [f"  task {name}", *(line for change in changes for line in _lines(change, "  "))]
    lines += [f"- edge {parent} -> {child}" for parent, child in found["edges_removed"]]
    lines += [f"+ edge {parent} -> {child}" for parent, child in found["edges_added"]]
    return "".join(f"{line}\n" for line in lines)


def _lines(change: dict[str, Any], indent: str) -> list[str]:
    """One key; of texts of several lines only what differs."""
    old, new = _shown(change["old"]), _shown(change["new"])
    if len(old) == len(new) == 1:
        return [
            f"{sign} {indent}{change['key']}: {text}"
            for sign, (text,) in (("-", old), ("+", new))
            if text != "null"
        ]
    told = list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]
    told = [line for line in told if not line.startswith("@@")]
    return [f"  {indent}{change['key']}:", *(f"{line[0]} {indent}  {line[1:]}".rstrip() for line in told)]


def _shown(value: object) -> list[str]:
    if isinstance(value, str) and "\n" in value.rstrip("\n"):
        return value.splitlines()
    return [
        value.rstrip("\n")
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, sort_keys=True)
    ]
