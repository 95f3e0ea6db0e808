"""The compiled plan of a pipeline: its tasks, what each needs, and when it runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sized
from typing import Any

from yamldag.cli import options
from yamldag.engine.asking.rows import plan_row
from yamldag.plan.hidden import shown_schema
from yamldag.plan.pipeline import Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE", help="its id, or its file")
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    plan = options.plan(args, args.pipeline)
    if args.format == "json":
        options.print_json(plan_row(plan))
    else:
        sys.stdout.write(as_text(plan))
    return 0


def as_text(plan: Plan) -> str:
    from yamldag.syntax.duration import words

    lines = [f"pipeline  {plan.pipeline}", f"file      {plan.file}"]
    if plan.description:
        lines.append(f"about     {plan.description.strip()}")
    if plan.schedule is not None:
        lines.append(f"schedule  {_compact(plan.schedule)} ({plan.timezone}), catchup {plan.catchup}")
    if plan.params:
        lines.append(
            "params    " + ", ".join(_param(param.name, shown_schema(param.schema)) for param in plan.params)
        )
    lines += ["", f"{_count(plan.tasks, 'task')}, {_count(plan.edges, 'edge')}", ""]
    width = min(max((len(task.id) for task in plan.tasks), default=4), 40) + 2
    kinds = max((len(task.operator) for task in plan.tasks), default=4) + 2
    for task in plan.tasks:
        notes = [f"needs {', '.join(task.needs)}"] if task.needs else []
        notes += [task.trigger_rule] if task.trigger_rule != "all_success" else []
        notes += [f"mapped by {task.mapped_by}"] if task.mapped_by else []
        notes += [f"when {' and '.join(map(str, task.when))}"] if task.when else []
        notes += [f"retries {task.retries}"] if task.retries else []
        notes += [f"timeout {words(task.timeout)}"] if task.timeout else []
        lines.append(f"{task.id:{width}}{task.operator:{kinds}}{'; '.join(notes)}".rstrip())
    return "\n".join(lines) + "\n"


def _count(things: Sized, noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _param(name: str, schema: dict[str, Any]) -> str:
    return f"{name}={_compact(schema['default'])}" if "default" in schema else f"{name} (required)"


def _compact(value: object) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
