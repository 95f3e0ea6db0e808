"""Let a paused pipeline go on. With `catchup: all` it goes on from where it stopped, else from now."""

from __future__ import annotations

import argparse

from yamldag.cli import pause


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pause.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return pause.set_paused(args, paused=False)
