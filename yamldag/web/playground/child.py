"""The process that compiles what is typed: a line of JSON in, a line of JSON out. It sees no file of the machine.

Besides the compiler's word on a text it says what may be written at a place of it, and what a word there means.

A text may name files: templates to use, scripts, modules. None of them is looked at, nor whether it is there, so that
nobody reads by a diagnostic what they could not read otherwise. Nothing of the text is run or imported.
"""

from __future__ import annotations

import json
import os
import resource
import site
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from yamldag import shipped
from yamldag.compile import completing
from yamldag.compile.compiler import Compiled
from yamldag.compile.load import compile_bytes
from yamldag.compile.project import Project
from yamldag.plan.pipeline import Plan
from yamldag.plan.schedule import coming, read, rows
from yamldag.render.svg import picture
from yamldag.root import variable
from yamldag.syntax.diagnostic import Diagnostic, Place
from yamldag.syntax.report.machine import as_json

NAME = "playground.yml"
MEMORY = 1 << 30
"""Bytes."""
_LAYOUT = 1.5
"""Seconds for the graph's layout; then a plainer one is taken."""
_BESIDE = frozenset(("YD207", "YD701", "YD702", "YD704", "YD705"))
"""What is said of files beside the text, which are not looked at."""
_TICKS = 4
_DRAWN = 300
"""Tasks of a graph that is drawn."""
_WARM = (
    "pipeline: warm\nschedule: '0 4 * * *'\nparams: {n: {type: integer, default: 1}}\ntasks:\n"
    "  a: {bash: 'echo {{ params.n }}', output: {x: integer}}\n"
    "  b: {python: 'm:f', args: {x: '{{ tasks.a.output.x }}'}}\n  c: {bashh: 1}\n"
)
_FIRST: tuple[dict[str, Any], ...] = (
    {"what": "check"},
    {"what": "complete", "at": _WARM.index("a: {bash") + 4},
    {"what": "complete", "at": _WARM.index("params.n") + 7},
    {"what": "explain", "at": _WARM.index("bash")},
)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for question in _FIRST:  # what is imported late is imported now
        answered({"text": _WARM, **question})
    _close()
    for line in sys.stdin.buffer:
        try:
            answer = answered(json.loads(line))
        except RecursionError:
            answer = {"problem": "that is nested too deeply"}
        except MemoryError:
            answer = {"problem": "that takes too much memory"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def answered(question: dict[str, Any]) -> dict[str, Any]:
    """`what` is `check`, `complete` or `explain`; `known` is what the project declares."""
    project, text = _project(question.get("known", {})), question["text"]
    if question["what"] == "complete":
        return complete(project, text, question["at"])
    if question["what"] == "explain":
        return explain(project, text, question["at"])
    return check(project, text)


def _project(known: dict[str, Any]) -> Project:
    """One without files, that declares what it is told."""
    told = {variable(name): json.dumps(value) for name, value in known.items()}
    return Project(tempfile.gettempdir() + "/nothing/of/this/is/there", None, None, told)


def complete(project: Project, text: str, at: int) -> dict[str, Any]:
    """What may be written at an offset, and up to where it takes the place of what is there."""
    found = completing.complete(project, os.path.join(project.root, NAME), text, at)
    return {"offers": [each._asdict() for each in found.offers], "end": found.end}


def explain(project: Project, text: str, at: int) -> dict[str, Any]:
    """What the word at an offset means, or null."""
    meaning = completing.explain(project, os.path.join(project.root, NAME), text, at)
    return {"meaning": meaning._asdict() if meaning is not None else None}


def check(project: Project, text: str) -> dict[str, Any]:
    """What is wrong with it, and what it would be: its graph and coming ticks."""
    began = time.perf_counter()
    result = compile_bytes(project, os.path.join(project.root, NAME), text.encode())
    found = [each for each in result.found if each.code not in _BESIDE]
    told = as_json(1, len(result.units), found)["diagnostics"]
    assert isinstance(told, list)
    for row, each in zip(told, found, strict=True):
        assert isinstance(row, dict)
        row["file"] = NAME
        row["fix"] = _fix(each)
    spent = time.perf_counter() - began
    return {
        "diagnostics": told,
        "seconds": spent,
        "beside": len(result.found) - len(found),
        **_drawn(result, found),
    }


def _fix(of: Diagnostic) -> dict[str, Any] | None:
    if of.fix is None:
        return None
    start, end = (_point(of.fix.place, at) for at in (of.fix.place.start, of.fix.place.end))
    return {"message": of.fix.message, "text": of.fix.text, "start": start, "end": end}


def _point(place: Place, at: int) -> tuple[int, int]:
    return place.source.place(at)


def _drawn(result: Compiled, found: Sequence[Diagnostic]) -> dict[str, Any]:
    """Of the first pipeline that is sound."""
    nothing: dict[str, Any] = {"svg": None, "ticks": [], "pipeline": None, "zone": "UTC", "tasks": 0}
    if any(each.severity == "error" for each in found):
        return nothing
    plan = next((plan for unit in result.units if (plan := unit.plan()) is not None), None)
    if plan is None:
        return nothing
    drawn = picture(plan, None, _LAYOUT)[0] if len(plan.tasks) <= _DRAWN else None
    told = {"svg": drawn, "ticks": _ticks(plan), "pipeline": plan.pipeline, "zone": plan.timezone}
    return {**told, "tasks": len(plan.tasks)}


def _ticks(plan: Plan) -> list[str]:
    if plan.schedule is None:
        return []
    schedule = read(plan.schedule, plan.timezone, plan.start, plan.end)
    return [row["logical_date"] for row in rows(coming(schedule, datetime.now(UTC), None, _TICKS))]


def _close() -> None:
    """From now on there are no files but those of Python and of ours, to read."""
    ours = [os.path.dirname(os.path.dirname(os.path.realpath(shipped.__file__))), sys.prefix, sys.base_prefix]
    ours += [*sysconfig.get_paths().values(), *site.getsitepackages(), "/usr/share/zoneinfo", "/dev/null"]
    roots = tuple(os.path.realpath(each) for each in ours)

    def is_ours(path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return True  # a descriptor that is open already
        real = os.path.realpath(os.fsdecode(path))
        return any(real == root or real.startswith(root + os.sep) for root in roots)

    def guard(event: str, args: Sequence[Any]) -> None:
        if event == "open" and not (
            is_ours(args[0]) and (args[0] == "/dev/null" or not _writes(args[1], args[2]))
        ):
            raise PermissionError("there are no files here")
        if event in ("os.listdir", "os.scandir") and not is_ours(args[0]):
            raise PermissionError("there are no files here")
        if event in ("socket.connect", "os.remove", "os.rename", "os.mkdir", "os.system", "os.exec"):
            raise PermissionError(event)

    sys.addaudithook(guard)
    for name in ("isfile", "exists"):
        setattr(os.path, name, _within(is_ours, getattr(os.path, name)))


def _writes(mode: object, flags: object) -> bool:
    written = isinstance(mode, str) and any(sign in mode for sign in "wax+")
    return written or (isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)))


def _within(is_ours: Callable[[object], bool], asked: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Elsewhere nothing is there: the interpreter itself asks in another way."""
    return lambda path: is_ours(path) and asked(path)


if __name__ == "__main__":
    main()
