"""What the templates of a run see, and the answers that they give to the step."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from yamldag.engine import times
from yamldag.engine.memory.notices import Notice
from yamldag.engine.memory.run import UNMAPPED, Fan, Instance, Node, Run, task_state
from yamldag.engine.memory.run import output as output_of
from yamldag.engine.step.readiness import Refused
from yamldag.plan import hidden
from yamldag.plan.expression import TemplateError, analyse_expression, condition, items, render
from yamldag.plan.expression.context import UNSET, build
from yamldag.plan.expression.vocabulary import MAPPED
from yamldag.plan.pipeline import MOST_ITEMS, Json
from yamldag.plan.state import FINAL, TaskState


class Templates:
    """Asks templates for the step. What many instances of a run see alike is made once."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self.address: str | None = None
        """Where the pages are, as `http://127.0.0.1:8080`; None: nobody serves them."""
        self._shared: dict[str, Shared] = {}

    def condition(self, instance: Instance, expression: bool | str) -> bool:
        """Whether a `when` holds. Raises Refused."""
        if isinstance(expression, bool):
            return expression
        try:
            return condition(expression, self.context(instance))
        except TemplateError as error:
            raise Refused(f"`when`: {error}") from None

    def names_item(self, node: Node, expression: bool | str) -> bool:
        """Whether it speaks of `item`, `index` or `matrix`, or of a param that may be made of them."""
        if isinstance(expression, bool):
            return False
        mapped_by = node.task.mapped_by or ""
        for reference in analyse_expression(expression).references:
            if reference.root in MAPPED:
                return True
            used = str(reference.path[0].name) if reference.root == "uses" and reference.path else ""
            if used == mapped_by or used.startswith(f"{mapped_by}."):
                return bool(used)
        return False

    def items(self, instance: Instance, fan: Fan) -> list[Json]:
        """What `foreach` or `matrix` comes to. Raises Refused."""
        context = self.context(instance)
        word = "foreach" if fan.fanout.matrix is None else "matrix"
        try:
            if fan.fanout.matrix is None:
                return items(fan.fanout.foreach, context)
            axes = {name: items(axis, context) for name, axis in fan.fanout.matrix.items()}
            excluded = [] if fan.fanout.exclude is None else items(fan.fanout.exclude, context)
        except TemplateError as error:
            raise Refused(f"`{word}`: {error}") from None
        return _product(axes, excluded)

    def context(self, instance: Instance) -> dict[str, Any]:
        """The names that the templates of an instance see."""
        run, node = instance.node.run, instance.node
        shared = self._known(run)
        of_matrix = node.fan is not None and node.fan.fanout.matrix is not None
        mapped = instance.index != UNMAPPED
        matrix = instance.item if mapped and of_matrix else None
        return build(
            params=run.params,
            vars=run.plan.vars,
            env=shared.env,
            tasks=Tasks(run, instance, shared.ended),
            run=shared.run,
            task_id=node.task.id,
            attempt=instance.attempts,
            item=instance.item if mapped and not of_matrix else UNSET,
            index=instance.index if mapped else None,
            matrix=matrix if isinstance(matrix, dict) else None,
            uses=shared.uses,
        )

    def of_notice(self, notice: Notice, more: Sequence[Notice] = ()) -> dict[str, Any]:
        """The names that the templates of a notification see. Its run may have ended. `more` are those that it tells of
        besides, in a digest."""
        if notice.run.id not in self._shared:
            try:
                self._shared[notice.run.id] = self.shared(notice.run)
                return self.of_notice(notice, more)
            finally:
                self.forget(notice.run)
        shared = self._shared[notice.run.id]
        run = RunTold(notice, shared.run, [self._told(each) for each in (notice, *more)])
        if notice.instance is not None:
            told = {"id": notice.instance.node.task.id, "state": notice.state, "error": notice.error}
            return {**self.context(notice.instance), "run": run, "task": told, "attempt": notice.attempt}
        context = build(
            params=notice.run.params,
            vars=notice.run.plan.vars,
            env=shared.env,
            tasks=Tasks(notice.run, None, shared.ended),
            run=run,
            task_id="",
            attempt=0,
            uses=shared.uses,
        )
        return {name: value for name, value in context.items() if name not in ("task", "attempt")}

    def _told(self, notice: Notice) -> dict[str, Any]:
        """One of `run.notices`."""
        instance = notice.instance
        return {
            "pipeline": notice.run.plan.pipeline,
            "run": notice.run.id,
            "url": _url(notice.run, self.address),
            "task": None if instance is None else instance.label,
            "state": notice.state,
            "error": notice.error,
            "attempt": notice.attempt,
        }

    def hidden(self, run: Run) -> Sequence[str]:
        """The params that no log of its tasks may show."""
        return self._known(run).hidden

    def _known(self, run: Run) -> Shared:
        shared = self._shared.get(run.id)
        if shared is None:
            shared = self._shared[run.id] = self.shared(run)
        return shared

    def shared(self, run: Run) -> Shared:
        return Shared(run, self._environment, self.address)

    def forget(self, run: Run) -> None:
        """It is over."""
        self._shared.pop(run.id, None)


