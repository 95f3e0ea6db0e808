"""Rows that hold no JSON where JSON belongs, or a plan that is not what its hash says: somebody, or a disk, has
changed them. Runs that are over are left out: nobody needs what their rows hold any more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from yamldag.store.invariants import Ask

_OPEN = "run.state IN ('queued', 'running')"
_TASKS = f"JOIN task_instance ON task_instance.id = {{0}}.instance JOIN run ON run.id = task_instance.run WHERE {_OPEN}"
_TEXTS = (
    ("params of run", f"SELECT id, params FROM run WHERE {_OPEN}"),
    ("tasks of run", f"SELECT id, only_tasks FROM run WHERE {_OPEN}"),
    ("assets of run", f"SELECT id, assets FROM run WHERE {_OPEN}"),
    (
        "an item of run",
        f"SELECT run, item FROM task_instance JOIN run ON run.id = task_instance.run WHERE {_OPEN}",
    ),
    ("an output of run", f"SELECT run, value FROM output {_TASKS.format('output')}"),
    ("a wait of run", f"SELECT run, spec FROM deferral {_TASKS.format('deferral')}"),
    ("a request to run", "SELECT run, detail FROM request WHERE done IS NULL"),
    ("params of backfill", "SELECT id, params FROM backfill"),
)


def unreadable(ask: Ask) -> Iterator[str]:
    """What each of them is, and of what."""
    for mark, pipeline, text in ask("SELECT hash, pipeline, plan FROM pipeline_version"):
        if hashlib.blake2b(text.encode(), digest_size=16).hexdigest() != mark:
            yield f"the plan {mark} of pipeline {pipeline}"
    for what, query in _TEXTS:
        for name, text in ask(query):
            if text is not None and not _is_json(text):
                yield f"{what} {name}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
