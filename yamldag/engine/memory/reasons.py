"""Why a run was stopped, in words: the reason of all that it cut short."""

from __future__ import annotations

REASONS = {
    "cancel": "the run was cancelled",
    "kill": "the run was cancelled",
    "lost": "the process that ran it is gone",
    "timeout": "the run took longer than its timeout",
}
MARKS = ("success", "failed")
"""The states that a person may give to a task."""


def marked(state: str) -> str:
    """Why a task is in a state that it did not come to by itself."""
    return f"it was marked {state}"


CUT_SHORT = frozenset(REASONS.values())
