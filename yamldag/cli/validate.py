"""Check pipeline files and say all that is wrong with them: every mistake, each in its place.

Without PATH, all pipelines of the project; a folder means the files below it.
Exit code: 0 no errors (warnings are fine), 1 errors, 2 no such path, or no file there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from yamldag.cli import options
from yamldag.cli.main import UsageError
from yamldag.compile.compiler import Compiled
from yamldag.compile.files import below
from yamldag.compile.load import compile_files
from yamldag.compile.project import Project
from yamldag.operators import catalog
from yamldag.syntax.diagnostic import Diagnostic

MOST_DRAWN = 500
"""Diagnostics of one file that are drawn as text."""
FORMATS = ("text", "json", "sarif", "github", "junit")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files or folders (default: the whole project)"
    )
    options.add_format(parser, *FORMATS)
    options.add_project(parser)
    parser.add_argument(
        "--watch", action="store_true", help="check again whenever a file changes; Ctrl-C ends it"
    )
    parser.add_argument(
        "--no-plugins",
        action="store_true",
        help="run no plug-in: go by schemas that are written out in their files, and say what is not checked",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no summary line")


def run(args: argparse.Namespace) -> int:
    return check(args, lints=False)


def check(args: argparse.Namespace, *, lints: bool) -> int:
    """Validate, with or without the lints."""
    catalog.run_plugins(not args.no_plugins)
    if args.watch:
        return _watch(args, options.project(args), lints=lints)
    compiled, paths = compiled_files(args, lints=lints)
    return tell(args, compiled, paths)


def compiled_files(args: argparse.Namespace, *, lints: bool) -> tuple[Compiled, list[str]]:
    """What the user asks for, as it is now, and the paths of it."""
    project = options.project(args)
    paths = _paths(args.paths, project)
    progress = options.Progress("checking", len(paths))
    compiled = compile_files(project, paths, lints=lints or bool(project.lints[0]), progress=progress)
    progress.end()
    return compiled, paths


def tell(args: argparse.Namespace, compiled: Compiled, paths: list[str]) -> int:
    """Print what was found; the exit code."""
    sys.stdout.write(_printed(compiled, args, paths))
    if args.no_plugins:
        _tell_of_unchecked()
    return 1 if compiled.broken else 0


def _tell_of_unchecked() -> None:
    for plugin in catalog.plugins().unchecked():
        sys.stderr.write(
            f"`{plugin.name}` is from {plugin.origin}, which was not run: what it takes is not checked\n"
        )


def _can_be_read(folders: list[str]) -> None:
    """A folder that keeps its files to itself is not an empty one."""
    for folder in folders:
        try:
            os.scandir(folder).close()
        except FileNotFoundError:
            continue
        except OSError as problem:
            why = (problem.strerror or "no reason given").lower()
            raise UsageError(f"the folder `{os.path.relpath(folder)}` can't be read: {why}") from None


def _paths(given: list[str], project: Project) -> list[str]:
    if not given:
        found = project.files()
        if not found and not project.broken:
            _can_be_read(project.folders)
            folders = " and ".join(os.path.relpath(folder) for folder in project.folders)
            raise UsageError(
                f"there is no pipeline file in {folders}; `yamldag init` makes a project to begin with"
            )
        return found
    paths: list[str] = []
    for path in given:
        if os.path.isdir(path):
            inside = below(path, project.root)
            if not inside:
                raise UsageError(f"there is no pipeline file (*.yml, *.yaml) in `{path}`")
            paths += inside
        elif os.path.exists(path):
            paths.append(path)
        else:
            raise UsageError(f"there is no file or folder `{path}`")
    by_place = {os.path.abspath(path): path for path in reversed(paths)}
    if project.file is not None:  # its mistakes are told whatever is asked for
        by_place.pop(os.path.abspath(project.file), None)
    return sorted(by_place.values())


def _printed(compiled: Compiled, args: argparse.Namespace, paths: list[str]) -> str:
    printers: dict[str, Callable[[], str]] = {
        "text": lambda: _text(compiled, quiet=args.quiet),
        "json": lambda: _json(compiled),
        "sarif": lambda: _sarif(compiled),
        "github": lambda: _github(compiled, quiet=args.quiet),
        "junit": lambda: _junit(compiled, paths),
    }
    return printers[args.format]()


def _text(compiled: Compiled, *, quiet: bool) -> str:
    from yamldag.syntax.report.text import draw, summary

    shown, left_out = _first_of_each_file(compiled.found)
    parts = [draw(shown, colour=options.colours(sys.stdout))] if shown else []
    parts += [f"… and {count} more in {path}: `--json` has them all" for path, count in left_out.items()]
    if not quiet:
        parts.append(summary(compiled.files, len(compiled.units), compiled.found))
    return "\n\n".join(parts) + "\n" if parts else ""


def _first_of_each_file(found: list[Diagnostic]) -> tuple[list[Diagnostic], dict[str, int]]:
    """What is drawn, and how many are left out of each file: nobody reads the ten-thousandth."""
    seen: dict[str, int] = {}
    shown = []
    for one in found:
        path = one.place.source.path
        seen[path] = seen.get(path, 0) + 1
        if seen[path] <= MOST_DRAWN:
            shown.append(one)
    return shown, {path: count - MOST_DRAWN for path, count in seen.items() if count > MOST_DRAWN}


def _json(compiled: Compiled) -> str:
    import json

    from yamldag.syntax.report.machine import as_json

    document = as_json(compiled.files, len(compiled.units), compiled.found)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _sarif(compiled: Compiled) -> str:
    import json

    from yamldag.syntax.report.sarif import as_sarif

    return json.dumps(as_sarif(compiled.found), indent=2, ensure_ascii=False) + "\n"


def _github(compiled: Compiled, *, quiet: bool) -> str:
    from yamldag.syntax.report.github import as_github
    from yamldag.syntax.report.text import summary

    lines = "".join(f"{line}\n" for line in as_github(compiled.found).splitlines())
    return lines if quiet else lines + summary(compiled.files, len(compiled.units), compiled.found) + "\n"


def _junit(compiled: Compiled, paths: list[str]) -> str:
    from yamldag.compile.files import shown
    from yamldag.syntax.report.junit import as_junit

    return as_junit([shown(path) for path in paths], compiled.found) + "\n"


def _watch(args: argparse.Namespace, project: Project, *, lints: bool) -> int:
    import time

    from yamldag.compile.workspace import Workspace

    workspace = Workspace(lambda: _paths(args.paths, project), project, lints=lints)
    while True:
        changed = workspace.refresh()
        if changed:
            result = workspace.result()
            sys.stdout.write(_printed(result, args, workspace.paths))
            if args.format == "text":
                noun = "file" if len(changed) == 1 else "files"
                sys.stdout.write(f"compiled {len(changed)} {noun}; waiting for a change (Ctrl-C ends)\n")
            sys.stdout.flush()
        time.sleep(0.3)
