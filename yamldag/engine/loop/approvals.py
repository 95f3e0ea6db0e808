"""From a rendered `approval` task to what it asks of a person."""

from __future__ import annotations

from collections.abc import Mapping

from yamldag.engine.memory.deferral import APPROVAL, Deferral
from yamldag.engine.memory.run import Instance
from yamldag.operators.contract import Outcome, text
from yamldag.plan.pipeline import Json
from yamldag.syntax import fitting


def deferral(instance: Instance, params: Mapping[str, Json]) -> Deferral | Outcome:
    """What the newest attempt of an `approval` asks."""
    task = instance.node.task
    assert instance.started is not None
    form = _form(params.get("form"), task.output)
    if isinstance(form, str):
        return Outcome("failed", form)
    until = None if task.timeout is None else instance.started + task.timeout
    message, approvers = text(params["message"]), _names(params.get("approvers"))
    return Deferral(APPROVAL, instance.started, until, message=message, form=form, approvers=approvers)


def _form(form: Json, declared: dict[str, Json] | None) -> dict[str, Json] | str | None:
    """The JSON Schema of what is filled in, `output` being one as well; or what is wrong with it, in words."""
    if form is None:
        return declared
    if not isinstance(form, dict):
        return f"`form` should be a mapping of names to types, found `{text(form)}`"
    for wrong in fitting.metaschema().iter_errors(form):
        where = ".".join(str(part) for part in wrong.absolute_path)
        return f"`form` is no JSON Schema: `{where}` can't be `{text(wrong.instance)}`"
    return {"allOf": [form, declared], **form} if declared else form


def _names(given: Json) -> tuple[str, ...]:
    if given is None:
        return ()
    return tuple(map(text, given)) if isinstance(given, list) else (text(given),)
