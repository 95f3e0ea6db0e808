"""Templates: every name in them is found, every reference to a task becomes an edge."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import TYPE_CHECKING

from yamldag.compile import constants, names, operators, shapes
from yamldag.compile.draft import Draft, Entries, Layer, Origin, strings
from yamldag.compile.keys import OPERATORS
from yamldag.compile.link import Linking
from yamldag.compile.project import Project
from yamldag.operators import catalog
from yamldag.syntax.diagnostic import Diagnostic, at
from yamldag.syntax.locate import place
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Json, Map, Node, Scalar, Seq

if TYPE_CHECKING:
    from yamldag.plan.expression.analysis import Analysis, Reference, Segment


class Where(Enum):
    """In what kind of place a template stands: it decides which names it may use."""

    OPERATOR = auto()
    ENV = auto()
    VALUE = auto()
    """`args`, `with`, `working_dir`, `cache.key`."""
    CONDITION = auto()
    MAPPING = auto()
    """`foreach` and `matrix`: there is no item yet."""
    NOTIFICATION = auto()
    COMMON_NOTIFICATION = auto()
    """Those of `defaults`."""
    OUTSIDE = auto()
    """`defaults` and `env` outside tasks: no task is known there."""


_SECRETS_ALLOWED = (Where.OPERATOR, Where.ENV, Where.NOTIFICATION, Where.COMMON_NOTIFICATION, Where.OUTSIDE)
_COMMON = (Where.OUTSIDE, Where.COMMON_NOTIFICATION)
_NOTIFICATIONS = ("on_failure", "on_success", "on_retry", "on_deadline")
_VALUES = ("args", "with", "working_dir", "cache")
_PLACES: dict[str, Where] = {
    **dict.fromkeys(OPERATORS, Where.OPERATOR),
    **dict.fromkeys(_VALUES, Where.VALUE),
    **dict.fromkeys(_NOTIFICATIONS, Where.NOTIFICATION),
    "env": Where.ENV,
    "foreach": Where.MAPPING,
    "matrix": Where.MAPPING,
}


_OUTPUT = "what an earlier task gave is read as `tasks.id.output`"
_AIRFLOW = {
    **dict.fromkeys(("ti", "task_instance", "xcom_pull", "xcom"), _OUTPUT),
    **dict.fromkeys(("dag_run", "dag"), "the run is read as `run.id`, `run.type`, `run.logical_date` …"),
    **dict.fromkeys(("execution_date", "next_execution_date"), "it is called `logical_date`"),
    **dict.fromkeys(("prev_ds", "prev_execution_date"), "the tick before is `data_interval_start`"),
    "macros": "dates are moved by filters, as in `ds | add_days(7)`",
    "var": "constants are read as `vars.name`",
    "conn": "connections are read as `connections.id.host`",
}
"""What Airflow's names are called here."""
_EXPRESSIONS = {"branch": "choose", "short_circuit": "go"}
"""Operators that take an expression, and the parameter that is one."""
_DEFAULTS = dict.fromkeys(_NOTIFICATIONS, Where.COMMON_NOTIFICATION)


