"""What is known at a spot: the tasks, params, vars and outputs that can be named there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from yamldag.compile import bind, names, shapes
from yamldag.compile.compiler import Compiler
from yamldag.compile.completing.spot import MARK, Step
from yamldag.compile.documents import File
from yamldag.compile.draft import Draft
from yamldag.compile.link import Linking
from yamldag.compile.mentions import SECRETS_ALLOWED, Where
from yamldag.compile.outputs import Outputs
from yamldag.compile.project import Project
from yamldag.operators import catalog
from yamldag.plan.expression import vocabulary
from yamldag.syntax.tree import Json, Map, Node, Scalar

Shape = dict[str, Json] | None

_ROOTS = {
    "params": "the run's params",
    "vars": "constants: the environment's over the file's over the project's",
    "tasks": "output and state of another task, which becomes a need",
    "run": "this run: its id, dates and folder",
    "task": "this task",
    "attempt": "which attempt it is, from 1",
    "env": "the scheduler's environment: the names listed in `allow_env`",
    "secrets": "secrets, by name",
    "connections": "single settings of connections",
    "item": "the item of this instance",
    "index": "the number of this instance, from 0",
    "matrix": "this instance's combination",
    "logical_date": "the run's tick, in the pipeline's zone",
    "data_interval_start": "the tick before",
    "data_interval_end": "the run's tick",
    "ds": "the tick's date, as `2026-01-31`",
    "ds_nodash": "the tick's date, as `20260131`",
    "ts": "the tick, as ISO 8601",
    "ts_nodash": "the tick, as `20260131T060000`",
    "run_id": "the run's id",
}
"""Every name that a template can begin with, and what it stands for."""
_DATES = ("logical_date", "data_interval_start", "data_interval_end")
_STATE: Shape = {"type": "string", "description": "How it ended"}


class Named(NamedTuple):
    """A name that can be written, and what is known of it."""

    name: str
    detail: str = ""
    """Its type or kind, in a word or two."""
    about: str = ""


class Around:
    """One document as far as it can be told, seen from one spot of it."""

    def __init__(self, project: Project, file: File, document: Map, path: Sequence[Step]) -> None:
        self.project = project
        root = Compiler(project).drafted(document, file)
        self.site, self.left = _site(root, path)
        """The task, group or pipeline that the spot is in, and the way from there."""
        self._outputs = Outputs(Linking(root, set(), []), []) if root is not None else None

    @property
    def is_task(self) -> bool:
        """Whether the spot is in a task, a group or a use, not in the pipeline's own keys."""
        return self.site is not None and self.site.kind != "root"

    # Names in YAML

    def tasks(self, without: Iterable[str] = ()) -> list[Named]:
        """What `needs` may name."""
        if self.site is None:
            return []
        left_out = {id(self.site), *map(id, self.site.above())}
        left_out |= {id(names.find(name, self.site)) for name in without}
        found = []
        for name, draft in names.known(self.site).items():
            if id(draft) not in left_out and MARK not in draft.id:
                left_out.add(id(draft))  # under a longer name it is the same
                found.append(task(name, draft))
        return found

    def params_of_use(self) -> list[Named]:
        """What `with` gives: the params of the template that is used."""
        if self.site is None or self.site.kind != "use" or self.site.inner is self.site.scope:
            return []
        declared = self.site.inner.params.items()
        return [shaped(name, one.schema) for name, one in declared]

    # Names in expressions

    def roots(self) -> list[Named]:
        """What an expression here may begin with."""
        known = [name for name in _ROOTS if name in vocabulary.ROOTS and self._may_stand(name)]
        return [Named(name, "", _ROOTS[name]) for name in known]

    def members(self, chain: Sequence[str]) -> list[Named]:
        """What may follow `chain.`: the names of the params after `params`, for instance."""
        root, *path = chain
        if self.site is None or not self._may_stand(root):
            return []
        if root == "params":
            return self._in_params(path)
        if root == "vars":
            return _in_vars(self.site.scope.vars, path)
        if root == "tasks":
            return self._in_tasks(path)
        return self._fixed(root) if not path else []

    def _may_stand(self, root: str) -> bool:
        if root in vocabulary.MAPPED:
            mapped = self.site.mapped if self.site is not None else None
            kind = mapped.mapping if mapped is not None else ""
            return kind in {"item": ("foreach",), "matrix": ("matrix",)}.get(root, ("foreach", "matrix"))
        if root in ("secrets", "connections") and self.is_task:
            return self._where() in SECRETS_ALLOWED
        return True

    def _where(self) -> Where | None:
        return bind.place_of(str(self.left[0])) if self.left else None

    def _fixed(self, root: str) -> list[Named]:
        if root == "run":
            return [Named(name, "date" if name in _DATES else "") for name in sorted(vocabulary.RUN_KEYS)]
        if root == "matrix":
            return [Named(name, "axis") for name in self._axes()]
        known = {
            "task": vocabulary.TASK_KEYS,
            "env": self.project.allow_env,
            "secrets": self.project.secrets,
            "connections": self.project.connections,
            **dict.fromkeys(_DATES, vocabulary.DATE_FIELDS),
        }
        return [Named(name) for name in sorted(known.get(root, ()))]

    def _axes(self) -> list[str]:
        mapped = self.site.mapped if self.site is not None else None
        node = mapped.entries["matrix"][1] if mapped is not None and "matrix" in mapped.entries else None
        return [name for name in node.items if name != "exclude"] if type(node) is Map else []

    def _in_params(self, path: Sequence[str]) -> list[Named]:
        assert self.site is not None
        declared = self.site.scope.params
        if not path:
            return [shaped(name, one.schema) for name, one in declared.items() if name != MARK]
        return _inside(declared[path[0]].schema, path[1:]) if path[0] in declared else []

    def _in_tasks(self, path: Sequence[str]) -> list[Named]:
        assert self.site is not None
        if not path:
            return [named for named in self.tasks() if "." not in named.name]
        target, rest = names.find(path[0], self.site), list(path[1:])
        while target is not None and target.kind != "task" and rest:
            target = target.children.get(rest.pop(0))
        if target is None or target.kind != "task":
            inside = target.children if target is not None else {}
            return [task(name, draft) for name, draft in inside.items() if name != MARK]
        shape = self._shape(target)
        if not rest:
            return [shaped("output", shape or {}), shaped("state", _STATE or {})]
        return _inside(shape, rest[1:]) if rest[0] == "output" else []

    def _shape(self, task: Draft) -> Shape:
        """Of a mapped task seen from outside, a list of what its instances give."""
        assert self._outputs is not None
        assert self.site is not None
        shape = self._outputs.shape(task)
        if task.mapped is not None and task.mapped is not self.site.mapped:
            return {"type": "array", "items": shape or {}}
        return shape


