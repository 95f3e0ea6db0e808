"""Operators are bound: their parameters go together, the functions and files that they name are there."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from yamldag.compile import answering, connecting, copying, keys, mailing, notifying, plugins, shapes, shells
from yamldag.compile.draft import Draft, Entries, Entry, Layer, Scope, merged, strings
from yamldag.compile.keys import CALLING, OPERATORS
from yamldag.compile.notifying import NOTIFICATIONS
from yamldag.compile.project import Project
from yamldag.compile.seen import Seen
from yamldag.operators import catalog
from yamldag.operators.scripts import SCRIPTS
from yamldag.operators.sql import FORMATS as ENDINGS
from yamldag.syntax.diagnostic import Diagnostic, Related, at
from yamldag.syntax.locate import place
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Map, Node, Scalar, Seq, value_at

if TYPE_CHECKING:
    from yamldag.operators import signature


class Operators:
    """The operators of one pipeline."""

    def __init__(self, project: Project, faulty: set[int], found: list[Diagnostic], seen: Seen) -> None:
        """`seen` takes the files that were looked for."""
        self.seen = seen
        self.project = project
        self.faulty = faulty
        self.found = found

    def all(self, root: Draft, entries: Entries) -> None:
        """`entries` are the pipeline's keys in force."""
        for task in root.tasks():
            if task.operator is not None:
                self._task(task)
            if not task.entries.keys().isdisjoint(NOTIFICATIONS):
                for name in NOTIFICATIONS:
                    if name in task.entries:
                        self._calls(task.entries[name][1], task.scope)
        layers = ((layer.entries, layer.site.scope) for layer in self._layers(root))
        for given, scope in ((entries, root.scope), *layers):
            for name in NOTIFICATIONS:
                if name in given:
                    self._calls(given[name][1], scope)

    def _layers(self, root: Draft) -> Iterable[Layer]:
        """Every `defaults` that reaches a task."""
        first = (child for group in (root, *root.groups()) for child in [*group.children.values()][:1])
        return {id(layer.entries): layer for child in first for layer in child.layers}.values()

    def _task(self, task: Draft) -> None:
        assert task.operator is not None
        key, node = task.entries[task.operator]
        own = task.entries.get("args")
        given = _Given(
            task.operator,
            key,
            node,
            task.values(task.operator),
            task.values("args"),
            own[0] if own else None,
            task.scope.folder,
            task.scope,
            sure=not keys.may_give(task, "args"),
        )
        if self._operator(given):
            self._output(task)
            self._mapping(task)

    def _operator(self, given: _Given) -> bool:
        """Of a task or a notification; False: there is more that is wrong with it than what is looked at here."""
        if id(given.node) in self.faulty:
            return False
        if (told := catalog.broken(given.operator)) is not None:
            self.found.append(plugins.broken(given.operator, told, given.key))
            return False
        self._own(given)
        nodes = [entry.node for entry in given.values]
        for each in nodes:
            self.found += answering.faults(given.operator, each, self.faulty)
        self._connections(given.operator, nodes)
        for each in nodes:
            self._requirements(each)
            self._exclusive(given.operator, each)
            for name, looks in _looks(given.operator, each):
                self._exclusive(name, looks)
        self._required(given)
        return True

    def _own(self, given: _Given) -> None:
        """What one operator alone has."""
        operator, node = given.operator, given.node
        if operator in SCRIPTS:
            self.found += shells.faults(operator, given.scope, node, self.faulty)
        elif operator == "python":
            self._call_of(given, node)
        elif operator == "sql":
            self._file(given.folder, node)
            self._saved(node)
        elif operator == "airflow":
            self._airflow([entry.node for entry in given.values])
        elif operator == "copy":
            self.found += copying.faults(given.values, self.faulty, self.project)
        elif operator == "dbt":
            self._dbt(given)
        elif operator == "email":
            self.found += mailing.faults(given.key, given.values, self.project)
        elif operator in CALLING:
            function = value_at(node, "python")
            if function is not None and id(function) not in self.faulty:
                self._call_of(given, function)

    def _dbt(self, given: _Given) -> None:
        said = merged(given.values, "command")
        if "expand" not in said:  # else it was looked at when it was expanded
            from yamldag.compile.dbt import checking

            self.found += checking.faults(said, given.key, self.faulty, self.seen)

    def _call_of(self, given: _Given, node: Node) -> None:
        if known := self._python(given.folder, node):
            sure = given.sure and not is_vague(given.operator, node)
            self._arguments(*known, given.args, given.args_key, sure=sure)

    def _connections(self, operator: str, given: Iterable[Node]) -> None:
        """Connections named by their id. Without a project file there is nowhere to declare them."""
        if self.project.file is None or self.project.unsure("connections"):
            return
        for node in given:
            for name in connecting.named(operator, node):
                if id(name) not in self.faulty and not any(True for _ in strings(name)):
                    self._connection(operator, name)

    def _connection(self, operator: str, node: Scalar) -> None:
        known = self.project.connections
        if operator == "airflow" and f"AIRFLOW_CONN_{node.text.upper()}" in self.project.surroundings:
            return
        if not self.project.knows_connection(node.text):
            near = nearest(node.text, known)
            help_ = f"did you mean `{near}`?" if near else "declare it under `connections:` in yamldag.yml"
            self.found.append(Diagnostic("YD210", f"there is no connection `{node.text}`", at(node), help_))
            return
        kind = self.project.kind_of_connection(node.text)
        if connecting.unfit(operator, kind):
            message = f"`{node.text}` leads to `{kind}`, which is nothing for `{operator}`"
            self.found.append(Diagnostic("YD707", message, at(node)))

    def _exclusive(self, name: str, node: Node) -> None:
        """Parameters of which at most one may be given."""
        operator = catalog.operator(name)
        if operator is None or type(node) is not Map:
            return
        told: set[int] = set()
        for group in operator.exclusive:
            given = sorted(
                (node.items[one][0] for one in group if one in node.items), key=lambda key: key.start
            )
            for second in given[1:]:
                if not told.isdisjoint((given[0].start, second.start)):
                    continue  # that it can't stand beside one of them is said
                told |= {given[0].start, second.start}
                related = (Related(f"`{given[0].text}` is here", at(given[0])),)
                message = f"`{second.text}` can't stand beside `{given[0].text}`: `{name}` takes one of them"
                self.found.append(Diagnostic("YD707", message, at(second), None, related))

    def _requirements(self, node: Node) -> None:
        """Packages, and nothing that pip would take for an option."""
        listed = value_at(node, "requirements")
        for each in listed.items if type(listed) is Seq else [listed]:
            if type(each) is Scalar and id(each) not in self.faulty and each.text.lstrip().startswith("-"):
                message = f"`requirements` are packages, found the option `{each.text.strip()}`"
                help_ = "options of pip stand in `env`, by their variables: `PIP_INDEX_URL`"
                self.found.append(Diagnostic("YD707", message, at(each), help_))

    def _saved(self, node: Node) -> None:
        """A file's ending says in what form rows are written to it."""
        path = value_at(node, "save_to")
        if type(path) is not Scalar or id(path) in self.faulty or path.text.rstrip().endswith("}}"):
            return
        if not path.text.lower().endswith(ENDINGS):
            words = ", ".join(f"`{each}`" for each in ENDINGS)
            message = f"`save_to` should end with one of {words}, found `{path.text}`"
            self.found.append(Diagnostic("YD707", message, at(path)))

    def _file(self, folder: str, node: Node) -> None:
        """A query that is kept in a file beside the pipeline's."""
        path = value_at(node, "file")
        if type(path) is not Scalar or id(path) in self.faulty or any(True for _ in strings(path)):
            return
        place_of = os.path.join(folder, path.text)
        self.seen.look(place_of)
        if not os.path.isfile(place_of):
            self.found.append(
                Diagnostic("YD705", f"there is no file `{path.text}` beside the pipeline's", at(path))
            )

    def _required(self, of: _Given) -> None:
        """A mapping must give the parameters that its operator needs; defaults may have given them."""
        name, node = of.operator, of.node
        operator = catalog.operator(name)
        if operator is None or not operator.required:
            return
        if type(node) is Scalar and (operator.short,) in operator.required and node.text:
            return
        given = {one for entry in of.values for one in _parameters(entry.node, operator.short)}
        if any(given.issuperset(alternative) for alternative in operator.required):
            return
        known = operator.schema.get("properties", {})
        unknown = [one for one in given if one not in known and not one.startswith("x-")]
        wanted = [one for alternative in operator.required for one in alternative]
        if any(nearest(one, wanted) or not nearest(one, known) for one in unknown):
            return
        alternatives: Sequence[Sequence[str]] = operator.required
        if len(alternatives) == 1:
            alternatives = [[one for one in alternatives[0] if one not in given]]
        words = " or ".join(" and ".join(f"`{one}`" for one in alternative) for alternative in alternatives)
        self.found.append(Diagnostic("YD402", f"`{name}` needs {words}", at(of.key)))

    # Shapes

    def _output(self, task: Draft) -> None:
        entry = task.entries.get("output")
        if entry is not None and id(entry[1]) not in self.faulty:
            shapes.output(entry[1], self.found)
        form = form_of(task)
        if form is not None and id(form) not in self.faulty:
            shape = shapes.output(form, self.found)
            kind = shape.get("type", "object") if shape else "object"
            if kind != "object":
                words = f"a form is a mapping of fields, found the schema of one `{kind}`"
                self.found.append(Diagnostic("YD403", words, at(form), "name each field: `{reason: string}`"))

    def _mapping(self, task: Draft) -> None:
        entry = task.entries.get("matrix")
        if entry is None or type(entry[1]) is not Map:
            return
        axes = {name: node for name, (_, node) in entry[1].items.items() if name != "exclude"}
        excluded = entry[1].items.get("exclude")
        from yamldag.plan.pipeline import MOST_ITEMS

        written = [len(node.items) for node in axes.values() if type(node) is Seq]
        if len(written) == len(axes) and (count := math.prod(written)) > MOST_ITEMS:
            message = f"`matrix` must have at most {MOST_ITEMS:,} combinations, found {count:,}"
            self.found.append(Diagnostic("YD405", message, at(entry[0])))
        if excluded is None or type(excluded[1]) is not Seq:
            return
        for item in excluded[1].items:
            for name, (key, _) in item.items.items() if type(item) is Map else ():
                if name not in axes:
                    near = nearest(name, axes)
                    known = (
                        f"the axes are {', '.join(axes)}"
                        if axes
                        else "it has no axis at all: give it lists such as `x: [1, 2]`"
                    )
                    help_ = f"did you mean `{near}`?" if near else known
                    self.found.append(Diagnostic("YD215", f"the matrix has no axis `{name}`", at(key), help_))

    # airflow

    def _airflow(self, given: Iterable[Node]) -> None:
        """What only Airflow's scheduler could do: it is ours to do here."""
        from yamldag.operators.airflow_words import instead_of, operator_instead_of

        for node in given:
            path, args = value_at(node, "operator"), value_at(node, "args")
            name = (
                path.text.rpartition(".")[2] if type(path) is Scalar and id(path) not in self.faulty else ""
            )
            if (ours := operator_instead_of([name])) is not None and type(path) is Scalar:
                message = f"`{name}` speaks to Airflow's scheduler, and there is none"
                spot = place(path, len(path.text) - len(name), len(path.text))
                self.found.append(Diagnostic("YD707", message, spot, f"the operator `{ours}` does that here"))
            for arg, (key, _) in args.items.items() if type(args) is Map else ():
                if (words := instead_of(arg)) is not None:
                    message = f"`{arg}` has no effect in the `args` of an operator of Airflow"
                    self.found.append(Diagnostic("YD707", message, at(key), words))

    # python

    def _python(self, folder: str, node: Node) -> tuple[Scalar, signature.Signature] | None:
        """Where a function beside the file, which is in `folder`, is named, and what it takes."""
        function = node if type(node) is Scalar else value_at(node, "function")
        if type(node) is Map and "script" in node.items:
            self._script(node.items["script"][1])
            return None
        if (
            type(function) is not Scalar
            or id(function) in self.faulty
            or any(True for _ in strings(function))
        ):
            return None
        known = self._function(folder, function, type(node) is Map and "requirements" in node.items)
        return None if known is None else (function, known)

    def _script(self, node: Node) -> None:
        if type(node) is not Scalar or any(True for _ in strings(node)):
            return
        import ast
        import warnings

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a doubtful escape is no mistake in the pipeline
                ast.parse(node.text)
        except SyntaxError as error:
            lines = re.findall(r"[^\r\n]*(?:\r\n|[\r\n]|\Z)", node.text)  # those that Python counts
            line = max((error.lineno or 1) - 1, 0)
            start = sum(map(len, lines[:line])) + max((error.offset or 1) - 1, 0)
            start = min(start, len(node.text))
            spot = place(node, start, min(start + 1, len(node.text)))
            self.found.append(Diagnostic("YD704", "the script is not Python", spot))
        except (ValueError, RecursionError, MemoryError):
            self.found.append(Diagnostic("YD704", "the script is not Python", at(node)))

    def _function(self, folder: str, node: Scalar, own_requirements: bool) -> signature.Signature | None:
        from yamldag.operators import signature

        module, _, name = node.text.partition(":")
        for candidate in signature.module_files(folder, module):
            self.seen.look(candidate)
        path = signature.module_file(folder, module)
        if path is None:
            if self._is_installed(folder, module, own_requirements):
                return None
            message = f"there is no module `{module}` beside the file, and none that Python can import"
            help_ = self._near_module(folder, module)
            self.found.append(Diagnostic("YD701", message, place(node, 0, len(module)), help_))
            return None
        known = signature.read(path, name)
        if not isinstance(known, signature.Fault):
            return known
        self._no_function(node, os.path.relpath(path, folder), known)
        return None

    def _is_installed(self, folder: str, module: str, own_requirements: bool) -> bool:
        """Whether a module is none of the project's own, and can be imported, or will be."""
        from yamldag.operators import signature

        top = module.partition(".")[0]
        for candidate in signature.module_files(folder, top):
            self.seen.look(candidate)
        if signature.module_file(folder, top) is not None:
            return False
        if own_requirements:
            return True
        self.seen.modules.add(module)
        return signature.importable(module)

    def _no_function(self, node: Scalar, shown: str, fault: signature.Fault) -> None:
        module, _, name = node.text.partition(":")
        if fault.kind == "missing":
            near = nearest(name, fault.defined)
            help_ = f"did you mean `{near}`?" if near else _defined(shown, fault.defined)
            spot = place(node, len(module) + 1, len(node.text))
            self.found.append(Diagnostic("YD702", f"`{shown}` has no function `{name}`", spot, help_))
            return
        line = f", line {fault.line}" if fault.line else ""
        message = f"`{shown}` can't be read as Python: {fault.message}{line}"
        self.found.append(Diagnostic("YD704", message, place(node, 0, len(module))))

    def _near_module(self, folder: str, module: str) -> str | None:
        if module.endswith(".py"):
            return f"a module is named without its ending: `{module[:-3]}`"
        try:
            beside = [name[:-3] for name in os.listdir(folder) if name.endswith(".py")]
        except OSError:
            return None
        near = nearest(module, beside)
        return f"did you mean `{near}`?" if near else None

    def _arguments(
        self,
        node: Scalar,
        known: signature.Signature,
        args: Sequence[Entry],
        key: Scalar | None,
        *,
        sure: bool = True,
    ) -> None:
        """`node` names the function; `args`, the nearest giver first; `key` is that of the nearest. `sure`: what they
        lack is given nowhere else."""
        name = node.text.partition(":")[2]
        given: dict[str, Scalar] = {}
        for entry in reversed(args):
            if type(entry.node) is not Map:
                return  # one template: its keys are known at run time
            given |= {arg: key for arg, (key, _) in entry.node.items.items()}
        names = [parameter.name for parameter in known.parameters if parameter.kind != "positional"]
        unknown = known.unknown(given)
        for arg in unknown:
            near = nearest(arg, names)
            help_ = f"did you mean `{near}`?" if near else f"it takes {', '.join(names) or 'none'}"
            self.found.append(
                Diagnostic("YD703", f"`{name}` takes no argument `{arg}`", at(given[arg]), help_)
            )
        misspelt = {nearest(arg, names) for arg in unknown}
        missing = [one for one in known.missing(given) if one not in misspelt]
        if missing and sure and None not in misspelt:
            words = " and ".join(f"`{one}`" for one in missing)
            message = f"`{name}` needs {words}, which `args` does not give"
            self.found.append(Diagnostic("YD703", message, at(key or node)))

    # Notifications

    def _calls(self, node: Node, scope: Scope) -> None:
        for call in notifying.calls(node):
            if id(call) not in self.faulty:
                self._call(call, scope)

    def _call(self, call: Map, scope: Scope) -> None:
        operators = [name for name in call.items if name in OPERATORS]
        rest = {"args", "with", "env", "timeout", "digest"}
        if not operators:
            unknown = any(name not in rest and not name.startswith("x-") for name in call.items)
            if not unknown:
                message = "a notification is a call of an operator, but there is none here"
                where = at(next(iter(call.items.values()))[0]) if call.items else at(call)
                self.found.append(
                    Diagnostic("YD412", message, where, "such as `email: {to: [ops@example.org]}`")
                )
            return
        if len(operators) > 1:
            related = (Related(f"`{operators[0]}` is here", at(call.items[operators[0]][0])),)
            message = f"one call has two operators, `{operators[0]}` and `{operators[1]}`"
            where = at(call.items[operators[1]][0])
            self.found.append(Diagnostic("YD413", message, where, "make a list of two calls", related))
        operator = operators[0]
        key, node = call.items[operator]
        if operator in notifying.NEVER:
            self.found.append(notifying.never(operator, key))
            return
        self.found += notifying.misplaced(operator, call)
        own = call.items.get("args")
        args = [Entry(*own, scope.root)] if own else []
        folder = os.path.dirname(os.path.abspath(key.source.path))
        values = [Entry(key, node, scope.root)]
        self._operator(_Given(operator, key, node, values, args, own[0] if own else None, folder, scope))


