"""Diagnostics as GitHub workflow commands, which it shows beside the changed lines."""

from __future__ import annotations

from collections.abc import Iterable

from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.report.span import span


def as_github(diagnostics: Iterable[Diagnostic]) -> str:
    """One line each; ends without a line break."""
    return "\n".join(_command(diagnostic) for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    properties: dict[str, object] = {"file": diagnostic.place.source.path}
    where = span(diagnostic.place)
    if where:
        names = ("line", "col", "endLine", "endColumn")
        properties |= dict(zip(names, where, strict=True))
    properties["title"] = f"{diagnostic.code} {diagnostic.name}"
    said = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{diagnostic.severity} {said}::{_data(_message(diagnostic))}"


def _message(diagnostic: Diagnostic) -> str:
    lines = [diagnostic.message]
    if diagnostic.help:
        lines.append(f"help: {diagnostic.help}")
    for related in diagnostic.related:
        where = span(related.place)
        at = f":{where.line}:{where.column}" if where else ""
        lines.append(f"{related.place.source.path}{at}: {related.message}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
