"""What several commands share: the project, formats, colours, progress."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from yamldag.cli.main import UnsoundError, UsageError

if TYPE_CHECKING:
    from yamldag.compile.compiler import Compiled, Unit
    from yamldag.compile.project import Project
    from yamldag.plan.pipeline import Plan
    from yamldag.syntax.diagnostic import Diagnostic

PROGRESS_AFTER = 1.0
"""Seconds of silence before a long command shows how far it is."""


def add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--env", metavar="NAME", help="the environment of yamldag.yml to use (default: $YAMLDAG_ENV)"
    )


def add_format(parser: argparse.ArgumentParser, *formats: str) -> None:
    """`--format` with these, the first one the default, and `--json`."""
    parser.add_argument(
        "--format", choices=formats, default=formats[0], help="how to print (default: %(default)s)"
    )
    parser.add_argument(
        "--json", action="store_const", const="json", dest="format", help="the same as --format json"
    )


def project(args: argparse.Namespace) -> Project:
    """The project of the current folder, in the environment that `--env` or `$YAMLDAG_ENV` chooses."""
    from yamldag.compile.project import find

    found = find(os.getcwd(), args.env)
    if found.environment and found.file is None:
        raise UsageError(
            f"there is no environment `{found.environment}`: there is no yamldag.yml that declares one"
        )
    if found.unknown:
        raise UsageError(found.unknown)
    return found


def sound_project(args: argparse.Namespace) -> Project:
    """The same, if its file has no errors: else they are printed, and the exit is 1."""
    return sound(project(args))


def sound(found: Project) -> Project:
    if found.broken:
        raise unsound(found.found)
    return found


def running_project(args: argparse.Namespace) -> Project:
    """The project, for a command that starts tasks, if there is what carries them out; else the exit is 1."""
    found = project(args)
    if found.executor is None:
        return found
    from yamldag.compile import executor

    if executor.is_local(found):
        return found
    if wrong := found.found if found.unsure("executor") else list(executor.faults(found)):
        raise unsound(wrong)
    return found


def pipeline(args: argparse.Namespace, target: str) -> Unit:
    """The pipeline that the user named, without errors; else its diagnostics are printed, and the exit is 1."""
    return compiled(project(args), target)[0]


def compiled(project: Project, target: str) -> tuple[Unit, Compiled]:
    """The same, and what was compiled with it."""
    from yamldag.compile.load import find

    unit, compiled, wrong = find(project, target)
    if wrong is not None:
        raise UsageError(wrong)
    if unit is None or not unit.sound or compiled.broken:
        raise unsound(compiled.found, compiled.files, len(compiled.units))
    return unit, compiled


def plan(args: argparse.Namespace, target: str) -> Plan:
    """The plan of the pipeline that the user named."""
    made = pipeline(args, target).plan()
    assert made is not None
    return made


def legible(text: str, what: str) -> str:
    """The same, if it is UTF-8: the shell hands over any bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(text).decode("utf-8", "backslashreplace")
        raise UsageError(f"`{what}` wants UTF-8, found `{shown}`") from None
    return text


def unsound(found: list[Diagnostic], files: int = 1, pipelines: int = 0) -> UnsoundError:
    """What ends a command whose pipeline or project has mistakes, which are shown."""
    from yamldag.syntax.report.machine import as_json

    show_diagnostics(found)
    return UnsoundError(as_json(files, pipelines, found))


def show_diagnostics(found: list[Diagnostic]) -> None:
    """On stderr, as text: for commands whose result is something else."""
    from yamldag.syntax.report.text import draw

    sys.stderr.write(draw(found, colour=colours(sys.stderr)) + "\n")


def colours(stream: object) -> bool:
    """Whether to colour: a terminal, unless NO_COLOR says no; FORCE_COLOR says yes to anything."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    isatty: Callable[[], bool] | None = getattr(stream, "isatty", None)
    return bool(isatty and isatty()) and os.environ.get("TERM") != "dumb"


def write_file(path: str, data: bytes) -> None:
    """What the user asked for as a file; says that it is there."""
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError as error:
        raise UsageError(f"can't write {path}: {(error.strerror or 'unknown reason').lower()}") from None
    sys.stderr.write(f"wrote {path}\n")


def overwrite(path: str, data: bytes) -> None:
    """A file of the user's, anew: whole, or not at all."""
    import shutil

    there = os.path.realpath(path)
    part = f"{there}.part"
    try:
        with open(part, "wb") as file:
            file.write(data)
        shutil.copymode(there, part)
        os.replace(part, there)
    except OSError as error:
        raise UsageError(f"can't write {path}: {(error.strerror or 'unknown reason').lower()}") from None


def print_json(value: object) -> None:
    import json

    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


class Progress:
    """One line on a terminal's stderr that says how far a long command is."""

    def __init__(self, what: str, total: int) -> None:
        self.what = what
        self.total = total
        self._begun = time.monotonic()
        self._shown = 0.0
        self._live = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        if not self._live:
            return
        now = time.monotonic()
        if now - self._begun > PROGRESS_AFTER and now - self._shown > 0.1:
            self._shown = now
            sys.stderr.write(f"\r\x1b[K{self.what}: {done} of {self.total}")
            sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
