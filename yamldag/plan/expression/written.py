"""How the author of a template wrote what the compiler made of it: `params.x` in place of `uses['group'].x`."""

from __future__ import annotations

import re

from yamldag.plan.expression.reference import Reference

_PARAMS = re.compile(r"\buses\['[^']*'\]")


def as_written(text: str) -> str:
    """An expression, or a template."""
    return _PARAMS.sub("params", text)


def chain(reference: Reference, steps: int | None = None) -> str:
    """The reference as far as its first `steps` keys, or all of it, with dots."""
    names = [str(segment.name) for segment in reference.path[:steps]]
    if reference.root == "uses" and names:
        return ".".join(["params", *names[1:]])
    return ".".join([reference.root, *names])
