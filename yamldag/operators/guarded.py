"""A call that may see a secret, as the engine hands it over: its guard looks the secret up where the task runs.

Not an operator that anybody can name; `params` are a sealed call, which `yamldag.executors.guard` opens.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import asdict

from yamldag.operators.builtin import BUILT_IN
from yamldag.operators.contract import Attempt, Json, Work
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.process import argv

__all__ = ["inline", "outcome", "prepare"]

inline = False

CONNECTING = ("http", "sql")
"""The operators that run and may have a `connection`."""


def connects(operator: str, params: Mapping[str, Json]) -> bool:
    """Whether a call goes by its connection: an `http` that has a `url` does not. A plug-in's goes by the parameter of
    that name."""
    if operator.partition("=")[0] not in BUILT_IN:
        return "connection" in params
    return operator == "sql" or (operator == "http" and "connection" in params and "url" not in params)


def prepare(sealed: Mapping[str, Json], declared: Mapping[str, Json], attempt: Attempt) -> Work:
    """`declared`: `{schema}` that the output must fit, null for any."""
    spec: dict[str, Json] = {
        "operator": "guarded",
        "result": attempt.result_path,
        "sealed": dict(sealed),
        "declared": declared["schema"],
        "attempt": asdict(attempt),
    }
    return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "guarded", "/", str(sealed["operator"])))
