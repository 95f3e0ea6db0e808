"""`yamldag`: finds the command, runs it, and turns what happened into an exit code.

0 fine, 1 the pipeline or the run has failed, 2 wrong usage, 3 our bug, 130 Ctrl-C.
"""

from __future__ import annotations

import sys

COMMANDS = {
    "init": "a project that runs at once",
    "validate": "check pipelines and say all that is wrong",
    "show": "the compiled plan of a pipeline",
    "graph": "draw a pipeline: DOT, SVG, PNG, PDF, Mermaid or HTML",
    "next": "the coming ticks of a pipeline",
    "run": "run a pipeline here and now",
    "serve": "scheduler, executor and web page together",
    "list": "the pipelines of this project",
    "runs": "past and present runs",
    "tasks": "the tasks of a run",
    "logs": "what a task wrote",
    "lint": "validate, and advice on style and safety",
    "explain": "what a diagnostic's code means",
    "schema": "the JSON Schema of pipeline files, for editors",
    "config": "each setting and where it came from",
    "db": "look after the database: upgrade, check",
}
"""Each command lives in the file of its name in this folder, with `add_arguments(parser)` and `run(args) -> int`."""


class Usage(Exception):  # noqa: N818
    """Wrong usage: these words are shown, and the exit code is 2."""


def entry() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    raise NotImplementedError
