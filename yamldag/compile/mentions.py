"""Names in templates: each is one that exists, and may be used where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import TYPE_CHECKING

from yamldag.compile import answering, constants, keys, names
from yamldag.compile.draft import Draft, strings
from yamldag.compile.outputs import Edits, Outputs
from yamldag.compile.project import Project
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Map, Node, Scalar

if TYPE_CHECKING:
    from yamldag.plan.expression.analysis import Reference, Segment


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


SECRETS_ALLOWED = (Where.OPERATOR, Where.ENV, Where.NOTIFICATION, Where.COMMON_NOTIFICATION, Where.OUTSIDE)
_KEEPING = ("approval", "branch", "pipeline", "short_circuit")
"""Operators that the scheduler carries out itself: their values are stored."""
_LOOKS = ("http", "sql", "python")
"""What a `wait` may ask, where the asking runs as a task does."""
_COMMON = (Where.OUTSIDE, Where.COMMON_NOTIFICATION)
_OUTPUT = "what an earlier task gave is read as `tasks.id.output`"
_AIRFLOW = {
    **dict.fromkeys(("ti", "task_instance", "xcom_pull", "xcom"), _OUTPUT),
    **dict.fromkeys(("dag_run", "dag"), "the run is read as `run.id`, `run.type`, `run.logical_date` …"),
    **dict.fromkeys(("execution_date", "next_execution_date"), "it is called `logical_date`"),
    **dict.fromkeys(("prev_ds", "prev_execution_date"), "the tick before is `data_interval_start`"),
    "macros": "dates are moved by filters, as in `ds | add_days(7)`",
    "var": "constants are read as `vars.name`",
    "null": "the empty value is `none` in an expression",
    "conn": "connections are read as `connections.id.host`",
}
"""What the names of Airflow, and of JSON, are called here."""
_ANSWER = dict.fromkeys(
    (name for names in answering.NAMES.values() for name in names),
    "expressions over a task's own answer stand in `expect` and `pages`, without `{{ }}`",
)


class Mentions:
    """The names that the templates of one pipeline use."""

    def __init__(self, project: Project, outputs: Outputs, found: list[Diagnostic]) -> None:
        self.project = project
        self.outputs = outputs
        self.found = found
        self.used_params: set[tuple[int, str]] = set()
        self.used_vars: set[str] = set()
        self.kept: set[int] = set()
        """Templates of notifications whose values go to the database."""
        self._kinds: dict[int, frozenset[str]] = {}

    def all(self, site: Draft, node: Scalar, references: tuple[Reference, ...], where: Where) -> Edits:
        """Check each reference of a template; what to put in its text so that it speaks of full ids."""
        edits: Edits = []
        for reference in self._hyphenated(site, node, references):
            self._reference(site, node, reference, where, edits)
        return edits

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
                    self.outputs.say(node, code, message, first.path[-1].start, second.end, help_)
                    rest.pop(0)
                    continue
            yield first

    def _reference(self, site: Draft, node: Scalar, reference: Reference, where: Where, edits: Edits) -> None:
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
            self._secret(site, node, reference, where)
        elif root == "env":
            self._env(node, reference)
        elif root in ("run", "task"):
            self._known_key(site, node, reference, where)
        elif root not in vocabulary.ROOTS or root == "uses":
            scope, roots = site.scope, vocabulary.ROOTS - {"uses"}
            near = scope.nearest(root, "roots", lambda: [*roots, *scope.params, *scope.vars])
            self.outputs.say(
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
            if site.operator == "branch":
                return f"a task is chosen by its id, in quotes: `'{name}'`"
            return f"a task's output is read as `tasks.{name}.output`"
        if name in _ANSWER:
            return _ANSWER[name]
        return f"did you mean `{near}`?" if near else None

    def _param(self, site: Draft, node: Scalar, reference: Reference, edits: Edits) -> None:
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
        if declared is None and (site.scope.open_params or name in site.scope.strays):
            return
        if declared is None:
            near = site.scope.nearest(name, "params", lambda: site.scope.params)
            help_ = f"did you mean `{near}`?" if near else "declare it under `params:`"
            self.outputs.say(node, "YD204", f"there is no param `{name}`", segment.start, segment.end, help_)
        else:
            self.outputs.walk(
                node, reference, reference.path[1:], declared.schema, f"param `{name}`", "YD215"
            )

    def _var(self, site: Draft, node: Scalar, reference: Reference) -> None:
        segment = _first(reference)
        if segment is None:
            self.used_vars.update(site.scope.vars)
            return
        name = str(segment.name)
        self.used_vars.add(name)
        if name not in site.scope.vars:
            if site.scope.open_vars or name in site.scope.strays:
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
                self.outputs.say(node, "YD205", message, part.start, part.end, help_)
                return
            below = below.items[str(part.name)][1]

    def _item(self, site: Draft, node: Scalar, reference: Reference, where: Where) -> None:
        root, mapped = reference.root, site.mapped
        if where is Where.MAPPING and mapped is site:
            mapped = None
        kind = None if mapped is None else mapped.mapping
        wanted = {"item": ("foreach",), "matrix": ("matrix",), "index": ("foreach", "matrix")}[root]
        common = where in _COMMON and site.kind != "task"
        if common and not self._kinds_below(site).isdisjoint(wanted):
            return  # whether there is an item depends on the task that it reaches: one of them has
        if common or kind not in wanted:
            if any(keys.is_vague(each) for each in (site, *site.above())):
                return  # what is misspelt there may be what maps it
            needed = "`foreach` or `matrix`" if root == "index" else f"`{wanted[0]}`"
            who = "no task that it reaches has" if common else "this task has no"
            message = f"there is no `{root}` here: {who} {needed}"
            self.outputs.say(node, "YD509", message, reference.start, reference.end)
            return
        segment = _first(reference)
        if root == "matrix" and segment is not None and mapped is not None:
            self._axis(node, segment, mapped)

    def _kinds_below(self, site: Draft) -> frozenset[str]:
        """How the tasks of a group, or of the pipeline, are mapped."""
        if id(site) not in self._kinds:
            mapped = [task.mapped for task in site.tasks() if task.mapped is not None]
            self._kinds[id(site)] = frozenset(one.mapping for one in mapped)
        return self._kinds[id(site)]

    def _axis(self, node: Scalar, segment: Segment, mapped: Draft) -> None:
        key, matrix = mapped.entries["matrix"]
        if key.text != "matrix":
            return  # it was misspelt: what it holds may be something else
        axes = [name for name in matrix.items if name != "exclude"] if type(matrix) is Map else None
        if axes is not None and str(segment.name) not in axes:
            near = nearest(str(segment.name), axes)
            help_ = f"did you mean `{near}`?" if near else f"the axes are {', '.join(axes)}"
            message = f"the matrix has no axis `{segment.name}`"
            self.outputs.say(node, "YD215", message, segment.start, segment.end, help_)

    def _secret(self, site: Draft, node: Scalar, reference: Reference, where: Where) -> None:
        root = reference.root
        if where not in SECRETS_ALLOWED:
            message = f"`{root}` can't be read here: only under operators, in `env` and in notifications"
            self.outputs.say(node, "YD214", message, reference.start, reference.end)
            return
        if where is Where.OPERATOR and _is_kept(site, node):
            message = f"`{root}` can't be read here: what `{site.operator}` goes by is stored with the run"
            self.outputs.say(node, "YD214", message, reference.start, reference.end)
            return
        if id(node) in self.kept:
            message = f"`{root}` can't be read here: what a run is given is stored with it"
            self.outputs.say(node, "YD214", message, reference.start, reference.end)
            return
        if where is Where.OPERATOR and site.operator == "dbt":
            message = f"`{root}` can't be read here: everyone on the machine can see a command line"
            help_ = "hand it over in `env`, and read it with dbt's `env_var()`"
            self.outputs.say(node, "YD214", message, reference.start, reference.end, help_)
            return
        segment = _first(reference)
        known = self.project.secrets if root == "secrets" else self.project.connections
        name = "" if segment is None else str(segment.name)
        there = name in known or (root == "connections" and self.project.knows_connection(name))
        if segment is not None and not there and not self.project.unsure(root):
            what = root[:-1]
            near = nearest(str(segment.name), known)
            help_ = f"did you mean `{near}`?" if near else f"declare it under `{root}:` in yamldag.yml"
            code = "YD209" if what == "secret" else "YD210"
            self.outputs.say(
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
            self.outputs.say(node, "YD211", message, segment.start, segment.end, help_)

    def _known_key(self, site: Draft, node: Scalar, reference: Reference, where: Where) -> None:
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
            elif reference.root == "task" and names.find(str(segment.name), site) is not None:
                help_ = f"other tasks are read as `tasks.{segment.name}`"
            message = f"`{reference.root}` has no `{segment.name}`"
            self.outputs.say(node, "YD215", message, segment.start, segment.end, help_)

    def _task(self, site: Draft, node: Scalar, reference: Reference, where: Where, edits: Edits) -> None:
        if where in _COMMON:
            message = "no task can be named here: `defaults`, and `env` outside tasks, are for every task"
            self.outputs.say(node, "YD214", message, reference.start, reference.stop)
            return
        self.outputs.refer(site, node, reference, edits, makes_edge=where is not Where.NOTIFICATION)


def _is_kept(site: Draft, node: Scalar) -> bool:
    """Whether what is rendered here goes to the database. What a `wait` asks does not."""
    if site.operator != "wait":
        return site.operator in _KEEPING
    given = site.entries["wait"][1]
    looks = (given.items[name][1] for name in _LOOKS if name in given.items) if type(given) is Map else ()
    return not any(node is each for look in looks for each in strings(look))


def _first(reference: Reference) -> Segment | None:
    """The constant name after the root; None if there is none, or one that is known at run time alone."""
    return reference.path[0] if reference.path and reference.path[0].name is not None else None
