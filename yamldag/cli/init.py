"""Make a project that runs at once: a pipeline, a Python task, the schema for editors, a check for CI. With
--plugin, a package that brings an operator, with its test.

Never writes over a file: if one of its files is there, it says which, and writes nothing. Only a `.gitignore`, which
most folders have, is left as it is.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable

from yamldag import shipped
from yamldag.cli.main import UsageError

SCHEMA = ".yamldag-schema.json"
IGNORED = ".gitignore"
FILES = (
    "yamldag.yml",
    "pipelines/hello.yml",
    "pipelines/hello.py",
    ".github/workflows/pipelines.yml",
    IGNORED,
)
"""What `templates/init/` holds; a new project holds the same and the schema."""
PLUGIN = ("pyproject.toml", "README.md", "package/__init__.py", "package/greet.py", "tests/test_greet.py")
"""What `templates/plugin/` holds; `package` is called as the folder is."""
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", default=".", metavar="DIR", help="where (default: the current folder)"
    )
    parser.add_argument("--plugin", action="store_true", help="a package that brings an operator")


def run(args: argparse.Namespace) -> int:
    folder: str = args.folder
    contents = _package(folder) if args.plugin else _contents()
    ignored = contents.pop(IGNORED) if _is_there(folder, IGNORED) and not args.plugin else None
    _refuse(folder, contents)
    try:
        for name, content in contents.items():
            _write(os.path.join(folder, name), content)
    except OSError as error:
        raise UsageError(f"`{error.filename}` can't be written: {error.strerror}") from None
    sys.stdout.write(_report(folder, list(contents), _NEXT_OF_PLUGIN if args.plugin else _NEXT))
    if ignored is not None:
        lines = " and ".join(f"`{line}`" for line in ignored.splitlines() if not line.startswith("#"))
        sys.stderr.write(
            f"`{os.path.normpath(os.path.join(folder, IGNORED))}` is as it was: it should have {lines}\n"
        )
    return 0


def _is_there(folder: str, name: str) -> bool:
    return os.path.lexists(os.path.join(folder, name))


def _refuse(folder: str, names: Iterable[str]) -> None:
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise UsageError(f"`{folder}` is a file; give a folder, or a name for a new one")
    there = [name for name in names if _is_there(folder, name)]
    if there:
        names = ", ".join(f"`{os.path.normpath(os.path.join(folder, name))}`" for name in there)
        verb = "is" if len(there) == 1 else "are"
        raise UsageError(f"{names} {verb} there already, and nothing is written over; take another folder")


def _contents() -> dict[str, str]:
    import json

    from yamldag.operators import catalog

    contents = {}
    for name in FILES:
        with open(shipped.path("templates", "init", name), encoding="utf-8") as file:
            contents[name] = file.read()
    contents[SCHEMA] = json.dumps(catalog.bundle(), indent=1, ensure_ascii=False) + "\n"
    return contents


def _package(folder: str) -> dict[str, str]:
    name = os.path.basename(os.path.abspath(folder))
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"the folder of a package is called as the package is, and `{name}` is no name for one: "
            "`yamldag init --plugin acme-tools`"
        )
    module, package = name.replace("-", "_"), name.replace("_", "-")
    contents = {}
    for file in PLUGIN:
        with open(shipped.path("templates", "plugin", *file.split("/")), encoding="utf-8") as text:
            written = text.read().replace("acme_tools", module).replace("acme-tools", package)
        contents[file.replace("package/", f"{module}/")] = written
    return contents


def _write(path: str, content: str) -> None:
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "x", encoding="utf-8") as file:
        file.write(content)


_NEXT = (
    "  yamldag validate     check the pipelines\n"
    "  yamldag run hello    run one here and now\n"
    "  yamldag serve        run them on schedule, with a web page\n"
)
_NEXT_OF_PLUGIN = (
    "  pip install -e . pytest\n"
    "  pytest               the operator by itself, and in a pipeline\n"
    "  yamldag plugins      what is there now\n"
)


def _report(folder: str, names: list[str], next_: str) -> str:
    written = "".join(f"  {os.path.normpath(os.path.join(folder, name))}\n" for name in names)
    there = "" if os.path.abspath(folder) == os.getcwd() else f"  cd {folder}\n"
    return f"wrote\n{written}\nnext\n{there}{next_}"
