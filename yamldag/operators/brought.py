"""An operator that a plug-in brings: its `run` is called in the task's own process, with the parameters by name."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from yamldag.operators.contract import Attempt, End, Json, Outcome, Work
from yamldag.operators.ending import of_task
from yamldag.operators.plugins.loading import place
from yamldag.operators.process import argv


class Brought(Struct, frozen=True):
    """Where it is loaded from; empty: nobody brings it any more."""

    name: str
    reference: str
    inline: bool = False

    def prepare(
        self, params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt
    ) -> Work | Outcome:
        if not self.reference:
            return Outcome("failed", f"there is no operator `{self.name}`: its plug-in is not here")
        spec: dict[str, Json] = {
            "operator": "brought",
            "name": self.name,
            "plugin": self.reference,
            "result": attempt.result_path,
            "args": dict(params),
        }
        return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "python", *place(self.reference)))

    def outcome(self, ended: End, attempt: Attempt, declared: Mapping[str, Json] | None) -> Outcome:
        return of_task(ended, attempt, declared)
