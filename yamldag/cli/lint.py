"""All that `validate` says, and advice on top: unused params, needs that others imply, network calls without retries.

`# yamldag: ignore[YD801] why` takes a warning out on its line.
"""

from __future__ import annotations

import argparse

from yamldag.cli import validate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    validate.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return validate.check(args, lints=True)
