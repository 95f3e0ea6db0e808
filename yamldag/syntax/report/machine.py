"""Diagnostics as JSON: every key there, null if unknown."""

from __future__ import annotations

from collections.abc import Iterable

from yamldag.syntax.diagnostic import Diagnostic, Place
from yamldag.syntax.report.span import span
from yamldag.syntax.tree import Json


def as_json(files: int, pipelines: int, diagnostics: Iterable[Diagnostic]) -> dict[str, Json]:
    """`{"files", "pipelines", "diagnostics"}`. Lines and columns are null for a whole file."""
    return {"files": files, "pipelines": pipelines, "diagnostics": [_one(each) for each in diagnostics]}


def _one(diagnostic: Diagnostic) -> dict[str, Json]:
    where = span(diagnostic.place)
    return {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_start(diagnostic.place),
        "end_line": where.end_line if where else None,
        "end_column": where.end_column if where else None,
        "help": diagnostic.help,
        "related": [{"message": related.message, **_start(related.place)} for related in diagnostic.related],
    }


def _start(place: Place) -> dict[str, Json]:
    where = span(place)
    return {
        "file": place.source.path,
        "line": where.line if where else None,
        "column": where.column if where else None,
    }
