"""What a message says that was not told what to say: which pipeline, which task, what happened, and where to look."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from yamldag.plan.pipeline import Call, Json, Task

_Writer = TypeVar("_Writer", Call, Task)
_WRITERS = ("email", "notify")
_OF_TASK: dict[str, Json] = {
    "subject": "{{ run.pipeline }}: {{ task.id }} is {{ task.state }}",
    "text": "{{ task.id }} of {{ run.pipeline }} is {{ task.state }}"
    "{% if task.error %}: {{ task.error }}{% endif %}\nrun {{ run.id }}, attempt {{ attempt }}"
    "{% if run.url %}\n{{ run.url }}{% endif %}",
}
_OF_RUN: dict[str, Json] = {
    "subject": "{{ run.pipeline }} is {{ run.state }}",
    "text": "{{ run.pipeline }} is {{ run.state }}"
    "{% if run.failed %}; failed: {{ run.failed | join(', ') }}{% endif %}\nrun {{ run.id }}"
    "{% if run.url %}\n{{ run.url }}{% endif %}",
}


_ON_THE_WAY: dict[str, Json] = {
    "subject": "{{ run.pipeline }}: {{ task.id }}",
    "text": "run {{ run.id }} of {{ run.pipeline }} has come to {{ task.id }}"
    "{% if run.url %}\n{{ run.url }}{% endif %}",
}


def filled(call: Call, *, of_task: bool) -> Call:
    """The call of a notification, its words put in where it has none of its own."""
    return _filled(call, _OF_TASK if of_task else _OF_RUN)


def filled_task(task: Task) -> Task:
    """The same of a task that sends a message."""
    return _filled(task, _ON_THE_WAY)


def _filled(call: _Writer, words: dict[str, Json]) -> _Writer:
    if call.operator not in _WRITERS:
        return call
    if "html" in call.params:
        words = {"subject": words["subject"]}
    return replace(call, params={**words, **call.params})
