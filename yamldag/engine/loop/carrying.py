"""Has a plug-in carry out the processes of tasks: what is started for an attempt calls it."""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import asdict, replace

from yamldag.engine.memory.run import UNMAPPED, Instance
from yamldag.engine.step.world import Prepare, Prepared, World
from yamldag.executors.contract import Start
from yamldag.operators.plugins.chosen import Chosen, told
from yamldag.operators.process import STDIN, argv

_OURS = "YAMLDAG_"


def carry(world: World, chosen: Chosen) -> None:
    """From here on, what is prepared in this world is carried out by that plug-in."""
    world.prepare = _Carrying(chosen, world.prepare).prepare


class _Carrying:
    def __init__(self, chosen: Chosen, prepare: Prepare) -> None:
        self._executor = asdict(chosen)
        self._prepare = prepare

    def prepare(self, instance: Instance) -> Prepared:
        prepared = self._prepare(instance)
        if not isinstance(prepared.work, Start):
            return prepared
        return replace(prepared, work=self._carried(prepared.work, instance))

    def _carried(self, start: Start, instance: Instance) -> Start:
        carried = {"executor": self._executor, "task": _task(start, instance)}
        given = None if start.spec is None else json.loads(start.spec)
        if given is not None and given["operator"] == "guarded":
            return replace(start, spec=_text({**given, "carried": carried}))
        ours = {name: value for name, value in start.base.items() if name.startswith(_OURS)}
        spec = told(carried, start.argv, {**ours, **start.env}, given)
        spec["result"] = f"{start.log.removesuffix('.log')}.result"
        return replace(start, argv=argv(STDIN), spec=_text(spec), warm=("fork", "carried", "/", ""))


def _task(start: Start, instance: Instance) -> dict[str, Any]:
    """What a plug-in is told of an attempt, but for its command and its variables."""
    run, key = instance.node.run, start.env["YAMLDAG_IDEMPOTENCY_KEY"]
    return {
        "attempt": f"{key}/{instance.attempts}",
        "key": key,
        "number": instance.attempts,
        "pipeline": run.plan.pipeline,
        "run": run.id,
        "name": instance.node.task.id,
        "index": None if instance.index == UNMAPPED else instance.index,
        "queue": instance.node.task.queue,
        "timeout": start.timeout,
        "cwd": start.cwd,
    }


def _text(spec: dict[str, Any]) -> str:
    return json.dumps(spec, ensure_ascii=False)
