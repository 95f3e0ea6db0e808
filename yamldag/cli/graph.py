"""Draw a pipeline. The format is that of FILE's ending, else `--format`, else DOT; groups are frames, dashed edges come
from references in templates. `--run` colours the tasks by their states in a run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.plan.pipeline import Plan

FORMATS = ("dot", "svg", "png", "pdf", "mermaid", "html")
ENDINGS = {
    ".dot": "dot", ".gv": "dot", ".svg": "svg", ".png": "png", ".pdf": "pdf",
    ".mmd": "mermaid", ".mermaid": "mermaid", ".html": "html", ".htm": "html",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE", help="its id, or its file")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there")
    parser.add_argument("--format", choices=FORMATS, help="instead of what FILE's ending says")
    parser.add_argument("--run", metavar="ID", help="colour it by the states of this run")
    parser.add_argument("--open", action="store_true", help="open the picture (HTML unless told otherwise)")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    chosen = _format(args)
    plan, states = _plan(args)
    drawn, note = draw(plan, chosen, states)
    if note:
        sys.stderr.write(f"note: {note}\n")
    if drawn is None:
        return 1
    path = _write(args, plan, chosen, drawn)
    if args.open and path:
        import webbrowser

        webbrowser.open(f"file://{os.path.abspath(path)}")
    return 0


def draw(plan: Plan, chosen: str, states: Mapping[str, str] | None) -> tuple[str | bytes | None, str | None]:
    """The drawing, and what the user should know of it."""
    from yamldag.render import dot, html, mermaid, svg

    match chosen:
        case "dot":
            return dot.dot(plan, states), None
        case "mermaid":
            return mermaid.mermaid(plan, states), None
        case "svg":
            return svg.svg(plan, states)
        case "html":
            return html.html(plan, states)
    made = dot.binary(plan, "png" if chosen == "png" else "pdf", states)
    return (made, None) if isinstance(made, bytes) else (None, made.message)


def _format(args: argparse.Namespace) -> str:
    if args.format:
        return str(args.format)
    if args.output:
        ending = os.path.splitext(args.output)[1].lower()
        if ending not in ENDINGS:
            raise UsageError(
                f"`{args.output}` does not end in a known format; give --format: {', '.join(FORMATS)}"
            )
        return ENDINGS[ending]
    return "html" if args.open else "dot"


def _plan(args: argparse.Namespace) -> tuple[Plan, Mapping[str, str] | None]:
    if not args.run:
        return options.plan(args, args.pipeline), None

    from yamldag.cli.records import find_run, records
    from yamldag.engine.asking.rows import task_rows
    from yamldag.plan.pipeline import from_text
    from yamldag.store import views

    with records(options.project(args)) as db:
        found = find_run(db, args.run)
        stored = views.plan(db, found["version"]) if found["version"] else None
        rows = task_rows(db, found)
    if stored is None:
        return options.plan(args, args.pipeline), {}
    states: dict[str, list[str]] = {}
    for row in rows:
        states.setdefault(row["id"], []).append(row["state"])
    return from_text(stored), {task: _together(several) for task, several in states.items()}


LOUDEST = ("running", "up_for_retry", "queued", "failed", "upstream_failed", "success", "skipped")


def _together(states: list[str]) -> str:
    """One state for the instances of a mapped task: whatever still goes on, else as its end is told."""
    return next((state for state in LOUDEST if state in states), states[0])


def _write(args: argparse.Namespace, plan: Plan, chosen: str, drawn: str | bytes) -> str | None:
    data = drawn.encode() if isinstance(drawn, str) else drawn
    path = args.output
    if not path and args.open:
        import tempfile

        path = os.path.join(tempfile.mkdtemp(prefix="yamldag-"), f"{plan.pipeline}.{chosen}")
    if not path:
        sys.stdout.buffer.write(data if data.endswith(b"\n") or chosen in ("png", "pdf") else data + b"\n")
        sys.stdout.buffer.flush()
        return None
    options.write_file(path, data)
    return str(path)
