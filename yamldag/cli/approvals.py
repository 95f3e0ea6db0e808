"""What waits for a person's answer: what each asks, of whom, and until when. `yamldag approve` answers."""

from __future__ import annotations

import argparse
import sys

from yamldag.cli import options
from yamldag.cli.records import print_table, short
from yamldag.cli.source import Row, add_source, source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    with source(args) as asked:
        rows = asked.approvals()
    if args.format == "json":
        options.print_json(rows)
    elif rows:
        heads = ("RUN", "TASK", "SINCE", "UNTIL", "FOR", "ASKS")
        print_table(heads, [_cells(row) for row in rows])
    else:
        sys.stderr.write("nothing waits for an answer\n")
    return 0


def label(row: Row) -> str:
    """The task, or the instance of it."""
    return str(row["task"]) if row["map_index"] is None else f"{row['task']}[{row['map_index']}]"


def fields(form: Row | None) -> list[str]:
    """What is to be filled in, as `name: type` each."""
    properties = (form or {}).get("properties") or {}
    return [f"{name}: {_kind(schema)}" for name, schema in properties.items()]


def _kind(schema: Row) -> str:
    kind = schema.get("type", "enum" if "enum" in schema else "any")
    return " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)


def _cells(row: Row) -> tuple[str, ...]:
    wanted = fields(row["form"])
    asks = " ".join(row["message"].split()) + (f" ({', '.join(wanted)})" if wanted else "")
    who = ", ".join(row["approvers"]) or "anyone"
    return row["run_id"], label(row), short(row["since_at"]), short(row["until_at"]), who, asks
