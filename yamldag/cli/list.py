"""The pipelines of this project, and how the newest run of each went."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.records import exists, print_table, records, short

if TYPE_CHECKING:
    from yamldag.compile.compiler import Unit
    from yamldag.compile.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    from yamldag.compile.load import compile_files

    project = options.project(args)
    compiled = compile_files(project, project.files())
    known = _recorded(project)
    there = [_row(unit, known.pop(unit.name, None)) for unit in compiled.units]
    gone = [_removed(name, row) for name, row in known.items() if row["removed"]]
    rows = sorted(there + gone, key=lambda row: row["pipeline"])
    if compiled.broken and args.format != "json":
        options.show_diagnostics(compiled.found)
    if args.format == "json":
        options.print_json(rows)
    elif rows:
        _print(rows)
    else:
        sys.stderr.write(
            "there are no pipelines here yet; `yamldag init` makes a project that runs at once\n"
        )
    return 0


def _row(unit: Unit, known: dict[str, Any] | None) -> dict[str, Any]:
    plan = unit.plan()
    return {
        "pipeline": unit.name,
        "file": os.path.relpath(unit.path, unit.project.root) if plan is None else plan.file,
        "valid": plan is not None,
        "schedule": plan and plan.schedule,
        "timezone": plan and plan.timezone,
        "tasks": None if plan is None else len(plan.tasks),
        "tags": None if plan is None else list(plan.tags),
        "paused": bool(known and known["paused"]),
        "removed": False,
        "last_run": known and known["run"],
    }


def _removed(name: str, known: dict[str, Any]) -> dict[str, Any]:
    """A pipeline whose file a scheduler has seen to be gone: its runs are kept."""
    unknown = dict.fromkeys(("schedule", "timezone", "tasks", "tags"))
    return {
        "pipeline": name,
        "file": known["file"],
        "valid": False,
        **unknown,
        "paused": known["paused"],
        "removed": True,
        "last_run": known["run"],
    }


def _recorded(project: Project) -> dict[str, dict[str, Any]]:
    """What is recorded of each pipeline."""
    if not exists(project):
        return {}
    from yamldag.engine import times
    from yamldag.store import views

    with records(project) as db:
        rows = views.pipelines(db)
    return {
        row["id"]: {
            "file": row["file"],
            "paused": bool(row["paused"]),
            "removed": row["removed"] is not None,
            "run": row["run"]
            and {
                "run_id": row["run"],
                "state": row["state"],
                "created_at": times.shown(row["created"]),
                "logical_date": times.read(row["logical_date"]).isoformat(),
            },
        }
        for row in rows
    }


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
