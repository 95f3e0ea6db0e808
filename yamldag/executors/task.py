"""What runs in a task's own process: `python` functions and scripts, `http` requests, `sql` queries, guards.

Run as a program with the path of its spec, which it deletes: there may be secrets in it. It leaves a result
file `{state, output, reason, retry}`. With `--fork` or `--reuse` it waits for such paths: see `warm`.
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


_NAMELESS = "/proc/self/fd/"
"""How a guard calls the files that hold what must not be on a disk."""


def main(spec_path: str) -> int:
    with open(spec_path, encoding="utf-8") as file:
        spec = json.load(file)
    if not spec_path.startswith(_NAMELESS):
        os.unlink(spec_path)
    if spec["operator"] == "guarded":
        from yamldag.executors.guard.guard import guard

        result, code = guard(spec, _run)
        _leave(spec["result"], result)
        return code
    result = _run(spec)
    _leave(spec["result"], result)
    return {"success": 0, "skipped": 99}.get(result["state"], 1)


def _run(spec: Spec) -> Result:
    if spec["operator"] == "http":
        from yamldag.executors.request import send

        return send(spec)
    if spec["operator"] == "sql":
        from yamldag.executors.query import query

        return query(spec)
    from yamldag.executors.call import call

    return call(spec)


def _leave(path: str, result: Result) -> None:
    """Whole or not at all. A file without a name is seen by nobody before its end."""
    if path.startswith(_NAMELESS):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(result, file, ensure_ascii=False)
        return
    with open(f"{path}.part", "w", encoding="utf-8", opener=_private) as file:
        json.dump(result, file, ensure_ascii=False)
    os.rename(f"{path}.part", path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


if __name__ == "__main__":
    # After everything else: what is installed wins, this is for when yamldag is not.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    if sys.argv[1] in ("--fork", "--reuse"):
        from yamldag.executors import warm

        sys.exit(getattr(warm, sys.argv[1][2:])(main, *sys.argv[2:]))
    sys.exit(main(sys.argv[1]))
