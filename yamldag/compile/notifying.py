"""Operators that no notification can call: a notification is sent and done, and stands outside the graph."""

from __future__ import annotations

from yamldag.syntax.diagnostic import Diagnostic, at
from yamldag.syntax.tree import Scalar

_WAITS = "a notification is sent and does not wait"
_CHOOSES = "it chooses among the tasks below it, and a notification has none"
NEVER = {
    "approval": _WAITS,
    "branch": _CHOOSES,
    "pipeline": "a run of another pipeline is made by a task",
    "short_circuit": _CHOOSES,
    "wait": _WAITS,
}
"""By name, and why."""
_INSTEAD = "make it a task that needs what it follows, with a `trigger_rule` such as `one_failed`"


def never(operator: str, key: Scalar) -> Diagnostic:
    return Diagnostic("YD711", f"`{operator}` can't be a notification: {NEVER[operator]}", at(key), _INSTEAD)
