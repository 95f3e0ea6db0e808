"""The process in which a plug-in is loaded to be described, or to give advice. What it prints, raises or changes there
is lost with it.

Run as a program with its kind and reference; writes a line of JSON: `{description, schema}`, or `{fault, file, line}`.
With the word `advice` it reads a plan from stdin and writes `{advice}`: a list of a task's id or null, and words.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main(kind: str, reference: str, *words: str) -> None:
    plan = json.loads(sys.stdin.buffer.read()) if "advice" in words else None
    answer = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    told = json.dumps(_told(kind, reference, plan)).encode() + b"\n"
    while told:
        told = told[os.write(answer, told) :]
    os._exit(0)  # whatever threads it has started


def _told(kind: str, reference: str, plan: Any) -> dict[str, Any]:
    from yamldag.operators.plugins.fault import place, words
    from yamldag.operators.plugins.loading import load
    from yamldag.operators.plugins.shape import UnfitError, described

    doing = "can't be loaded"
    try:
        brought = load(reference)
        told = described(kind, brought)
        doing = "broke off"
        return told if plan is None else {"advice": [_advice(each) for each in brought.check(plan)]}
    except UnfitError as lack:
        return {"fault": str(lack)}
    except BaseException as fault:  # the border: the code of others runs here, and may raise anything
        file, line = place(fault) or (None, None)
        return {"fault": f"{doing}: {words(fault)}", "file": file, "line": line}


def _advice(given: Any) -> list[str | None]:
    from yamldag.operators.plugins.shape import UnfitError

    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], str):
        task, said = given
        if task is None or isinstance(task, str):
            return [task, said]
    raise UnfitError("should give pairs of a task's id, or None, and words")


if __name__ == "__main__":
    sys.path.append(os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3)))
    main(*sys.argv[1:])
