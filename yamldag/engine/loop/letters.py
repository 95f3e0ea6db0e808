"""What a message says that was not told what to say: which pipeline, which task, what happened, and where to look."""

from __future__ import annotations

from msgspec.structs import replace

from yamldag.plan.pipeline import Call, Json

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


def filled(call: Call, *, of_task: bool) -> Call:
    """The call of a notification, its words put in where it has none of its own."""
    if call.operator not in _WRITERS:
        return call
    words = _OF_TASK if of_task else _OF_RUN
    if "html" in call.params:
        words = {"subject": words["subject"]}
    return replace(call, params={**words, **call.params})
