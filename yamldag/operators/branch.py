"""`branch`: gives ids of tasks directly below. The engine holds them against the graph, and skips the others."""

from __future__ import annotations

from collections.abc import Mapping

from yamldag.operators import python
from yamldag.operators.contract import Attempt, End, Json, Outcome, Work, text
from yamldag.operators.ending import of_task

inline = False


def prepare(params: Mapping[str, Json], args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    if "python" in params:
        return python.prepare(python.written_out(params["python"]), args, attempt)
    return _checked(Outcome("success", output=params.get("choose")))


def outcome(ended: End, attempt: Attempt, declared: Mapping[str, Json] | None) -> Outcome:
    return _checked(of_task(ended, attempt, declared))


def _checked(ended: Outcome) -> Outcome:
    chosen = ended.output
    listed = chosen if isinstance(chosen, list) else [] if chosen is None else [chosen]
    for each in listed:
        if not isinstance(each, str):
            return Outcome(
                "failed", f"the id of a task, a list of ids or null is wanted, found `{text(chosen)}`"
            )
    return ended
