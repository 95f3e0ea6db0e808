"""References to tasks: which task is meant, and whether its output has what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamldag.compile import names, operators, shapes
from yamldag.compile.draft import Draft, Origin
from yamldag.compile.link import Linking
from yamldag.operators import catalog
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.locate import place
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Json, Map, Node, Scalar, Seq

if TYPE_CHECKING:
    from yamldag.plan.expression.analysis import Analysis, Reference, Segment

Edits = list[tuple[int, int, str]]
"""What to put in a text: from, up to, new."""


class Outputs:
    """The outputs of one pipeline's tasks, as templates speak of them."""

    def __init__(self, linking: Linking, found: list[Diagnostic]) -> None:
        self.linking = linking
        self.found = found
        self._shapes: dict[str, dict[str, Json] | None] = {}
        """Declared outputs by task id, as they are asked for."""

    def refer(
        self, site: Draft, node: Scalar, reference: Reference, edits: Edits, *, makes_edge: bool
    ) -> None:
        """Check `tasks.…`, make its edge, and note the text with the task's full id."""
        if not reference.path:
            message = "`tasks` needs the id of a task behind it, as in `tasks.extract.output`"
            self.say(node, "YD215", message, reference.start, reference.end)
            return
        target, used = self._target(site, node, reference)
        if target is None:
            return
        if target.kind != "task":
            self._of_a_group(node, reference, target, used)
            return
        if target is not site and site.kind != "task" and site in target.above():
            message = f"`{site.name}` can't speak of `{target.id}`, which is part of it"
            self.say(node, "YD214", message, reference.start, reference.stop)
            return
        last = reference.path[used - 1]
        if target.id != reference.path[0].name or used > 1:
            edits.append((reference.start, _closed(node.text, last.end), f"tasks[{target.id!r}]"))
        if makes_edge:
            self.linking.refer(site, target, Origin(node, reference.start, last.end))
        self._output(site, node, reference, target, used)

    def _target(self, site: Draft, node: Scalar, reference: Reference) -> tuple[Draft | None, int]:
        """The task or group that the path begins with, and how many of its segments name it."""
        target: Draft | None = None
        for used, segment in enumerate(reference.path):
            if segment.name is None:
                if target is None:
                    message = "the id of a task must be written out: it makes an edge of the graph"
                    self.say(node, "YD501", message, segment.start, segment.end)
                return target, used
            name = str(segment.name)
            found = names.find(name, site) if target is None else _down(target, name)
            if found is None:
                if target is None or name not in ("output", "state"):
                    self._unknown_task(site, node, segment, target)
                    return None, used
                return target, used
            target = found
            if target.kind == "task":
                return target, used + 1
        return target, len(reference.path)

    def _unknown_task(self, site: Draft, node: Scalar, segment: Segment, group: Draft | None) -> None:
        name = str(segment.name)
        if (group or site.scope.root).open:
            return
        if group is None:
            message, help_ = f"there is no task `{name}`", names.suggestion(name, site)
        else:
            near = nearest(name, group.children)
            message = f"there is no task `{name}` in `{group.id}`"
            help_ = f"did you mean `{near}`?" if near else None
        self.say(node, "YD203", message, segment.start, segment.end, help_)

    def _of_a_group(self, node: Scalar, reference: Reference, target: Draft, used: int) -> None:
        last = reference.path[min(used, len(reference.path) - 1)]
        message = f"`{target.id}` is a group, which has no output and no state"
        known = ", ".join(f"`{target.id}.{name}`" for name in list(target.children)[:4])
        self.say(
            node, "YD215", message, last.start, last.end, f"name one of its tasks: {known}" if known else None
        )

    def _output(self, site: Draft, node: Scalar, reference: Reference, target: Draft, used: int) -> None:
        if used >= len(reference.path):
            last = reference.path[-1]
            message = f"`tasks.{target.id}` alone is no value"
            help_ = f"read `tasks.{target.id}.output` or `tasks.{target.id}.state`"
            self.say(node, "YD215", message, last.start, last.end, help_)
            return
        key, *rest = reference.path[used:]
        if key.name is None or key.name == "state":
            return
        if key.name != "output" and target.open:
            return
        if key.name != "output":
            near = nearest(str(key.name), ("output", "state"))
            help_ = (
                f"did you mean `{near}`?"
                if near
                else f"its output has keys: `tasks.{target.id}.output.{key.name}`"
            )
            message = f"a task has `output` and `state`, but no `{key.name}`"
            self.say(node, "YD215", message, key.start, key.end, help_)
            return
        shape = self.shape(target)
        if target.mapped is not None and target.mapped is not site.mapped:
            shape = {"type": "array", "items": shape or {}}
        self.walk(node, reference, tuple(rest), shape, f"the output of `{target.id}`", "YD206")

    def shape(self, task: Draft) -> dict[str, Json] | None:
        """The schema of a task's output: declared, or fixed by its operator; None: anything."""
        if task.id not in self._shapes:
            entry = task.get("output")
            if entry is not None:
                self._shapes[task.id] = shapes.output(entry.node, [])
            else:
                self._shapes[task.id] = _own_shape(task)
        return self._shapes[task.id]

    def walk(
        self, node: Scalar, reference: Reference, path: tuple[Segment, ...], shape: dict[str, Json] | None,
        what: str, code: str,
    ) -> None:  # fmt: skip
        """Follow the keys that a reference asks for down a declared shape, which is that of `what`."""
        way = ""
        for segment in path:
            if not shape or segment.name is None or reference.guarded:
                return
            can, below = shapes.at_path(shape, segment.name)
            if not can:
                here = f"`{way}` of {what}" if way else what
                self.say(node, code, *_no_such_key(here, shape, segment))
                return
            way += _step(segment.name, way)
            shape = below

    def kind_of(self, site: Draft, analysis: Analysis) -> str | None:
        """The JSON type of an expression that is one reference, where it is declared."""
        if len(analysis.outputs) != 1 or analysis.outputs[0].bare is None:
            return None
        reference = analysis.outputs[0].bare
        shape, path = self._declared_shape(site, reference)
        for segment in path:
            if not shape or segment.name is None:
                return None
            _, shape = shapes.at_path(shape, segment.name)
        kind = shape.get("type") if shape else None
        return kind if isinstance(kind, str) else None

    def _declared_shape(
        self, site: Draft, reference: Reference
    ) -> tuple[dict[str, Json] | None, tuple[Segment, ...]]:
        path = reference.path
        if reference.root == "params" and path:
            declared = site.scope.params.get(str(path[0].name))
            return (declared.schema if declared else None), path[1:]
        if reference.root == "vars" and len(path) == 1:
            value = site.scope.vars.get(str(path[0].name))
            return ({"type": _node_kind(value)} if value is not None else None), ()
        if reference.root == "tasks" and len(path) > 1 and str(path[1].name) in ("output", "state"):
            target = names.find(str(path[0].name), site)
            if target is None or target.kind != "task":
                return None, ()
            if path[1].name == "state":
                return {"type": "string"}, path[2:]
            shape = self.shape(target)
            if target.mapped is not None and target.mapped is not site.mapped:
                shape = {"type": "array", "items": shape or {}}
            return shape, path[2:]
        return None, ()

    def say(
        self, node: Scalar, code: str, message: str, start: int, end: int, help_: str | None = None
    ) -> None:
        """Report what is wrong between two offsets of a template's text."""
        self.found.append(Diagnostic(code, message, place(node, start, end), help_))


