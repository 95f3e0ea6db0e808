"""`bash`: a script in a shell that stops at the first error."""

from __future__ import annotations

from collections.abc import Mapping

from yamldag.operators.contract import Attempt, Json, Work, text
from yamldag.operators.ending import of_shell as outcome

__all__ = ["inline", "outcome", "prepare"]

inline = False


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], _attempt: Attempt) -> Work:
    return Work(("bash", "-euo", "pipefail", "-c", text(params["script"])))
