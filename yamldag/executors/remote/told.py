"""What a command elsewhere is told, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TOLD = frozenset(
    f"YAMLDAG_{name}"
    for name in (
        *("RUN_ID", "PIPELINE", "LOGICAL_DATE", "TASK_ID", "ATTEMPT", "MAP_INDEX", "IDEMPOTENCY_KEY"),
    )
)
"""Our variables that mean something elsewhere; paths of this machine don't."""


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """The task's own variables, and ours that mean something elsewhere."""
    return {name: value for name, value in env.items() if name in _TOLD or not name.startswith("YAMLDAG_")}


def failed(reason: str, *, retry: bool = True) -> dict[str, Any]:
    """The result of a command that did not come to its end, or never began."""
    return {"state": "failed", "reason": reason, "retry": retry}


def ended(code: int) -> dict[str, Any]:
    """The result of a command that has ended by itself."""
    return {"state": "success" if code == 0 else "failed", "exit": code}