def _site(root: Draft | None, path: Sequence[Step]) -> tuple[Draft | None, Sequence[Step]]:
    site, left = root, path
    while site is not None and len(left) > 1 and left[0] == "tasks" and left[1] in site.children:
        site, left = site.children[str(left[1])], left[2:]
    return site, left


def task(name: str, draft: Draft) -> Named:
    entry = draft.entries.get("description")
    said = entry[1].text if entry is not None and type(entry[1]) is Scalar else ""
    operator = catalog.operator(draft.operator) if draft.operator else None
    return Named(name, draft.operator or draft.kind, said or (operator.summary if operator else ""))


def shaped(name: str, schema: dict[str, Json]) -> Named:
    """A name whose value has a shape: its type, and its default where it has one."""
    kind = schema.get("type", "")
    detail = " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)
    if "default" in schema:
        detail = f"{detail}, {schema['default']}" if detail else str(schema["default"])
    return Named(name, detail, str(schema.get("description", "")))


def _inside(shape: Shape, path: Sequence[str]) -> list[Named]:
    """The keys that are declared at the end of a way down a shape."""
    for step in path:
        _, shape = shapes.at_path(shape, step)
    properties = shape.get("properties") if shape else None
    if not isinstance(properties, dict):
        return []
    return [shaped(name, one if isinstance(one, dict) else {}) for name, one in properties.items()]


def _in_vars(given: dict[str, Node], path: Sequence[str]) -> list[Named]:
    for step in path:
        node = given.get(step)
        if type(node) is not Map:
            return []
        given = {name: value for name, (_, value) in node.items.items()}
    return [
        Named(name, node.text if type(node) is Scalar else "") for name, node in given.items() if name != MARK
    ]
