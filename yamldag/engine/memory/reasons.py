"""Why a run was stopped, in words: the reason of all that it cut short."""

from __future__ import annotations

REASONS = {
    "cancel": "the run was cancelled",
    "kill": "the run was cancelled",
    "lost": "the process that ran it is gone",
    "timeout": "the run took longer than its timeout",
}
CUT_SHORT = frozenset(REASONS.values())
