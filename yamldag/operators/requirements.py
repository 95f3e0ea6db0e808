"""`requirements`: packages that a task needs, for which it gets an environment of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence

from yamldag.operators.contract import Attempt, Json, text


def listed(given: Json) -> list[str]:
    """One package each; empty lines of a text are none."""
    every = given if isinstance(given, list) else [] if given is None else [given]
    return [each for each in (text(one).strip() for one in every) if each]


def fault(requirements: Sequence[str]) -> str | None:
    """What is wrong with them, in words."""
    option = next((each for each in requirements if each.startswith("-")), None)
    if option is None:
        return None
    return f"`requirements` are packages; options of pip stand in `env` (`PIP_…`): `{option}`"


def environment(requirements: Sequence[str], attempt: Attempt) -> dict[str, Json]:
    """What a spec says of it."""
    return {"requirements": list(requirements), "environments": beside_runs(attempt, "environments")}


def beside_runs(attempt: Attempt, name: str) -> str:
    """A folder for what outlives runs: where the scheduler may write to, and a person may delete."""
    return os.path.join(os.path.dirname(os.path.dirname(attempt.run_dir)), name)
