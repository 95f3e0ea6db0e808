"""The pipelines of this project, and how the newest run of each went."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from yamldag.cli import options
from yamldag.cli.records import print_table, short
from yamldag.cli.source import add_source, source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_format(parser, "text", "json")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    with source(args) as asked:
        rows, broken = asked.pipelines(), asked.broken
    if broken and args.format != "json":
        options.show_diagnostics(list(broken))
    if args.format == "json":
        options.print_json(rows)
    elif rows:
        _print(rows)
    else:
        sys.stderr.write(
            "there are no pipelines here yet; `yamldag init` makes a project that runs at once\n"
        )
    return 0


def _print(rows: list[dict[str, Any]]) -> None:
    cells = [
        (
            row["pipeline"],
            _when(row),
            row["tasks"],
            (row["last_run"] or {}).get("state"),
            short((row["last_run"] or {}).get("created_at")),
            row["file"],
        )
        for row in rows
    ]
    print_table(("PIPELINE", "SCHEDULE", "TASKS", "LAST RUN", "AT (UTC)", "FILE"), cells)


def _when(row: dict[str, Any]) -> str:
    if row["removed"]:
        return "(removed)"
    if not row["valid"]:
        return "(has errors)"
    return _schedule(row["schedule"]) + (" (paused)" if row["paused"] else "")


def _schedule(value: object) -> str:
    if value is None:
        return "by hand"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
