"""Show the project on a web page, and run nothing: schedulers are processes of their own.

What is asked on its pages, or of its API, is written into the database: whichever `yamldag scheduler` or
`yamldag serve` is at work there does it. The pages say whether one is. Logs are read from the project's folder, so
on another machine than theirs it wants to be shared.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from yamldag.cli import listening, options, scheduling
from yamldag.cli.databases import made
from yamldag.web.address import address_of

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.engine.watch import Watch
    from yamldag.store.database import Database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    listening.add_address(parser)
    scheduling.add_log_format(parser)
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    from yamldag.engine.service import signals
    from yamldag.web.server import serving

    listening.check(args)
    scheduling.log_as(args.log_format)
    project = options.project(args)
    listening.refuse_strangers(project, args)
    provider = listening.provider()
    listener, address = listening.listen(args)
    try:
        with made(project) as database:
            watch = _watch(project, database)
            place = address_of(args.host, listener.getsockname()[1], args.url)
            folder = Path(project.state_folder)
            tell = scheduling.tell if scheduling.is_for_programs() else None
            with signals(watch), serving(listener, watch.board, database.url, folder, place, provider, tell):
                scheduling.greet(watch.catalogue, f"yamldag shows {{pipelines}} at {address} (Ctrl-C stops)")
                watch.run()
        scheduling.say("stopped")
    finally:
        listener.close()
    return 0


def _watch(project: Project, database: Database) -> Watch:
    from yamldag.engine.schedule.catalogue import Catalogue, last_good
    from yamldag.engine.takeover.lives import lease_of
    from yamldag.engine.watch import Watch
    from yamldag.operators import catalog

    catalog.look_in(project.root, project.plugins)
    catalogue = Catalogue(project, lambda: last_good(database, project.root))
    return Watch(database, catalogue, lease_of(os.environ), scheduling.say)
