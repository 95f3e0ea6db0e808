"""Print each setting, its value and where it came from: yamldag.yml, an environment of it, a variable, a default."""

from __future__ import annotations

import argparse
import json
import sys

from yamldag.cli import options
from yamldag.compile.project import Setting
from yamldag.store.drivers.urls import without_password


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def _harmless(one: Setting) -> Setting:
    """A password is shown to nobody."""
    return one._replace(value=without_password(str(one.value))) if one.name == "database" else one


def run(args: argparse.Namespace) -> int:
    project = options.project(args)
    settings = [_harmless(one) for one in project.settings()]
    if args.format == "json":
        options.print_json([{"name": one.name, "value": one.value, "from": one.origin} for one in settings])
    else:
        width = max(len(one.name) for one in settings) + 2
        for one in settings:
            value = one.value if isinstance(one.value, str) else json.dumps(one.value, ensure_ascii=False)
            sys.stdout.write(f"{one.name:{width}}{value}  ({one.origin})\n")
    if project.found:
        options.show_diagnostics(project.found)
    return 1 if project.broken else 0
