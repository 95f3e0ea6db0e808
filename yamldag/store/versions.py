"""The versions of pipelines: which there are, and which one a run has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from yamldag.store.tables import pipeline, pipeline_version, run


class Seen(NamedTuple):
    """A version: its number counts from 1 in the order in which a pipeline's versions were first seen."""

    number: int
    hash: str
    created: float
    runs: int
    current: bool
    """It is the newest one: what the files said last."""


def of(db: sa.Connection, name: str) -> list[Seen]:
    """A pipeline's versions, the first one first."""
    version = pipeline_version
    runs = (
        sa.select(sa.func.count()).where(run.c.version == version.c.hash).correlate(version).scalar_subquery()
    )
    query = (
        sa.select(version.c.hash, version.c.created, runs.label("runs"), pipeline.c.version.label("newest"))
        .join(pipeline, pipeline.c.id == version.c.pipeline)
        .where(version.c.pipeline == name)
        .order_by(version.c.created, version.c.hash)
    )
    return [
        Seen(number, row.hash, row.created, int(row.runs), row.hash == row.newest)
        for number, row in enumerate(db.execute(query), 1)
    ]


def numbers(db: sa.Connection, pipelines: Iterable[str]) -> dict[str, int]:
    """The number of each version of these pipelines, by its hash."""
    version = pipeline_version
    query = (
        sa.select(version.c.hash, version.c.pipeline)
        .where(version.c.pipeline.in_(sorted(set(pipelines))))
        .order_by(version.c.created, version.c.hash)
    )
    counts: dict[str, int] = {}
    found: dict[str, int] = {}
    for row in db.execute(query):
        counts[row.pipeline] = found[row.hash] = counts.get(row.pipeline, 0) + 1
    return found
