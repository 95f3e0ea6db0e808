"""What runs in a task's own process: `python` functions and scripts, what operators of ours do, commands that are
carried out elsewhere, guards, and plug-ins that carry out commands.

Run as a program with the path of its call, `-` for its standard input: `[journal, attempt, spec]` as a runner hands it
over, or a spec alone. It leaves a result `{state, output, reason, retry}`. With `--fork` or `--reuse` it waits for
calls: see `warm`, `worker`.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:  # the module itself takes time
    from typing import Any, TypeAlias

    Spec: TypeAlias = dict[str, Any]
    Result: TypeAlias = dict[str, Any]
    Told: TypeAlias = tuple[str, int]


_PLACES = {
    "airflow": ("airflow.running", "carry_out"),
    "copy": ("copying.copy", "copy"),
    "dbt": ("dbt", "carry_out"),
    "docker": ("remote.docker", "carry_out"),
    "email": ("mail", "send"),
    "http": ("request", "send"),
    "kubernetes": ("remote.kubernetes", "carry_out"),
    "notify": ("telling", "tell"),
    "sql": ("query", "query"),
    "ssh": ("remote.ssh", "carry_out"),
}
"""Where operators of ours do their work: a function of a spec that gives the result."""


_STDIN = "-"
"""As `operators.process` has it, which takes time to load."""


def main(path: str) -> int:
    """The exit code of the call that the file holds."""
    from yamldag.executors.leaving import CALL

    if path == _STDIN:
        from yamldag.executors.handing import take

        return carry_out(json.loads(take(path)), None)
    with open(path, encoding="utf-8") as file:
        call = json.load(file)
    if path == CALL:
        os.close(int(CALL.rpartition("/")[2]))
    if isinstance(call, dict):
        return carry_out(call, None)
    journal, attempt, spec = call
    return carry_out(json.loads(spec), (journal, attempt))


def carry_out(spec: Spec, told: Told | None) -> int:
    """The exit code. `told`: the journal that takes the result, and the attempt in it."""
    from yamldag.executors.leaving import leave

    result: Result | None
    if spec["operator"] == "guarded":
        from yamldag.executors.guard.guard import guard

        result, code = guard(spec, _run)
    else:
        result, code = _run(spec)
    if result is not None:
        leave(result, spec["result"], told)
    return code


def _run(spec: Spec) -> tuple[Result | None, int]:
    """The result and the exit code. None: what was carried out tells its result itself."""
    if spec["operator"] == "carried":
        from yamldag.executors.carried import carry_out

        return carry_out(spec)
    module, function = _PLACES.get(spec["operator"], ("call", "call"))
    result = getattr(import_module(f"yamldag.executors.{module}"), function)(spec)
    return result, {"success": 0, "skipped": 99}.get(result["state"], 1)


if __name__ == "__main__":
    # After everything else: what is installed wins, this is for when yamldag is not.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    if sys.argv[1] == "--fork":
        from yamldag.executors.warm import fork

        fork(carry_out, *sys.argv[2:])
    if sys.argv[1] == "--reuse":
        from yamldag.executors.worker import reuse

        sys.exit(reuse(carry_out, *sys.argv[2:]))
    sys.exit(main(sys.argv[1]))
