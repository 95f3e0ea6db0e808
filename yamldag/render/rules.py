"""How a line says by which rule its child is judged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    pattern: str
    """`solid`, `dotted` (one of them is enough) or `mixed` (all of them, and one more thing)."""
    head: str
    """`arrow`, `empty`, `dot`, `tee`, `diamond`, `hollow`, `vee`."""
    says: str


RULES: dict[str, Line] = {
    "all_success": Line("solid", "arrow", "all parents succeeded"),
    "one_success": Line("dotted", "arrow", "one parent succeeded"),
    "none_failed": Line("solid", "empty", "no parent failed"),
    "none_failed_min_one_success": Line("mixed", "empty", "no parent failed, one succeeded"),
    "all_done": Line("solid", "dot", "all parents ended"),
    "all_done_min_one_success": Line("mixed", "dot", "all ended, one succeeded"),
    "all_done_setup_success": Line("mixed", "vee", "all ended, the setup succeeded"),
    "one_done": Line("dotted", "dot", "one parent ended"),
    "always": Line("dotted", "vee", "at once, whatever the parents do"),
    "all_failed": Line("solid", "tee", "all parents failed"),
    "one_failed": Line("dotted", "tee", "one parent failed"),
    "all_skipped": Line("solid", "diamond", "all parents were skipped"),
    "none_skipped": Line("solid", "hollow", "no parent was skipped"),
}
"""By trigger rule. Which of them are dashed is another question: those that only a template made."""

UNJUDGED = Line("solid", "vee", "must have ended, in any state")
"""A parent that the child's rule does not look at."""


def line(rule: str) -> Line:
    """How lines to a task with this rule look; `unjudged` is none of the rules."""
    return RULES.get(rule, UNJUDGED)
