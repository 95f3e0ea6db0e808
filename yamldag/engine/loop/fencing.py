"""Where a file may lie whose path was given from outside.

Whoever may write a pipeline names the files that it reads and writes. Whoever may only start it is not to read any
file of this machine, or to write one, by a param: such a path stays in the folder that the template itself names
before it; one that is all from outside, in the run's own folder, in one that the project lists, or, to be read, in
the project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from yamldag.engine.loop.reaching import is_own_word
from yamldag.engine.memory.run import Run
from yamldag.operators.copy import local_path
from yamldag.operators.fenced import Fence
from yamldag.plan.expression import TemplateError, analyse, render_text
from yamldag.plan.pipeline import Call, Json, Plan, Task

_READ = {"copy": ("from",), "email": ("attach",), "notify": ("attach",), "sql": ("file",)}
_WRITTEN = {"copy": ("to",), "http": ("save_to",), "sql": ("save_to",)}
"""The parameters that are paths, by operator."""
FENCED = frozenset((*_READ, *_WRITTEN))
"""The operators that have any."""
_AWAY = re.compile(r"\s*(?!file:|local:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
"""What an address begins with that leads to no file of this machine."""
_OWN = ("attempt", "index", "run", "task")
"""What names things of the run itself, besides what is the files' own."""


def fences(
    call: Task | Call,
    operator: str,
    params: Mapping[str, Json],
    run: Run,
    context: Mapping[str, Any],
    folder: str,
) -> dict[str, Fence]:
    """Of `params`, templates yet, by name: where its paths may lead; those of the files' own words lead anywhere.
    Relative ones start from `folder`."""
    found: dict[str, Fence] = {}
    for names, read in ((_READ, True), (_WRITTEN, False)):
        for name in names.get(operator, ()):
            texts = [*_paths(operator, params.get(name))]
            if any(_foreign(text, call, run) is not None for text in texts):
                found[name] = _fence(texts, read, call, run, context, folder)
    return found


def _paths(operator: str, value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        value = value.get("url", value.get("path"))
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str) and not (operator == "copy" and _AWAY.match(each)):
            yield each


def _foreign(text: str, call: Task | Call, run: Run) -> int | None:
    """Where the first `{{ }}` begins that something from outside stands in; None: there is none."""
    if "{" not in text:
        return None
    analysis = analyse(text)
    for reference in analysis.references:
        known = reference.root in _OWN and "assets" not in [part.name for part in reference.path]
        if not known and not is_own_word(reference, call, run):
            return next((start for start, end in analysis.tags if start <= reference.start < end), 0)
    return None


def _fence(
    texts: list[str], read: bool, call: Task | Call, run: Run, context: Mapping[str, Any], folder: str
) -> Fence:
    beginnings = [f"{os.path.realpath(each)}/" for each in (run.folder, *run.plan.allow_paths)]
    for text in texts:
        beginning = _beginning(text, _foreign(text, call, run), context, folder)
        if beginning is not None:
            beginnings.append(beginning)
    return Fence(tuple(beginnings), _root(run.plan) if read else None)


def _beginning(text: str, foreign: int | None, context: Mapping[str, Any], folder: str) -> str | None:
    """What a path begins with by the words before what is from outside; None: there are none."""
    own = text if foreign is None else text[:foreign]
    if "{%" in own:
        return None
    try:
        path = render_text(own, context).strip()
    except TemplateError:  # it names a secret or a connection, which nobody knows here
        return None
    if not path:
        return None
    start, name = os.path.split(local_path(path, folder))
    return os.path.join(os.path.realpath(start), name)


def _root(plan: Plan) -> str | None:
    """The project's folder, if the pipeline's file lies in it."""
    if os.path.isabs(plan.file):
        return None
    inside = os.path.dirname(plan.file)
    return os.path.realpath(plan.folder.removesuffix(f"/{inside}") if inside else plan.folder)