class Binding:
    """The templates of one pipeline."""

    def __init__(self, project: Project, linking: Linking, faulty: set[int], found: list[Diagnostic]) -> None:
        self.project = project
        self.linking = linking
        self.faulty = faulty
        self.found = found
        self.shapes: dict[str, dict[str, Json] | None] = {}
        """Declared outputs by task id, as they are asked for."""
        self.used_params: set[tuple[int, str]] = set()
        self.used_vars: set[str] = set()
        self._seen_layers: set[tuple[int, int]] = set()

    def all(self, root: Draft, entries: Entries) -> None:
        """Every template of the file. `entries` are its keys in force."""
        for env in self.project.envs(entries):
            self._strings(root, env, Where.OUTSIDE)
        self._defaults(root.layers)
        for name in _NOTIFICATIONS:
            if name in entries:
                self._strings(root, entries[name][1], Where.NOTIFICATION)
        stack = list(root.children.values())
        for draft in stack:
            self._draft(draft)
            stack.extend(draft.children.values())

    def _defaults(self, layers: tuple[Layer, ...]) -> None:
        for layer in layers:
            mark = (id(layer.site), id(layer.entries))
            if mark in self._seen_layers:
                continue
            self._seen_layers.add(mark)
            for name, (_, node) in layer.entries.items():
                if name == "when":
                    self._when(layer.site, node, Where.OUTSIDE)
                else:
                    self._strings(layer.site, node, _DEFAULTS.get(name, Where.OUTSIDE))

    def _draft(self, draft: Draft) -> None:
        for name, (_, node) in draft.entries.items():
            where = _PLACES.get(name) or (Where.OPERATOR if name in OPERATORS else None)
            if where is not None:
                self._strings(draft, node, where)
                if name in _EXPRESSIONS:
                    self._choice(draft, node, _EXPRESSIONS[name])
            elif name == "when":
                self._when(draft, node, Where.CONDITION)
        if draft.inside is not None and "env" in draft.inside.entries:
            self._strings(draft.inside, draft.inside.entries["env"][1], Where.OUTSIDE)
        if draft.group is not None and draft.layers is not draft.group.layers:
            self._defaults(draft.layers)
        if draft.mapped is draft and "foreach" in draft.entries:
            self._gives_a_list(draft, "foreach", draft.entries["foreach"][1])
        elif draft.mapped is draft:
            self._matrix(draft, draft.entries["matrix"][1])

    def _choice(self, draft: Draft, node: Node, parameter: str) -> None:
        """What `branch` and `short_circuit` go by: an expression without its braces, or ids."""
        from yamldag.plan.expression.analysis import analyse_expression

        value = operators.parameter(node, parameter) if type(node) is Map else node
        if type(value) is Scalar and type(value.value) is str and not any(True for _ in strings(value)):
            if id(value) not in self.faulty:
                self._template(draft, value, analyse_expression(value.text), Where.OPERATOR)
        elif type(value) is Seq:
            for item in value.items:
                self._chosen(draft, item)

    def _chosen(self, draft: Draft, item: Node) -> None:
        if type(item) is not Scalar or id(item) in self.faulty or any(True for _ in strings(item)):
            return
        if names.find(item.text, draft) is None and not draft.scope.root.open:
            message = f"`{draft.name}` chooses `{item.text}`, but there is no such task"
            self.found.append(Diagnostic("YD203", message, at(item), names.suggestion(item.text, draft)))

    def _strings(self, site: Draft, node: Node, where: Where) -> None:
        for scalar in strings(node):
            from yamldag.plan.expression.analysis import analyse

            if id(scalar) not in self.faulty:
                self._template(site, scalar, analyse(scalar.text), where)

    # One template

    def _template(self, site: Draft, node: Scalar, analysis: Analysis, where: Where) -> bool:
        """Report what is wrong in it; True if nothing is."""
        before = len(self.found)
        for fault in analysis.faults:
            self._report(node, fault.code, fault.message, fault.start, fault.end, fault.help)
        edits: list[tuple[int, int, str]] = []
        if not analysis.faults:
            for reference in self._hyphenated(site, node, analysis.references):
                self._reference(site, node, reference, where, edits)
        if edits:
            site.rewrite(node, _edited(node.text, edits))
        return len(self.found) == before

    def _hyphenated(
        self, site: Draft, node: Scalar, references: tuple[Reference, ...]
    ) -> Iterable[Reference]:
        """`tasks.a-b` is a subtraction: where `a-b` is what there is, that is told once, and both halves are left."""
        rest = list(references)
        while rest:
            first = rest.pop(0)
            if rest and node.text[first.stop : rest[0].start] == "-" and first.path:
                name, second = f"{first.path[-1].name}-{rest[0].root}", rest[0]
                there = names.find(name, site) if first.root == "tasks" else site.scope.params.get(name)
                if there is not None and first.root in ("tasks", "params"):
                    code = "YD203" if first.root == "tasks" else "YD204"
                    message = f"`{first.path[-1].name}-{second.root}` reads as a subtraction here"
                    help_ = f"write `{first.root}['{name}']`"
                    self._report(node, code, message, first.path[-1].start, second.end, help_)
                    rest.pop(0)
                    continue
            yield first

    def _reference(
        self, site: Draft, node: Scalar, reference: Reference, where: Where, edits: list[tuple[int, int, str]]
    ) -> None:
        from yamldag.plan.expression import vocabulary

        root = reference.root
        if root == "tasks":
            self._task(site, node, reference, where, edits)
        elif root == "params":
            self._param(site, node, reference, edits)
        elif root == "vars":
            self._var(site, node, reference)
        elif root in ("item", "index", "matrix"):
            self._item(site, node, reference, where)
        elif root in ("secrets", "connections"):
            self._secret(node, reference, where)
        elif root == "env":
            self._env(node, reference)
        elif root in ("run", "task"):
            self._known_key(node, reference, where)
        elif root not in vocabulary.ROOTS or root == "uses":
            scope = site.scope
            near = scope.nearest(
                root, "roots", lambda: [*vocabulary.ROOTS - {"uses"}, *scope.params, *scope.vars]
            )
            self._report(
                node, "YD208", f"there is no `{root}` in a template", reference.start, reference.end,
                self._name_help(site, root, near),
            )  # fmt: skip

    def _name_help(self, site: Draft, name: str, near: str | None) -> str | None:
        if name in _AIRFLOW:
            return _AIRFLOW[name]
        if name in site.scope.params or near in site.scope.params:
            return f"a param is read as `params.{near or name}`"
        if name in site.scope.vars or near in site.scope.vars:
            return f"a var is read as `vars.{near or name}`"
        if names.find(name, site) is not None:
            return f"a task's output is read as `tasks.{name}.output`"
        return f"did you mean `{near}`?" if near else None

    def _report(
        self, node: Scalar, code: str, message: str, start: int, end: int, help_: str | None = None
    ) -> None:
        self.found.append(Diagnostic(code, message, place(node, start, end), help_))

    def _param(
        self, site: Draft, node: Scalar, reference: Reference, edits: list[tuple[int, int, str]]
    ) -> None:
        root = site.scope.root
        if root.kind != "root" or root.id:
            edits.append((reference.start, reference.end, f"uses[{root.id!r}]"))
        segment = _first(reference)
        if segment is None:
            self.used_params.update((id(site.scope), name) for name in site.scope.params)
            return
        name = str(segment.name)
        self.used_params.add((id(site.scope), name))
        declared = site.scope.params.get(name)
        if declared is None and site.scope.open_params:
            return
        if declared is None:
            near = site.scope.nearest(name, "params", lambda: site.scope.params)
            help_ = f"did you mean `{near}`?" if near else "declare it under `params:`"
            self._report(node, "YD204", f"there is no param `{name}`", segment.start, segment.end, help_)
        else:
            self._walk(node, reference, reference.path[1:], declared.schema, f"param `{name}`", "YD215")

    def _var(self, site: Draft, node: Scalar, reference: Reference) -> None:
        segment = _first(reference)
        if segment is None:
            self.used_vars.update(site.scope.vars)
            return
        name = str(segment.name)
        self.used_vars.add(name)
        if name not in site.scope.vars:
            if site.scope.open_vars:
                return
            known = tuple(site.scope.vars)
            self.found.append(constants.unknown_var(node, name, segment.start, segment.end, known))
            return
        below: Node | None = site.scope.vars[name]
        for part in reference.path[1:]:
            if part.name is None or reference.guarded or type(below) is not Map:
                return
            if str(part.name) not in below.items:
                near = nearest(str(part.name), below.items)
                help_ = f"did you mean `{near}`?" if near else None
                message = f"var `{name}` has no key `{part.name}`"
                self._report(node, "YD205", message, part.start, part.end, help_)
                return
            below = below.items[str(part.name)][1]

    def _item(self, site: Draft, node: Scalar, reference: Reference, where: Where) -> None:
        root, mapped = reference.root, site.mapped
        if where is Where.MAPPING and mapped is site:
            mapped = None
        kind = None if mapped is None else "foreach" if "foreach" in mapped.entries else "matrix"
        wanted = {"item": ("foreach",), "matrix": ("matrix",), "index": ("foreach", "matrix")}[root]
        if where in _COMMON and site.kind == "root":
            return  # of defaults: whether there is an item depends on the task that they reach
        if kind not in wanted:
            needed = "`foreach` or `matrix`" if root == "index" else f"`{wanted[0]}`"
            message = f"there is no `{root}` here: this task has no {needed}"
            self._report(node, "YD509", message, reference.start, reference.end)
            return
        segment = _first(reference)
        if root == "matrix" and segment is not None and mapped is not None:
            self._axis(node, segment, mapped)

    def _axis(self, node: Scalar, segment: Segment, mapped: Draft) -> None:
        matrix = mapped.entries["matrix"][1]
        axes = [name for name in matrix.items if name != "exclude"] if type(matrix) is Map else None
        if axes is not None and str(segment.name) not in axes:
            near = nearest(str(segment.name), axes)
            help_ = f"did you mean `{near}`?" if near else f"the axes are {', '.join(axes)}"
            message = f"the matrix has no axis `{segment.name}`"
            self._report(node, "YD215", message, segment.start, segment.end, help_)

    def _secret(self, node: Scalar, reference: Reference, where: Where) -> None:
        root = reference.root
        if where not in _SECRETS_ALLOWED:
            message = f"`{root}` can't be read here: only under operators, in `env` and in notifications"
            self._report(node, "YD214", message, reference.start, reference.end)
            return
        segment = _first(reference)
        known = self.project.secrets if root == "secrets" else self.project.connections
        if segment is not None and str(segment.name) not in known and not self.project.unsure(root):
            what = root[:-1]
            near = nearest(str(segment.name), known)
            help_ = f"did you mean `{near}`?" if near else f"declare it under `{root}:` in yamldag.yml"
            code = "YD209" if what == "secret" else "YD210"
            self._report(
                node, code, f"there is no {what} `{segment.name}`", segment.start, segment.end, help_
            )

    def _env(self, node: Scalar, reference: Reference) -> None:
        segment = _first(reference)
        if self.project.unsure("allow_env"):
            return
        if segment is not None and str(segment.name) not in self.project.allow_env:
            near = nearest(str(segment.name), self.project.allow_env)
            help_ = (
                f"did you mean `{near}`?"
                if near
                else f"add it to `allow_env: [{segment.name}]` in yamldag.yml"
            )
            message = f"the environment variable `{segment.name}` is not allow-listed"
            self._report(node, "YD211", message, segment.start, segment.end, help_)

    def _known_key(self, node: Scalar, reference: Reference, where: Where) -> None:
        from yamldag.plan.expression import vocabulary

        segment = _first(reference)
        if segment is None:
            return
        if where in (Where.NOTIFICATION, Where.COMMON_NOTIFICATION):
            known = vocabulary.NOTICE_RUN_KEYS if reference.root == "run" else vocabulary.NOTICE_TASK_KEYS
        else:
            known = vocabulary.RUN_KEYS if reference.root == "run" else vocabulary.TASK_KEYS
        if str(segment.name) not in known:
            near = nearest(str(segment.name), known)
            help_ = f"did you mean `{near}`?" if near else f"it has {', '.join(sorted(known))}"
            if str(segment.name) in vocabulary.NOTICE_RUN_KEYS | vocabulary.NOTICE_TASK_KEYS:
                help_ = "it is known in notifications alone"
            message = f"`{reference.root}` has no `{segment.name}`"
            self._report(node, "YD215", message, segment.start, segment.end, help_)

    # References to tasks

    def _task(
        self, site: Draft, node: Scalar, reference: Reference, where: Where, edits: list[tuple[int, int, str]]
    ) -> None:
        if where in _COMMON:
            message = "no task can be named here: `defaults`, and `env` outside tasks, are for every task"
            self._report(node, "YD214", message, reference.start, reference.stop)
            return
        if not reference.path:
            message = "`tasks` needs the id of a task behind it, as in `tasks.extract.output`"
            self._report(node, "YD215", message, reference.start, reference.end)
            return
        target, used = self._target(site, node, reference)
        if target is None:
            return
        if target.kind != "task":
            self._of_a_group(node, reference, target, used)
            return
        if target is not site and site.kind != "task" and site in target.above():
            message = f"`{site.name}` can't speak of `{target.id}`, which is part of it"
            self._report(node, "YD214", message, reference.start, reference.stop)
            return
        last = reference.path[used - 1]
        if target.id != reference.path[0].name or used > 1:
            edits.append((reference.start, _closed(node.text, last.end), f"tasks[{target.id!r}]"))
        if where is not Where.NOTIFICATION:
            self.linking.refer(site, target, Origin(node, reference.start, last.end))
        self._output(site, node, reference, target, used)

    def _target(self, site: Draft, node: Scalar, reference: Reference) -> tuple[Draft | None, int]:
        """The task or group that the path begins with, and how many of its segments name it."""
        target: Draft | None = None
        for used, segment in enumerate(reference.path):
            if segment.name is None:
                if target is None:
                    message = "the id of a task must be written out: it makes an edge of the graph"
                    self._report(node, "YD501", message, segment.start, segment.end)
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
        self._report(node, "YD203", message, segment.start, segment.end, help_)

    def _of_a_group(self, node: Scalar, reference: Reference, target: Draft, used: int) -> None:
        last = reference.path[min(used, len(reference.path) - 1)]
        message = f"`{target.id}` is a group, which has no output and no state"
        known = ", ".join(f"`{target.id}.{name}`" for name in list(target.children)[:4])
        self._report(
            node, "YD215", message, last.start, last.end, f"name one of its tasks: {known}" if known else None
        )

    def _output(self, site: Draft, node: Scalar, reference: Reference, target: Draft, used: int) -> None:
        if used >= len(reference.path):
            last = reference.path[-1]
            message = f"`tasks.{target.id}` alone is no value"
            help_ = f"read `tasks.{target.id}.output` or `tasks.{target.id}.state`"
            self._report(node, "YD215", message, last.start, last.end, help_)
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
            self._report(node, "YD215", message, key.start, key.end, help_)
            return
        shape = self.shape(target)
        if target.mapped is not None and target.mapped is not site.mapped:
            shape = {"type": "array", "items": shape or {}}
        self._walk(node, reference, tuple(rest), shape, f"the output of `{target.id}`", "YD206")

    def shape(self, task: Draft) -> dict[str, Json] | None:
        """The schema of a task's output: declared, or fixed by its operator; None: anything."""
        if task.id not in self.shapes:
            entry = task.get("output")
            if entry is not None:
                self.shapes[task.id] = shapes.output(entry.node, [])
            else:
                self.shapes[task.id] = _own_shape(task)
        return self.shapes[task.id]

    def _walk(
        self, node: Scalar, reference: Reference, path: tuple[Segment, ...], shape: dict[str, Json] | None,
        what: str, code: str,
    ) -> None:  # fmt: skip
        """Follow the keys that a reference asks for down a declared shape."""
        for segment in path:
            if not shape or segment.name is None or reference.guarded:
                return
            can, below = shapes.at_path(shape, segment.name)
            if not can:
                self._report(node, code, *_no_such_key(what, shape, segment))
                return
            shape = below

    # Conditions and items

    def _when(self, draft: Draft, node: Node, where: Where) -> None:
        if type(node) is not Scalar or type(node.value) is bool or id(node) in self.faulty:
            return
        from yamldag.plan.expression.analysis import analyse, analyse_expression

        text = node.text
        if "{{" in text or "{%" in text:
            analysis = analyse(text)
            if not analysis.faults and not analysis.whole:
                message = "`when` is one expression, with no text around it: text would always be true"
                self.found.append(
                    Diagnostic("YD506", message, at(node), "write the whole condition as one `{{ … }}`")
                )
                return
        else:
            analysis = analyse_expression(text)
        if not self._template(draft, node, analysis, where):
            return
        kind = analysis.kind or self._kind_of(draft, analysis)
        if kind == "string":
            message = "`when` would be a text, which is neither true nor false"
            self.found.append(Diagnostic("YD506", message, at(node), "compare it: `params.mode == 'full'`"))

    def _matrix(self, draft: Draft, node: Node) -> None:
        if type(node) is Map:
            for name, (_, axis) in node.items.items():
                self._gives_a_list(draft, name, axis)
        elif id(node) not in self.faulty:
            message = "`matrix` must be a mapping of names to lists; a template may stand for a list, not for all of it"
            self.found.append(Diagnostic("YD403", message, at(node)))

    def _gives_a_list(self, draft: Draft, name: str, node: Node) -> None:
        if type(node) is not Scalar or id(node) in self.faulty:
            return
        from yamldag.plan.expression.analysis import analyse

        analysis = analyse(node.text)
        if analysis.faults:
            return
        kind = analysis.kind or self._kind_of(draft, analysis)
        if not analysis.whole or analysis.literal or kind not in (None, "array"):
            found = (
                f"found `{_cut(node.text)}`"
                if not analysis.whole or analysis.literal
                else f"this gives {_a(str(kind))}"
            )
            message = f"`{name}` must be a list, or one template that gives a list; {found}"
            self.found.append(Diagnostic("YD403", message, at(node)))

    def _kind_of(self, site: Draft, analysis: Analysis) -> str | None:
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