def _own_shape(task: Draft) -> dict[str, Json] | None:
    """What the operator itself says of its output."""
    operator = catalog.operator(task.operator) if task.operator else None
    if operator is None:
        return None
    if operator.name == "approval":
        form = operators.form_of(task)
        if form is None and operators.is_vague(operator.name, task.entries[operator.name][1]):
            return None
        return shapes.output(form, []) if form is not None else {"type": "null"}
    return operator.output


def _down(group: Draft, name: str) -> Draft | None:
    found: Draft | None = group
    for part in name.split("."):
        found = found.children.get(part) if found is not None else None
    return found


def _closed(text: str, end: int) -> int:
    """The end of a segment, with the quote and bracket that close a subscript."""
    rest = end
    if text[rest : rest + 1] in ("'", '"'):
        rest += 1
        while text[rest : rest + 1].isspace():
            rest += 1
        return rest + 1 if text[rest : rest + 1] == "]" else end
    return end


def _step(name: str | int, way: str) -> str:
    """One more key, written behind those that led to it."""
    if isinstance(name, int):
        return f"[{name}]"
    return f".{name}" if way else name


def _no_such_key(what: str, shape: dict[str, Json], segment: Segment) -> tuple[str, int, int, str | None]:
    kind = shape.get("type")
    if kind in ("array", "string", "integer", "number", "boolean", "null"):
        return f"{what} is {a(str(kind))}, which has no `{segment.name}`", segment.start, segment.end, None
    properties = shape.get("properties")
    known = list(properties) if isinstance(properties, dict) else []
    near = nearest(str(segment.name), known)
    has = f"it has {', '.join(f'`{name}`' for name in known)}" if known else None
    help_ = f"did you mean `{near}`?" if near else has
    return f"{what} has no key `{segment.name}`", segment.start, segment.end, help_


def a(kind: str) -> str:
    return {"array": "a list", "object": "a mapping", "integer": "an integer", "null": "null"}.get(
        kind, f"a {kind}"
    )


def _node_kind(node: Node) -> str:
    if type(node) is Map:
        return "object"
    if type(node) is Seq:
        return "array"
    assert type(node) is Scalar
    value = node.value
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "null" if value is None else "number"
