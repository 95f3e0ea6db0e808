"""Why a task is not running: each condition with its answer, who holds it, until when. Of one that has ended: how it
came to that."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.cli.progress import item_words
from yamldag.cli.records import find_run, records
from yamldag.plan.state import TaskState
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    from yamldag.engine.asking.why import Answer
    from yamldag.engine.memory.run import Instance, Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id, or a pipeline's id for its newest run")
    parser.add_argument(
        "task", metavar="TASK", help="its id; one instance of a mapped task as `load[0]`, or by its item"
    )
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    from yamldag.engine.asking.circumstances import circumstances, stored_run
    from yamldag.engine.asking.why import why

    project = options.project(args)
    with records(project) as db:
        row = find_run(db, args.run)
        found = stored_run(db, row)
        instances = meant(found, args.task)
        instance = min(instances, key=_of_interest)
        answer = why(found, row["state"], instance, circumstances(db, row, found, instance))
    others = dict(Counter(str(each.state) for each in instances))
    if args.format == "json":
        options.print_json(_json(row["id"], row["state"], instance, answer, others))
    else:
        sys.stdout.write(_text(f"`{instance.label}` of run {row['id']}", str(instance.state), answer, others))
    return 0


def meant(run: Run, named: str) -> list[Instance]:
    """The instances of the task that the user named: all, or the one in brackets, by its index or its item."""
    match = re.fullmatch(r"(.+?)(?:\[(.*)\])?", named, re.DOTALL)
    task, which = (match[1], match[2]) if match else (named, None)
    node = run.nodes.get(task)
    if node is None:
        near = nearest(task, run.nodes)
        raise UsageError(f"run {run.id} has no task `{task}`" + (f"; did you mean `{near}`?" if near else ""))
    if which is None:
        return node.instances
    there = [each for each in node.instances if each.index >= 0]
    found = [each for each in there if which == str(each.index)]
    found = found or [each for each in there if which == item_words(each.item, -1)]
    if not found:
        raise UsageError(f"`{task}` of run {run.id} has no instance `{which}`")
    return found[:1]


def _of_interest(instance: Instance) -> tuple[int, int]:
    """Of many instances one that waits, else one that has failed."""
    order = {TaskState.FAILED: 2, TaskState.UPSTREAM_FAILED: 3, TaskState.SKIPPED: 4, TaskState.SUCCESS: 5}
    running = instance.state in (TaskState.QUEUED, TaskState.RUNNING)
    return order.get(instance.state, 1 if running else 0), instance.index


def _json(
    run_id: str, run_state: str, instance: Instance, answer: Answer, others: dict[str, int]
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "run_state": run_state,
        "task": instance.node.task.id,
        "map_index": None if instance.index < 0 else instance.index,
        "state": str(instance.state),
        "waiting": answer.waiting,
        "conditions": [
            {"what": each.what, "holds": each.holds, "detail": each.detail, "until": each.until}
            for each in answer.conditions
        ],
        "instances": others,
    }


def _text(title: str, state: str, answer: Answer, others: dict[str, int]) -> str:
    lines = [f"{title} is {state}"]
    width = max((len(each.what) for each in answer.conditions), default=0)
    for each in answer.conditions:
        mark = ("yes" if each.holds else "no ") if answer.waiting else "   "
        until = f" (until {each.until[:19].replace('T', ' ')}Z)" if each.until and answer.waiting else ""
        lines.append(f"  {mark}  {each.what:{width}}  {each.detail}{until}")
    if sum(others.values()) > 1:
        told = ", ".join(f"{number} {state}" for state, number in others.items())
        lines.append(f"its instances: {told}")
    return "\n".join(lines) + "\n"