def _own_shape(task: Draft) -> dict[str, Json] | None:
    """What the operator itself says of its output."""
    operator = catalog.operator(task.operator) if task.operator else None
    if operator is None:
        return None
    form = operators.parameter(task.entries[operator.name][1], "form")
    if operator.name == "approval" and form is not None:
        return shapes.output(form, [])
    return operator.output


def _first(reference: Reference) -> Segment | None:
    """The constant name after the root; None if there is none, or one that is known at run time alone."""
    return reference.path[0] if reference.path and reference.path[0].name is not None else None


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


def _edited(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _no_such_key(what: str, shape: dict[str, Json], segment: Segment) -> tuple[str, int, int, str | None]:
    kind = shape.get("type")
    if kind in ("array", "string", "integer", "number", "boolean", "null"):
        return f"{what} is {_a(str(kind))}, which has no `{segment.name}`", segment.start, segment.end, None
    properties = shape.get("properties")
    known = list(properties) if isinstance(properties, dict) else []
    near = nearest(str(segment.name), known)
    has = f"it has {', '.join(f'`{name}`' for name in known)}" if known else None
    help_ = f"did you mean `{near}`?" if near else has
    return f"{what} has no key `{segment.name}`", segment.start, segment.end, help_


def _a(kind: str) -> str:
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


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"
