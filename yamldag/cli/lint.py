"""All that `validate` says, and advice on top: unused params, needs that others imply, network calls without retries.

`# yamldag: ignore[YD801] why` takes a warning out on its line. `--fix` makes the edits that are safe, such as quotes
around a template, and says what is left.
"""

from __future__ import annotations

import argparse
import sys

from yamldag.cli import options, validate
from yamldag.cli.main import UsageError
from yamldag.operators import catalog

_ROUNDS = 20
"""How often at most what is left is looked at again: an edit can bring another one to light."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    validate.add_arguments(parser)
    parser.add_argument(
        "--fix", action="store_true", help="make the edits that are safe, and say what is left"
    )


def run(args: argparse.Namespace) -> int:
    return _fix(args) if args.fix else validate.check(args, lints=True)


def _fix(args: argparse.Namespace) -> int:
    from yamldag.authoring.mending import mended

    if args.watch:
        raise UsageError("`--fix` can't stand beside `--watch`, which would write while you do")
    catalog.run_plugins(not args.no_plugins)
    made: dict[str, int] = {}
    for _ in range(_ROUNDS):
        compiled, paths = validate.compiled_files(args, lints=True)
        files = list(mended(compiled.found))
        for file in files:
            options.overwrite(file.path, file.data)
            made[file.path] = made.get(file.path, 0) + file.edits
        if not files:
            break
    for path, count in sorted(made.items()):
        sys.stderr.write(f"made {count} edit{'' if count == 1 else 's'} in {path}\n")
    return validate.tell(args, compiled, paths)
