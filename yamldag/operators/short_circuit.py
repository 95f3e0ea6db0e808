"""`short_circuit`: gives true, to go on, or false. The engine then skips all that lies below."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from yamldag.operators import python
from yamldag.operators.contract import Attempt, End, Json, Outcome, Work
from yamldag.operators.ending import of_task

inline = False


def prepare(params: Mapping[str, Json], args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    if "python" in params:
        return python.prepare(python.written_out(params["python"]), args, attempt)
    return _as_boolean(Outcome("success", output=params.get("go")))


def outcome(ended: End, attempt: Attempt, declared: Mapping[str, Json] | None) -> Outcome:
    return _as_boolean(of_task(ended, attempt, declared))


def _as_boolean(ended: Outcome) -> Outcome:
    """What a function returns counts as Python has it."""
    return replace(ended, output=bool(ended.output)) if ended.state == "success" else ended
