"""Templates: what they refer to, known before a run, and what they give, in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yamldag.plan.expression.analysis import (
    Analysis,
    Fault,
    Output,
    Reference,
    Segment,
    analyse,
    analyse_expression,
)
from yamldag.plan.expression.values import TemplateError, unsafe_bare

if TYPE_CHECKING:
    from yamldag.plan.expression.rendering import (
        condition,
        evaluate,
        items,
        render,
        render_script,
        render_shell,
        render_text,
    )

__all__ = [
    "Analysis",
    "Fault",
    "Output",
    "Reference",
    "Segment",
    "TemplateError",
    "analyse",
    "analyse_expression",
    "condition",
    "evaluate",
    "items",
    "render",
    "render_script",
    "render_shell",
    "render_text",
    "unsafe_bare",
]


def __getattr__(name: str) -> Any:
    """What runs templates is loaded when it is first asked for: a check needs none of it."""
    if name not in __all__:
        raise AttributeError(name)
    from yamldag.plan.expression import rendering

    return getattr(rendering, name)
