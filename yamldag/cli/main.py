"""`yamldag`: finds the command, runs it, and turns what happened into an exit code.

0 fine, 1 the pipeline or the run has failed, 2 wrong usage, 3 our bug, 130 Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

COMMANDS = {
    "init": "a project that runs at once",
    "validate": "check pipelines and say all that is wrong",
    "show": "the compiled plan of a pipeline",
    "graph": "draw a pipeline: DOT, SVG, PNG, PDF, Mermaid or HTML",
    "next": "the coming ticks of a pipeline",
    "run": "run a pipeline here and now",
    "serve": "scheduler, executor and web page together",
    "trigger": "ask for a run, which a scheduler starts",
    "cancel": "stop a run",
    "clear": "run tasks of a run again",
    "retry": "run again what failed in a run",
    "mark": "give a task of a run a state by hand",
    "approvals": "what waits for a person's answer",
    "approve": "say yes or no to what a task asks",
    "pause": "hold a pipeline's schedule",
    "unpause": "let a paused pipeline go on",
    "backfill": "run the ticks of a range",
    "scheduler": "the same without the web page; several share a server's database",
    "web": "the web page alone, beside schedulers",
    "list": "the pipelines of this project",
    "runs": "past and present runs",
    "tasks": "the tasks of a run",
    "logs": "what a task wrote",
    "why": "why a task is not running",
    "versions": "the versions of a pipeline, and what differs between two",
    "pools": "bounds that pipelines share: list, set, delete",
    "connections": "the systems that tasks reach: list, test",
    "secrets": "the secrets that tasks may use, and where their values come from",
    "plugins": "the plug-ins that this project has, and whether they can be used",
    "users": "who may log in: add, list, set-role, passwd, disable, enable, delete",
    "tokens": "what programs ask by: add, list, revoke",
    "webhooks": "other systems that ask for runs by signed messages: add, list, revoke",
    "lint": "validate, and advice on style and safety",
    "explain": "what a diagnostic's code means",
    "schema": "the JSON Schema of pipeline files, for editors",
    "config": "each setting and where it came from",
    "db": "look after the database: upgrade, check, prune",
    "doctor": "look over the installation and the database",
}
"""Each command lives in the file of its name in this folder, with `add_arguments(parser)` and `run(args) -> int`."""

LONG = frozenset(("serve", "scheduler", "web", "run"))


class UsageError(Exception):
    """Wrong usage: these words are shown, and the exit code is 2."""


class UnsoundError(Exception):
    """The pipeline has errors, which have been shown: the exit code is 1, and with `--json` they are the result."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__()
        self.document = document
        """As `yamldag validate --json` prints it."""


def entry() -> NoReturn:
    """The console script. Leaves without tearing the interpreter down: a third of a short command's time."""
    from yamldag.cli import streams

    streams.make_ready()
    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError as problem:  # whoever read the pipe has gone, or the disk is full
        code = code or _unheard(problem)
    with suppress(OSError):  # what was told on the way is no result
        sys.stderr.flush()
    if sys.gettrace() is None and "coverage" not in sys.modules:
        os._exit(code)
    sys.exit(code)


def main(arguments: list[str]) -> int:
    """Run one command and say how it ended."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        return _help(arguments)
    if arguments[0] in ("-V", "--version"):
        return _version()
    name, *rest = arguments
    if name not in COMMANDS:
        return _unknown(name)
    return _guarded(name, rest)


def _guarded(name: str, arguments: list[str]) -> int:
    try:
        return _command(name, arguments)
    except UsageError as wrong:
        sys.stderr.write(f"yamldag {name}: {wrong}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as problem:
        from yamldag.cli import streams
        from yamldag.engine.refused import Refused

        if isinstance(problem, OSError) and streams.refused(problem):
            return _unheard(problem)
        if isinstance(problem, Refused):
            sys.stderr.write(f"yamldag {name}: {problem}\n")
            return 2
        return _our_bug(name, problem)


def _command(name: str, arguments: list[str]) -> int:
    import gc
    import importlib

    from yamldag.cli.parser import Parser

    if name not in LONG:
        # What a compiler makes lives until it ends: looking for garbage in it would double its time.
        gc.disable()
    module = importlib.import_module(f"yamldag.cli.{name}")
    parser = Parser(name, (module.__doc__ or COMMANDS[name]).strip(), _columns())
    module.add_arguments(parser)
    try:
        parsed = parser.read(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        code: int = module.run(parsed)
    except UnsoundError as unsound:
        if getattr(parsed, "format", None) == "json":
            import json

            sys.stdout.write(json.dumps(unsound.document, indent=2, ensure_ascii=False) + "\n")
        return 1
    return code


def _columns() -> int:
    """As argparse would take it, which loads three compressors to ask the terminal."""
    try:
        return int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(1).columns - 2
    except (OSError, ValueError):
        return 78


def _help(arguments: list[str]) -> int:
    if len(arguments) > 1 and arguments[1] in COMMANDS:
        return _guarded(arguments[1], ["--help"])
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:{width}}{words}" for name, words in COMMANDS.items()]
    sys.stdout.write(
        "yamldag: pipelines written as YAML, checked like a program, drawn, and run on schedule\n\n"
        "usage: yamldag COMMAND [ARGUMENTS]\n\n" + "\n".join(lines) + "\n\n"
        "`yamldag COMMAND --help` tells more. Begin with `yamldag init` in an empty folder.\n"
    )
    return 0


def _version() -> int:
    from yamldag import __version__

    sys.stdout.write(f"yamldag {__version__}\n")
    return 0


def _unknown(name: str) -> int:
    from yamldag.syntax.nearest import nearest

    near = nearest(name, COMMANDS)
    hint = f"did you mean `yamldag {near}`?" if near else "`yamldag --help` lists the commands."
    sys.stderr.write(f"yamldag: there is no command `{name}`; {hint}\n")
    return 2


def _unheard(problem: OSError) -> int:
    """Nobody takes what the command says. Whoever reads a pipe may leave; a full disk is told, if that can be."""
    if not isinstance(problem, BrokenPipeError):
        with suppress(OSError):
            sys.stderr.write(f"yamldag: the output can't be written: {(problem.strerror or '').lower()}\n")
            sys.stderr.flush()
    return 1


def _our_bug(name: str, problem: Exception) -> int:
    """The one place that catches everything: what comes here is a mistake of ours, and the log says which."""
    from yamldag.bug import write_log

    log = write_log(f"command: {sys.argv}", problem)
    sys.stderr.write(
        f"yamldag {name}: this is a bug in yamldag, not a mistake of yours. "
        f"Please report it with this log: {log}\n"
    )
    return 3