class Shared:
    """What all templates of a run see alike."""

    def __init__(self, run: Run, environment: Mapping[str, str], address: str | None = None) -> None:
        plan = run.plan
        self.ended: dict[Node, Mapping[str, Any]] = {}
        """What templates see of tasks that have ended: it is asked for again and again."""
        self.hidden = hidden.texts(plan.params, run.params)
        self.env = {name: environment[name] for name in plan.allow_env if name in environment}
        self.uses = {group.id: group.params for group in plan.groups if group.use is not None}
        dates = {
            name: times.local(getattr(run, name), plan.timezone)
            for name in ("logical_date", "data_interval_start", "data_interval_end")
        }
        self.run: dict[str, Any] = {
            "id": run.id,
            "pipeline": plan.pipeline,
            "type": run.type,
            "dir": run.folder,
            "url": _url(run, address),
            "assets": [
                {**update, "at": times.local(update["at"], plan.timezone).isoformat()}
                for update in run.assets
            ],
            **dates,
        }


class Tasks(Mapping[str, Mapping[str, Any]]):
    """`tasks`, as one instance sees it: siblings of the same mapping are the same item's. The run itself sees each
    as a whole."""

    def __init__(self, run: Run, instance: Instance | None, ended: dict[Node, Mapping[str, Any]]) -> None:
        self._run = run
        self._instance = instance
        self._ended = ended

    def __getitem__(self, task: str) -> Mapping[str, Any]:
        node = self._run.nodes.get(task)
        if node is None:
            return _left_out(self._run, self._instance, task)
        mine = self._instance.node if self._instance else None
        if self._instance and mine and node.fan and node.fan is mine.fan and node.expanded and mine.expanded:
            sibling = node.instances[self._instance.index]
            return {"output": sibling.output, "state": sibling.state.value}
        return self._ended.get(node) or self._look(node)

    def _look(self, node: Node) -> Mapping[str, Any]:
        state = task_state(node)
        seen = {"output": output_of(node) if state is TaskState.SUCCESS else None, "state": state.value}
        if state in FINAL:
            self._ended[node] = seen
        return seen

    def __iter__(self) -> Iterator[str]:
        return (task.id for task in self._run.plan.tasks)

    def __len__(self) -> int:
        return len(self._run.plan.tasks)


class RunTold(Mapping[str, Any]):
    """`run` in a notification. Which tasks have failed is looked for if a template asks."""

    def __init__(self, notice: Notice, known: Mapping[str, Any], notices: list[dict[str, Any]]) -> None:
        self._notice = notice
        self._notices = notices
        self._known = known

    def __getitem__(self, name: str) -> Any:
        if name == "state":
            return self._notice.state if self._notice.instance is None else self._notice.run.state.value
        if name == "failed":
            nodes = self._notice.run.nodes.values()
            failed = TaskState.FAILED
            return [node.task.id for node in nodes if any(each.state is failed for each in node.instances)]
        return self._notices if name == "notices" else self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._known, "state", "failed", "notices"))

    def __len__(self) -> int:
        return len(self._known) + 3


def _url(run: Run, address: str | None) -> str | None:
    """Of the run's page; None: there are no pages."""
    return None if address is None else f"{address}/runs/{run.id}"


def _left_out(run: Run, instance: Instance | None, task: str) -> Mapping[str, Any]:
    """A task of the plan that this run is without: its newest success stands for it, of a chain its own link."""
    node = instance.node if instance else None
    known = next((each for each in run.plan.tasks if each.id == task), None)
    if known is None:
        raise KeyError(task)
    state = TaskState.SUCCESS if task in run.earlier else TaskState.NONE
    output = run.earlier.get(task)
    chain = node is not None and node.fan and node.expanded and known.mapped_by == node.fan.id
    if instance and chain and isinstance(output, list):
        output = output[instance.index] if instance.index < len(output) else None
    return {"output": output, "state": state.value}


def _product(axes: Mapping[str, list[Json]], excluded: list[Json]) -> list[Json]:
    """All combinations, the last axis fastest, without those that an excluded one matches."""
    number = math.prod(map(len, axes.values()))
    if number > MOST_ITEMS:
        raise Refused(f"`matrix`: at most {MOST_ITEMS:,} combinations are wanted, found {number:,}")
    for rule in excluded:
        if not isinstance(rule, dict):
            raise Refused("`matrix`: `exclude` wants a list of mappings")
    every = (dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))
    return [one for one in every if not any(_matches(one, rule) for rule in excluded)]


def _matches(one: dict[str, Json], rule: Json) -> bool:
    assert isinstance(rule, dict)
    return bool(rule) and all(name in one and _equal(one[name], value) for name, value in rule.items())


def _equal(one: Json, other: Json) -> bool:
    """As JSON has it: true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def rendered(plan_value: dict[str, Json], context: Mapping[str, Any]) -> dict[str, Json]:
    """Every string in it rendered, those that are one `{{ }}` keeping their type. Raises TemplateError."""
    return {name: render(value, context) for name, value in plan_value.items()}
