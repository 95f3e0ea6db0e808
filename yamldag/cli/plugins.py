"""The plug-ins that this project has: what they are, where they come from, and whether they can be used.

They are looked for in the project's folder `plugins/`, in the modules that `plugins:` of yamldag.yml names, and
among what is installed. Exit code 1 if one can't be used.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from yamldag.cli import options
from yamldag.cli.records import print_table

_ONE = {"operators": "operator", "notifiers": "notifier", "secrets": "secrets", "executors": "executor"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_format(parser, "text", "json")
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    from yamldag.operators import catalog

    project = options.sound_project(args)
    catalog.look_in(project.root, project.plugins)
    found = _rows()
    if args.format == "json":
        options.print_json(found)
    elif found:
        cells = [
            (row["name"], row["kind"], row["origin"], row["state"], row["note"] or row["description"])
            for row in found
        ]
        print_table(("PLUG-IN", "KIND", "FROM", "STATE", ""), cells)
    else:
        sys.stderr.write(
            "there are no plug-ins; `plugins/shout.py` at the project's root would bring the operator `shout`\n"
        )
    return 1 if any(row["state"] != "ok" for row in found) else 0


def _rows() -> list[dict[str, Any]]:
    from yamldag.operators import catalog

    known = catalog.plugins()
    found = [_row(each, told) for each, told in known.states()]
    return found + [
        {
            "name": module,
            "kind": None,
            "origin": module,
            "version": None,
            "file": None,
            "state": "missing",
            "description": "",
            "note": f"`plugins:` names the module `{module}`, which is not there",
        }
        for module in known.missing
    ]


def _row(plugin: Any, told: Any) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "kind": _ONE.get(plugin.kind, plugin.kind),
        "origin": plugin.origin,
        "version": plugin.version,
        "file": plugin.file,
        "state": "broken" if told.fault else "ok",
        "description": told.description,
        "note": told.fault,
    }