class _Given(NamedTuple):
    """An operator as a task has it, or a notification."""

    operator: str
    key: Scalar
    node: Node
    values: Sequence[Entry]
    """That value, and those of the `defaults` that reach it, the nearest first."""
    args: Sequence[Entry]
    """The same of `args`."""
    args_key: Scalar | None
    """Where its own stand."""
    folder: str
    """Where files beside it are sought."""
    scope: Scope
    sure: bool = True
    """What its arguments lack is given nowhere else."""


def _looks(operator: str, node: Node) -> Iterable[tuple[str, Node]]:
    """What a `wait` asks as another operator does."""
    for name in answering.NAMES if operator == "wait" else ():
        if (asked := value_at(node, name)) is not None:
            yield name, asked


def _parameters(node: Node, short: str | None) -> Iterable[str]:
    if type(node) is Map:
        return node.items
    if type(node) is Scalar and node.value is None:
        return ()
    return (short,) if short else ()


def is_vague(operator: str | None, node: Node) -> bool:
    """Whether an operator's value holds a parameter that nobody knows: it may be meant for any that is missing."""
    known = catalog.operator(operator) if operator else None
    names = known.schema.get("properties", {}) if known else {}
    return type(node) is Map and any(name not in names and not name.startswith("x-") for name in node.items)


def _defined(shown: str, names: tuple[str, ...]) -> str:
    return (
        f"`{shown}` defines {', '.join(f'`{name}`' for name in names[:8])}"
        if names
        else f"`{shown}` defines none"
    )


def form_of(task: Draft) -> Node | None:
    """What is filled in where an `approval` is answered: its own form, or that of `defaults`."""
    if task.operator != "approval":
        return None
    given = (value_at(entry.node, "form") for entry in task.values("approval"))
    return next((form for form in given if form is not None), None)
