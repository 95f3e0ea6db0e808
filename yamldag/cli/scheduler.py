"""Run the project without a web page: schedule its pipelines, and run their tasks on this machine.

On PostgreSQL and MariaDB several may be at work at once, `yamldag serve` among them: they share the runs, and go on
with those of one that dies. Ctrl-C (or TERM) is as with `yamldag serve`.
"""

from __future__ import annotations

import argparse

from yamldag.cli import options, scheduling


def add_arguments(parser: argparse.ArgumentParser) -> None:
    scheduling.add_slots(parser)
    scheduling.add_log_format(parser)
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    with (
        scheduling.place(args) as (project, _, executor),
        scheduling.service(project, executor, "scheduler", args.slots) as service,
    ):
        return scheduling.work(service, "yamldag schedules {pipelines} (Ctrl-C stops)")
