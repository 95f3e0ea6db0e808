"""Whether where a call goes is written in the project's own files, or was given from outside.

Whoever may write a pipeline may run code, and so reach what this machine reaches. Whoever may only start it is not
to reach the inner network by a param: then the call's operator goes to public hosts, and to those that are listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from yamldag.engine.memory.run import Run
from yamldag.plan.expression import analyse
from yamldag.plan.expression.analysis import Reference
from yamldag.plan.pipeline import Call, Json, Task

_WRITTEN = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*:(//[^{}/?#]*[/?#]|/[^/{])")
"""What an address begins with whose host is written out."""
_OWN = frozenset({"vars", "env", "secrets", "connections", "ds", "ds_nodash", "ts", "ts_nodash", "logical_date",
                  "data_interval_start", "data_interval_end"})  # fmt: skip
_DEEPEST = 8
"""Templates inside templates that are looked at."""


def is_written(call: Task | Call, run: Run) -> bool:
    """Whether every host that it goes to is one of the files' own words."""
    return all(_is_own(each, call, run, 0) for each in _addresses(call.operator, call.params))


def is_own_word(reference: Reference, call: Task | Call, run: Run, depth: int = 0) -> bool:
    """Whether what it stands for is written in the project's own files."""
    if reference.root in _OWN:
        return True
    if reference.root in ("item", "matrix"):
        fanout = run.plan.mapped.get(call.mapped_by or "") if isinstance(call, Task) else None
        items = [] if fanout is None else [*_below([fanout.foreach, fanout.matrix])]
        return fanout is not None and all(_is_own(each, call, run, depth + 1) for each in items)
    name = str(reference.path[0].name) if reference.path else ""
    if reference.root == "params":
        declared = next((each for each in run.plan.params if each.name == name), None)
        default = declared.schema.get("default") if declared is not None else None
        return default is not None and run.params.get(name) == default
    if reference.root == "uses" and len(reference.path) > 1:
        given = next((each.params for each in run.plan.groups if each.id == name), {})
        value = given.get(str(reference.path[1].name))
        return isinstance(value, str) and _is_own(value, call, run, depth + 1)
    return False


def _addresses(operator: str, params: Mapping[str, Json]) -> Iterator[str]:
    if operator in ("wait", "http"):
        given = params.get("http") if operator == "wait" else dict(params)
        yield from _texts(given.get("url") if isinstance(given, dict) else given)
    elif operator == "copy":
        for end in (params.get("from"), params.get("to")):
            yield from _texts(end.get("url") if isinstance(end, dict) else end)
    elif operator == "notify":
        yield from _texts(params.get("to"))


def _texts(value: Json) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield each


def _is_own(text: str, call: Task | Call, run: Run, depth: int) -> bool:
    if "{" not in text or _WRITTEN.match(text):
        return True
    words = analyse(text).references
    return depth < _DEEPEST and all(is_own_word(each, call, run, depth) for each in words)


def _below(value: Json) -> Iterator[str]:
    """Every text in it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _below(each)
