"""Templates: what they refer to, known before a run, and what they give, in one."""

from yamldag.plan.expression.analysis import (
    Analysis,
    Fault,
    Output,
    Reference,
    Segment,
    analyse,
    analyse_expression,
)
from yamldag.plan.expression.evaluate import condition, evaluate, items, render, render_shell, render_text
from yamldag.plan.expression.values import TemplateError, unsafe_bare

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
    "render_shell",
    "render_text",
    "unsafe_bare",
]
