"""Where a command gets what it shows and to whom it says what it wants: this project's database, or a server."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from yamldag.cli import options

Row = dict[str, Any]


def add_source(parser: argparse.ArgumentParser) -> None:
    """`--server` and `--token`, and `--env` for this project."""
    parser.add_argument(
        "--server", metavar="URL", help="ask that server in place of this project (default: $YAMLDAG_SERVER)"
    )
    parser.add_argument(
        "--token", metavar="TOKEN", help="what the server knows you by (default: $YAMLDAG_TOKEN)"
    )
    options.add_project(parser)


class Source(Protocol):
    """Names of runs may be a pipeline's: then its newest is meant. All raise UsageError for what is not there.

    Rows are what `--json` prints; see `engine.asking.rows`.
    """

    pause: float
    """Seconds between two looks at something that is waited for."""
    broken: Sequence[Any]
    """After `pipelines`: the diagnostics of files with errors, if they are known here."""

    # What there is

    def pipelines(self) -> list[Row]: ...

    def runs(
        self, pipeline: str | None, state: str | None, limit: int, *, kind: str | None, since: str | None
    ) -> list[Row]: ...

    def a_pipeline(self, name: str) -> str | None:
        """Words on what is wrong with a name by which there are no runs; None: it is one, and has none."""

    def run(self, name: str) -> Row: ...

    def tasks(self, run: str) -> list[Row]:
        """Of the run with that id."""

    def why(self, name: str, task: str) -> Row: ...

    def versions(self, pipeline: str) -> list[Row]: ...

    def difference(self, pipeline: str, old: str, new: str) -> Row: ...

    def pools(self) -> list[Row]: ...

    def connections(self) -> list[Row]: ...

    def secrets(self) -> list[Row]: ...

    def approvals(self) -> list[Row]:
        """What waits for a person's answer, the first asked first."""

    def attempts(self, run: str, task: str) -> list[Row]:
        """By instance, the first attempt first."""

    def piece(self, run: str, attempt: Row, offset: int, /) -> tuple[bytes, int]:
        """What an attempt wrote from that byte on, as much as is handed over at once, and where the next is."""

    def follow(self, run: str, task: str) -> Iterator[bytes]:
        """What is written as it comes, attempt after attempt, until nothing more can come."""

    def notifications(self, run: str) -> list[Row]: ...

    # What is to be done

    def set_pool(self, name: str, slots: int) -> Row: ...

    def delete_pool(self, name: str) -> Row: ...

    def set_paused(self, pipeline: str, *, paused: bool) -> tuple[str, bool]:
        """The pipeline's id, and whether that has changed anything."""

    def trigger(self, pipeline: str, params: Row, date: str | None) -> Row: ...

    def cancel(self, run: str, *, kill: bool) -> str: ...

    def clearing(self, name: str, wish: Row) -> Row:
        """What a clear would come to."""

    def clear(self, run: str, wish: Row) -> Row: ...

    def approve(self, name: str, task: str, said: Row) -> Row:
        """Answer what a task of a run asks: `yes`, and `value_texts` as they were typed."""

    def backfill(self, pipeline: str, wish: Row) -> Row: ...

    def end_backfill(self, name: str) -> list[str]: ...

    def is_asked(self, run: str) -> bool:
        """Whether a scheduler was asked for something that it has not done."""

    def states(self, runs: Sequence[str]) -> list[str]: ...


@contextmanager
def source(args: argparse.Namespace) -> Iterator[Source]:
    """The one that is meant."""
    server = args.server or os.environ.get("YAMLDAG_SERVER")
    if server:
        from yamldag.cli.there import There

        with There(server, args.token or os.environ.get("YAMLDAG_TOKEN")) as there:
            yield there
    else:
        from yamldag.cli.here import Here

        with Here(options.project(args)) as here:
            yield here
