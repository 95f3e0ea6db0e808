"""The inputs: made anew, the same each time."""

from __future__ import annotations

import random
from pathlib import Path

SCRIPT = "true"


def tasks(count: int, name: str = "big") -> str:
    """`bash` tasks with two needs each, every third with a template."""
    rng = random.Random(1)
    lines = [f"pipeline: {name}", "params: {day: monday}", "tasks:"]
    for number in range(count):
        lines.append(f"  task_{number:05}:")
        if number > 2:
            needs = sorted({rng.randrange(max(0, number - 50), number) for _ in range(2)})
            lines.append(f"    needs: [{', '.join(f'task_{need:05}' for need in needs)}]")
        day = "--day {{ params.day }}" if number % 3 == 0 else "--all"
        lines += [f"    bash: ./run.sh --number {number} {day}", "    retries: 2", "    timeout: 5m"]
    return "\n".join(lines) + "\n"


def many(folder: Path, files: int, each: int) -> None:
    folder.mkdir()
    for number in range(files):
        (folder / f"p{number:04}.yml").write_text(tasks(each, f"p{number}"))


Graph = dict[int, list[int]]


def independent(count: int) -> Graph:
    return {number: [] for number in range(count)}


def layers(count: int, wide: int) -> Graph:
    """Layers of `wide` tasks, each with two parents in the layer above."""
    graph: Graph = {}
    for number in range(count):
        above = (number // wide - 1) * wide
        parents = {above + number * 7 % wide, above + (number * 13 + 1) % wide} if above >= 0 else set()
        graph[number] = sorted(parents)
    return graph


def chain(count: int) -> Graph:
    return {number: [number - 1] if number else [] for number in range(count)}


def mapped(name: str, operator: str, slots: int) -> str:
    """One task for each number below the param `n`."""
    head = f"pipeline: {name}\nmax_active_tasks: {slots}\nparams: {{n: 1000}}\n"
    args = "\n    args: {x: '{{ item }}'}" if operator.startswith("python") else ""
    return f"{head}tasks:\n  t:\n    foreach: '{{{{ range(params.n) }}}}'\n    {operator}{args}\n"


def as_pipeline(graph: Graph, slots: int, script: str = SCRIPT) -> str:
    lines = ["pipeline: bench", f"max_active_tasks: {slots}", "tasks:"]
    for number, parents in graph.items():
        needs = f"needs: [{', '.join(f't{parent}' for parent in parents)}], " if parents else ""
        lines.append(f"  t{number}: {{{needs}bash: '{script}'}}")
    return "\n".join(lines) + "\n"


def as_ninja(graph: Graph, script: str = SCRIPT) -> str:
    lines = ["rule bash", f"  command = bash -euo pipefail -c {script}"]
    lines += [
        f"build t{number}: bash {' '.join(f't{one}' for one in above)}" for number, above in graph.items()
    ]
    return "\n".join(lines) + "\n"


def as_make(graph: Graph) -> str:
    lines = [
        "SHELL = bash",
        ".SHELLFLAGS = -euo pipefail -c",
        f".PHONY: all {' '.join(f't{n}' for n in graph)}",
    ]
    lines.append(f"all: {' '.join(f't{number}' for number in graph)}")
    for number, above in graph.items():
        lines += [f"t{number}: {' '.join(f't{one}' for one in above)}", f"\t@{SCRIPT} ;"]
    return "\n".join(lines) + "\n"
