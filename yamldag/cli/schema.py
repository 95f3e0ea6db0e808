"""Print the JSON Schema of pipeline files, operators of plug-ins included: what editors complete and explain by."""

from __future__ import annotations

import argparse
import os

from yamldag.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there instead of printing it")


def run(args: argparse.Namespace) -> int:
    from yamldag.compile.project import find
    from yamldag.operators import catalog

    project = find(os.getcwd())
    catalog.look_in(project.root, project.plugins)
    if not args.output:
        options.print_json(catalog.bundle())
        return 0
    import json

    text = json.dumps(catalog.bundle(), indent=2, ensure_ascii=False) + "\n"
    options.write_file(args.output, text.encode())
    return 0
