"""`python`: a function beside the pipeline's file, an installed one, or a few lines."""

from __future__ import annotations

from collections.abc import Mapping

from yamldag.operators import requirements
from yamldag.operators.contract import Attempt, Json, Outcome, Work, text
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.process import argv

__all__ = ["inline", "outcome", "prepare"]

inline = False


def prepare(params: Mapping[str, Json], args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    packages = requirements.listed(params.get("requirements"))
    if (fault := requirements.fault(packages)) is not None:
        return Outcome("failed", fault)
    if "function" not in params:
        return _work(attempt, args, "fork", packages, script=text(params["script"]))
    function = text(params["function"])
    module, _, name = function.partition(":")
    if not module or not name:
        return Outcome("failed", f"`function` should be `module:function`, found `{function}`")
    how = "reuse" if params.get("reuse") is True else "fork"
    return _work(attempt, args, how, packages, module=module, function=name)


def written_out(value: Json) -> dict[str, Json]:
    """The parameters, the short form as a mapping: of a function that another operator asks."""
    return value if isinstance(value, dict) else {"function": value}


def _work(attempt: Attempt, args: Mapping[str, Json], how: str, packages: list[str], **what: Json) -> Work:
    spec: dict[str, Json] = {
        "operator": "python",
        "task": attempt.task_id,
        "folder": attempt.folder,
        "result": attempt.result_path,
        "args": dict(args),
        **what,
    }
    if packages:
        spec |= requirements.environment(packages, attempt)
        return Work(argv(attempt.spec_path, own_environment=True), spec=spec)
    warm = (how, "python", attempt.folder, text(what.get("module", "")))
    return Work(argv(attempt.spec_path), spec=spec, warm=warm)
