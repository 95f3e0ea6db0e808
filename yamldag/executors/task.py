"""What runs in a task's own process: `python` functions and scripts, `http` requests, `sql` queries, commands that are
carried out elsewhere, guards.

Run as a program with the path of its call: `[journal, attempt, spec]` as a runner hands it over, or a spec alone. It
leaves a result `{state, output, reason, retry}`. With `--fork` or `--reuse` it waits for calls: see `warm`, `worker`.
"""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # the module itself takes time
    from typing import Any, TypeAlias

    Spec: TypeAlias = dict[str, Any]
    Result: TypeAlias = dict[str, Any]
    Told: TypeAlias = tuple[str, int]


def main(path: str) -> int:
    """The exit code of the call that the file holds."""
    from yamldag.executors.leaving import CALL

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

    if spec["operator"] == "guarded":
        from yamldag.executors.guard.guard import guard

        result, code = guard(spec, _run)
    else:
        result = _run(spec)
        code = {"success": 0, "skipped": 99}.get(result["state"], 1)
    leave(result, spec["result"], told)
    return code


def _run(spec: Spec) -> Result:
    if spec["operator"] == "http":
        from yamldag.executors.request import send

        return send(spec)
    if spec["operator"] == "sql":
        from yamldag.executors.query import query

        return query(spec)
    if spec["operator"] in ("docker", "ssh"):
        from importlib import import_module

        remote = import_module(f"yamldag.executors.remote.{spec['operator']}")
        result: Result = remote.carry_out(spec)
        return result
    from yamldag.executors.call import call

    return call(spec)


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
