"""Reads a template without running it: what it refers to, and what is wrong with it."""

from __future__ import annotations

import re
from functools import lru_cache

from yamldag.plan.expression.reference import Analysis, Fault, Output, Reference, Segment, kind_of
from yamldag.plan.expression.vocabulary import FUNCTIONS, RESERVED

__all__ = ["Analysis", "Fault", "Output", "Reference", "Segment", "analyse", "analyse_expression"]

_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_TAG = re.compile(rf"\{{\{{[ \t\n]*({_DOTTED.pattern})[ \t\n]*\}}\}}")


@lru_cache(maxsize=8192)
def analyse(text: str) -> Analysis:
    """What the template says. Jinja is imported only if some `{{ }}` holds more than a dotted name."""
    if "{{" not in text and "{%" not in text:
        return Analysis(literal=True)
    found = None if "{%" in text else _dotted(text)
    if found is not None:
        return found
    from yamldag.plan.expression.parsing import read

    return read(text)


@lru_cache(maxsize=8192)
def analyse_expression(text: str) -> Analysis:
    """The same for a bare expression, as `when` holds one; offsets are those of the text given."""
    match = _DOTTED.search(text)
    if match and match.group() == text.strip() and (reference := _reference(text, *match.span())):
        return _plain(text, [reference], [], whole=True)
    from yamldag.plan.expression.parsing import read_expression

    return read_expression(text)


def _dotted(text: str) -> Analysis | None:
    """The analysis, if every `{{ }}` is a dotted name; None: ask Jinja."""
    references: list[Reference] = []
    tags: list[tuple[int, int]] = []
    at = text.find("{{")
    while at >= 0:
        match = _TAG.match(text, at)
        reference = match and _reference(text, *match.span(1))
        if not match or not reference:
            return None
        references.append(reference)
        tags.append(match.span())
        at = text.find("{{", match.end())
    whole = len(tags) == 1 and not (text[: tags[0][0]] + text[tags[0][1] :]).strip()
    return _plain(text, references, tags, whole=whole)


def _plain(text: str, references: list[Reference], tags: list[tuple[int, int]], whole: bool) -> Analysis:
    parts: list[str | Reference] = []
    done = 0
    for reference, (start, end) in zip(references, tags, strict=False):
        parts += [text[done:start], reference]
        done = end
    parts += [text[done:]] if tags else references
    return Analysis(
        references=tuple(references),
        outputs=tuple(Output(found.start, found.stop, found, (), None) for found in references),
        tags=tuple(tags),
        parts=tuple(part for part in parts if part),
        whole=whole,
        kind=kind_of(references[0]) if whole else None,
    )


def _reference(text: str, start: int, end: int) -> Reference | None:
    root, *names = text[start:end].split(".")
    if root in RESERVED or root in FUNCTIONS:
        return None
    segments = []
    at = start + len(root)
    for name in names:
        segments.append(Segment(name, at + 1, at + 1 + len(name)))
        at += 1 + len(name)
    return Reference(root, start, start + len(root), tuple(segments), end, guarded=False)
