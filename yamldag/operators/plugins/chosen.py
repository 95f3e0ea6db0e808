"""The plug-in that a project has chosen to carry out its tasks, and what a process of ours is told that calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from yamldag.operators.process import STDIN

_MARK = "YAMLDAG_MARK"


class Chosen(Struct, frozen=True):
    """An executor that is not ours."""

    name: str
    reference: str
    """What `loading.load` takes."""
    place: str
    """Where its code is, for a person: `plugins/executors/nice.py`, `acme.batch`."""
    settings: dict[str, Any]
    """As the project file has them; they fit its schema."""


def told(
    carried: Mapping[str, Any], argv: Sequence[str], env: Mapping[str, str], given: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The spec of `executors.carried`. `carried`: `{executor, task}`, the task without its command; `env` is what the
    command has beyond the scheduler's environment; `given`: the spec of a process of ours, which it reads in place of
    the last word of `argv`."""
    words = list(argv) if given is None else [*argv[:-1], STDIN]
    own = {name: value for name, value in env.items() if name != _MARK}
    task = {**carried["task"], "argv": words, "env": own}
    return {"operator": "carried", "executor": carried["executor"], "task": task, "given": given}
