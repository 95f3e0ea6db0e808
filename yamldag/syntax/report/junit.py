"""Diagnostics as JUnit XML: a test case per file, failed if the file has an error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.report.span import counted
from yamldag.syntax.report.text import draw

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(files: Iterable[str], diagnostics: Sequence[Diagnostic]) -> str:
    """An XML document. `files` are the paths that were looked at, faulty or not."""
    by_file: dict[str, list[Diagnostic]] = {path: [] for path in files}
    for diagnostic in diagnostics:
        by_file.setdefault(diagnostic.place.source.path, []).append(diagnostic)
    failed = sum(1 for found in by_file.values() if _errors(found))
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites tests="{len(by_file)}" failures="{failed}" errors="0">',
            f'  <testsuite name="yamldag validate" tests="{len(by_file)}" failures="{failed}" errors="0">',
            *(_case(path, found) for path, found in by_file.items()),
            "  </testsuite>",
            "</testsuites>",
        ]
    )


def _case(path: str, found: list[Diagnostic]) -> str:
    opening = f'    <testcase classname="yamldag.validate" name={_attribute(path)}'
    errors, warnings = _errors(found), [each for each in found if each.severity != "error"]
    inside = []
    if errors:
        first = errors[0].message if len(errors) == 1 else counted(len(errors), "error")
        kinds = " ".join(dict.fromkeys(error.code for error in errors))
        opened = f"      <failure message={_attribute(first)} type={_attribute(kinds)}>"
        inside.append(f"{opened}{_text(draw(errors, colour=False))}</failure>")
    if warnings:
        inside.append(f"      <system-out>{_text(draw(warnings, colour=False))}</system-out>")
    return "\n".join([f"{opening}>", *inside, "    </testcase>"]) if inside else f"{opening}/>"


def _errors(found: list[Diagnostic]) -> list[Diagnostic]:
    return [diagnostic for diagnostic in found if diagnostic.severity == "error"]


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))
