"""Print the JSON Schema of pipeline files, operators of plug-ins included: what editors complete and explain by."""

from __future__ import annotations

import argparse
import sys

from yamldag.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there instead of printing it")


def run(args: argparse.Namespace) -> int:
    from yamldag.operators import catalog

    if not args.output:
        options.print_json(catalog.bundle())
        return 0
    import json

    with open(args.output, "w", encoding="utf-8") as file:
        file.write(json.dumps(catalog.bundle(), indent=2, ensure_ascii=False) + "\n")
    sys.stderr.write(f"wrote {args.output}\n")
    return 0
