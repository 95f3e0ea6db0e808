"""What Airflow calls things that are ours to say, for the compiler and for the task's process: it needs nothing but
Python."""

from __future__ import annotations

import re
from collections.abc import Iterable

PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+")
DEFAULT = "_default"
"""What the ids end with that operators of Airflow take where they are told none: `http_default`."""
_WORDS = {
    "task_id": None,
    "dag": None,
    "retries": "retries",
    "retry_delay": "retry_delay",
    "retry_exponential_backoff": "retry_backoff",
    "max_retry_delay": "max_retry_delay",
    "execution_timeout": "timeout",
    "trigger_rule": "trigger_rule",
    "depends_on_past": "depends_on_past",
    "pool": "pool",
    "pool_slots": "pool_slots",
    "priority_weight": "priority",
    "queue": "queue",
    "on_failure_callback": "on_failure",
    "on_success_callback": "on_success",
    "on_retry_callback": "on_retry",
    "outlets": "produces",
}
"""Arguments of every operator of Airflow that its scheduler goes by, and the keys of ours that stand for them; None: it
goes without saying."""
_OURS = {
    "BaseBranchOperator": "branch",
    "BranchPythonOperator": "branch",
    "ShortCircuitOperator": "short_circuit",
    "LatestOnlyOperator": "short_circuit",
    "TriggerDagRunOperator": "pipeline",
    "ExternalTaskSensor": "wait",
    "HITLOperator": "approval",
    "ApprovalOperator": "approval",
}
"""Classes that speak to Airflow's scheduler of its own tasks and runs, and the operators of ours in their place."""


def instead_of(name: str) -> str | None:
    """Of an argument that has no effect here, why not, in words; None: it has."""
    if name not in _WORDS:
        return None
    key = _WORDS[name]
    return f"`{key}` is a key of the task" if key else "the task's id, and its pipeline, go without saying"


def operator_instead_of(classes: Iterable[str]) -> str | None:
    """Of a class, known by its own name and those that it is made of, the operator of ours that stands for it."""
    return next((_OURS[name] for name in classes if name in _OURS), None)
