"""Run the project: schedule its pipelines, run their tasks on this machine, and show it all on a web page.

Files that change are read again; one that is broken goes on with its last good version. Ctrl-C (or TERM) starts
nothing more and gives running tasks ten seconds; what goes on is found again by the next start. A second Ctrl-C
stops what runs.

On this machine alone it asks nobody who they are, as long as nobody has an account. Elsewhere it wants one.
"""

from __future__ import annotations

import argparse
import os
import socket
from typing import TYPE_CHECKING

from yamldag.cli import listening, options, scheduling
from yamldag.web.address import address_of

if TYPE_CHECKING:
    from yamldag.engine.service import Service
    from yamldag.web.address import Address
    from yamldag.web.auth.oidc import Provider


def add_arguments(parser: argparse.ArgumentParser) -> None:
    listening.add_address(parser)
    scheduling.add_slots(parser)
    scheduling.add_log_format(parser)
    options.add_project(parser)


def run(args: argparse.Namespace) -> int:
    listening.check(args)
    with scheduling.place(args) as (project, lock, executor):
        listening.refuse_strangers(project, args)
        provider = listening.provider()
        listener, address = listening.listen(args)
        if lock is not None:
            lock.say(f"process {os.getpid()} at {address}")
        try:
            with scheduling.service(project, executor, "serve", args.slots, address) as service:
                place = address_of(args.host, listener.getsockname()[1], args.url)
                return _run(service, listener, address, place, provider)
        finally:
            listener.close()


def _run(
    service: Service, listener: socket.socket, address: str, place: Address, provider: Provider | None
) -> int:
    from yamldag.web.server import serving

    database, folder = service.engine.database.url, service.folder
    tell = scheduling.tell if scheduling.is_for_programs() else None
    with serving(listener, service.board, database, folder, place, provider, tell):
        return scheduling.work(service, f"yamldag serves {{pipelines}} at {address} (Ctrl-C stops)")
