"""Trigger rules: whether a task runs, asked whenever one of its parents ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

Decision: TypeAlias = Literal["wait", "run", "skipped", "upstream_failed"]
_Answers: TypeAlias = "tuple[Decision | None, Decision]"

_RUN: Decision = "run"
_SKIP: Decision = "skipped"
_BLOCK: Decision = "upstream_failed"

# Of how many parents are success, failed, upstream_failed and skipped, each rule makes two answers:
# the one that holds already, if any, and the one that holds once every parent has ended.
_TABLE: dict[str, Callable[[int, int, int, int], _Answers]] = {
    "all_success": lambda _, f, u, k: (_BLOCK if f + u else None, _SKIP if k else _RUN),
    "all_failed": lambda s, _, __, k: (_SKIP if s + k else None, _RUN),
    "all_done": lambda *_: (None, _RUN),
    "all_done_min_one_success": lambda s, _, __, k: (_SKIP if k else None, _RUN if s else _BLOCK),
    "all_done_setup_success": lambda *_: (None, _RUN),
    "all_skipped": lambda s, f, u, _: (_SKIP if s + f + u else None, _RUN),
    "one_success": lambda s, f, u, _: (_RUN if s else None, _BLOCK if f + u else _SKIP),
    "one_failed": lambda _, f, u, __: (_RUN if f + u else None, _SKIP),
    "one_done": lambda s, f, _, __: (_RUN if s + f else None, _SKIP),
    "none_failed": lambda _, f, u, __: (_BLOCK if f + u else None, _RUN),
    "none_failed_min_one_success": lambda s, f, u, _: (_BLOCK if f + u else None, _RUN if s else _SKIP),
    "none_skipped": lambda *ended: (_SKIP if ended[3] else None, _RUN),
    "always": lambda *_: (_RUN, _RUN),
}

RULES = tuple(_TABLE)
_ONE = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
HASTY = frozenset(rule for rule, answers in _TABLE.items() if any(answers(*one)[0] == _RUN for one in _ONE))
"""The rules that may say run while parents are unfinished."""


def decide(rule: str, success: int, failed: int, upstream_failed: int, skipped: int, total: int) -> Decision:
    """What becomes of a task, of whose `total` parents so many have ended in each of the four states.

    An answer other than "wait" stays the answer, whatever the parents that are left come to.
    """
    if total == 0:
        return _RUN
    early, last = _TABLE[rule](success, failed, upstream_failed, skipped)
    done = success + failed + upstream_failed + skipped == total
    return early or (last if done else "wait")
