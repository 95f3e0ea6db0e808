"""Diagnostics as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from yamldag import __version__
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic, Fix, Place
from yamldag.syntax.report.span import span
from yamldag.syntax.tree import Json


def as_sarif(diagnostics: Sequence[Diagnostic]) -> dict[str, Json]:
    """One run, with a rule for each code that was reported."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    driver: dict[str, Json] = {
        "name": "yamldag",
        "version": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in diagnostics],
    }
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> Json:
    known = CODES[code]
    summary = f"{known.summary[0].upper()}{known.summary[1:]}."
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in known.name.split("-")),
        "shortDescription": {"text": summary},
        "help": {"text": f"{summary} `yamldag explain {code}` says why, and shows an example."},
        "defaultConfiguration": {"level": known.severity},
    }


def _result(diagnostic: Diagnostic, rule: int) -> Json:
    text = diagnostic.message + (f"\nhelp: {diagnostic.help}" if diagnostic.help else "")
    result: dict[str, Json] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": _location(diagnostic.place)}],
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {"id": i, "physicalLocation": _location(related.place), "message": {"text": related.message}}
            for i, related in enumerate(diagnostic.related)
        ]
    if diagnostic.fix:
        result["fixes"] = [_fix(diagnostic.fix)]
    return result


def _location(place: Place) -> dict[str, Json]:
    region = _region(place)
    return {"artifactLocation": _artifact(place)} | ({"region": region} if region else {})


def _artifact(place: Place) -> Json:
    path = place.source.path
    return {"uri": f"file://{quote(path)}" if path.startswith("/") else quote(path)}


def _region(place: Place) -> Json:
    where = span(place)
    return where and {
        "startLine": where.line,
        "startColumn": where.column,
        "endLine": where.end_line,
        "endColumn": where.end_column,
    }


def _fix(fix: Fix) -> Json:
    replacement: Json = {
        "deletedRegion": _region(fix.place) or {"startLine": 1, "startColumn": 1, "endColumn": 1},
        "insertedContent": {"text": fix.text},
    }
    change: Json = {"artifactLocation": _artifact(fix.place), "replacements": [replacement]}
    return {"description": {"text": fix.message}, "artifactChanges": [change]}
