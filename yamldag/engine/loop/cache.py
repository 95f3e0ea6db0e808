"""`cache`: the output of an earlier success stands for a task of the same key, id and definition."""

from __future__ import annotations

import hashlib
import json

from yamldag.engine.loop.templates import Templates
from yamldag.engine.memory.run import UNMAPPED, Instance
from yamldag.engine.step.readiness import Refused
from yamldag.engine.step.world import Reused
from yamldag.plan.expression import TemplateError, render
from yamldag.plan.pipeline import Json
from yamldag.store import cached
from yamldag.store.database import Database


class Cache:
    """Asks SQL, for tasks that have a `cache` alone."""

    def __init__(self, database: Database, templates: Templates) -> None:
        self._database = database
        self._templates = templates

    def key(self, instance: Instance) -> str:
        """What its output is kept under, hashed. Raises Refused."""
        task = instance.node.task
        assert task.cache is not None
        try:
            key = render(task.cache.key, self._templates.context(instance))
        except TemplateError as error:
            raise Refused(f"`cache`: {error}") from None
        definition = _text(_definition(instance))
        text = _text([instance.node.run.plan.pipeline, task.id, definition, _item(instance, definition), key])
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def find(self, instance: Instance, key: str, now: float) -> Reused | None:
        """An output that is young enough."""
        cache = instance.node.task.cache
        assert cache is not None
        since = None if cache.ttl is None else now - cache.ttl
        found = self._database.read(lambda: cached.find(self._database, key, since))
        if found is None:
            return None
        value, origin = found
        try:
            return Reused(None if value is None else json.loads(value), origin)
        except ValueError:
            return None  # it is spoilt: the task makes it anew


def _definition(instance: Instance) -> dict[str, Json]:
    """What makes it do what it does: not when it runs, and how often."""
    task = instance.node.task
    return {
        "operator": task.operator,
        "params": task.params,
        "args": task.args,
        "env": dict(task.env),
        "working_dir": task.working_dir,
        "output": task.output,
    }


def _item(instance: Instance, definition: str) -> Json:
    """Its item, wherever that stands in the list, unless the task may read its place."""
    if instance.index == UNMAPPED:
        return None
    return [instance.item, instance.index if "index" in definition else None]


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
