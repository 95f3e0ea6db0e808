"""The versions of a pipeline that schedulers and runs have seen, the newest first, or what differs between two of
them."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.records import print_table, records, short
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.plan.difference import Change, Difference
    from yamldag.plan.pipeline import Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE", help="its id")
    parser.add_argument(
        "--diff", nargs=2, metavar=("A", "B"), help="what changed from version A to version B: two numbers"
    )
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    with records(options.project(args)) as db:
        rows = _rows(db, args.pipeline)
        plans = [_plan(db, rows, args.pipeline, name) for name in args.diff or ()]
    if plans:
        from yamldag.plan.difference import difference

        found = difference(*plans)
        if args.format == "json":
            options.print_json(_json(found))
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
                "newest" if row["current"] else "",
            )
            for row in rows
        ]
        print_table(("VERSION", "FIRST SEEN (UTC)", "RUNS", "HASH", ""), table)
    return 0


def _rows(db: sa.Connection, pipeline: str) -> list[dict[str, Any]]:
    """The newest version first."""
    from yamldag.engine import times
    from yamldag.store import versions, views

    rows = versions.of(db, pipeline)
    if not rows:
        near = nearest(pipeline, [row["id"] for row in views.pipelines(db)])
        hint = f"; did you mean `{near}`?" if near else "; `yamldag list` names those that are there"
        raise UsageError(f"no run or scheduler has seen a pipeline `{pipeline}`{hint}")
    return [
        {
            "version": row.number,
            "hash": row.hash,
            "first_seen": times.shown(row.created),
            "runs": row.runs,
            "current": row.current,
        }
        for row in reversed(rows)
    ]


def _plan(db: sa.Connection, rows: list[dict[str, Any]], pipeline: str, name: str) -> Plan:
    from yamldag.plan.pipeline import from_text
    from yamldag.store import views

    found = next((row["hash"] for row in rows if name == str(row["version"])), None)
    if found is None:
        raise UsageError(f"`{pipeline}` has no version {name}: its newest is {rows[0]['version']}")
    text = views.plan(db, found)
    assert text is not None
    return from_text(text)


# What differs


def _json(found: Difference) -> dict[str, Any]:
    return {
        "pipeline": [_row(change) for change in found.pipeline],
        "tasks_added": list(found.added),
        "tasks_removed": list(found.removed),
        "tasks_changed": {name: [_row(change) for change in those] for name, those in found.changed.items()},
        "edges_added": [list(edge) for edge in found.edges_added],
        "edges_removed": [list(edge) for edge in found.edges_removed],
    }


def _row(change: Change) -> dict[str, Any]:
    return {"key": change.key, "old": change.old, "new": change.new}


def _text(found: Difference) -> str:
    lines = [line for change in found.pipeline for line in _lines(change, "")]
    lines += [f"- task {name}" for name in found.removed]
    lines += [f"+ task {name}" for name in found.added]
    for name, changes in found.changed.items():
        lines += [f"  task {name}", *(line for change in changes for line in _lines(change, "  "))]
    lines += [f"- edge {parent} -> {child}" for parent, child in found.edges_removed]
    lines += [f"+ edge {parent} -> {child}" for parent, child in found.edges_added]
    return "".join(f"{line}\n" for line in lines)


def _lines(change: Change, indent: str) -> list[str]:
    """One key; of texts of several lines only what differs."""
    old, new = _shown(change.old), _shown(change.new)
    if len(old) == len(new) == 1:
        return [
            f"{sign} {indent}{change.key}: {text}"
            for sign, (text,) in (("-", old), ("+", new))
            if text != "null"
        ]
    told = list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]
    told = [line for line in told if not line.startswith("@@")]
    return [f"  {indent}{change.key}:", *(f"{line[0]} {indent}  {line[1:]}".rstrip() for line in told)]


def _shown(value: object) -> list[str]:
    if isinstance(value, str) and "\n" in value.rstrip("\n"):
        return value.splitlines()
    return [
        value.rstrip("\n")
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, sort_keys=True)
    ]
