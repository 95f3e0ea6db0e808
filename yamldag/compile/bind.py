"""Templates: every name in them is found, every reference to a task becomes an edge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from yamldag.compile import notifying
from yamldag.compile.draft import Draft, Entries, Layer, strings
from yamldag.compile.keys import OPERATORS
from yamldag.compile.link import Linking
from yamldag.compile.mentions import Mentions, Where
from yamldag.compile.notifying import NOTIFICATIONS
from yamldag.compile.outputs import Outputs, a
from yamldag.compile.project import Project
from yamldag.syntax.diagnostic import Diagnostic, at
from yamldag.syntax.locate import place
from yamldag.syntax.tree import Map, Node, Scalar, value_at

if TYPE_CHECKING:
    from yamldag.plan.expression.analysis import Analysis


_VALUES = ("args", "with", "working_dir", "cache")
_PLACES: dict[str, Where] = {
    **dict.fromkeys(OPERATORS, Where.OPERATOR),
    **dict.fromkeys(_VALUES, Where.VALUE),
    **dict.fromkeys(NOTIFICATIONS, Where.NOTIFICATION),
    "env": Where.ENV,
    "foreach": Where.MAPPING,
    "matrix": Where.MAPPING,
}


_EXPRESSIONS = {"branch": "choose", "short_circuit": "go"}
"""Operators that take an expression, and the parameter that is one."""
_DEFAULTS = dict.fromkeys(NOTIFICATIONS, Where.COMMON_NOTIFICATION)


class Binding:
    """The templates of one pipeline."""

    def __init__(self, project: Project, linking: Linking, faulty: set[int], found: list[Diagnostic]) -> None:
        self.project = project
        self.faulty = faulty
        self.found = found
        self.outputs = Outputs(linking, found)
        self.mentions = Mentions(project, self.outputs, found)
        self._seen_layers: set[tuple[int, int]] = set()

    def all(self, root: Draft, entries: Entries) -> None:
        """Every template of the file. `entries` are its keys in force."""
        for env in self.project.envs(entries):
            self._strings(root, env, Where.OUTSIDE)
        self._defaults(root.layers)
        for name in NOTIFICATIONS:
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
            where = place_of(name)
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
        """What `branch` and `short_circuit` go by: an expression without its braces."""
        from yamldag.plan.expression.analysis import analyse_expression

        value = value_at(node, parameter) if type(node) is Map else node
        if type(value) is Scalar and type(value.value) is str and not any(True for _ in strings(value)):
            if id(value) in self.faulty:
                return
            analysis = analyse_expression(value.text)
            if self._template(draft, value, analysis, Where.OPERATOR) and parameter == "go":
                self._no_text(draft, value, analysis, "short_circuit")

    def _strings(self, site: Draft, node: Node, where: Where) -> None:
        if where in (Where.NOTIFICATION, Where.COMMON_NOTIFICATION):
            self.mentions.kept |= {id(each) for each in notifying.kept(node)}
        for scalar in strings(node):
            from yamldag.plan.expression.analysis import analyse

            if id(scalar) not in self.faulty:
                self._template(site, scalar, analyse(scalar.text), where)

    # One template

    def _template(self, site: Draft, node: Scalar, analysis: Analysis, where: Where) -> bool:
        """Report what is wrong in it; True if nothing is."""
        before = len(self.found)
        for fault in analysis.faults:
            where_ = place(node, fault.start, fault.end)
            self.found.append(Diagnostic(fault.code, fault.message, where_, fault.help))
        if not analysis.faults and (edits := self.mentions.all(site, node, analysis.references, where)):
            site.rewrite(node, _edited(node.text, edits))
        return len(self.found) == before

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
        if self._template(draft, node, analysis, where):
            self._no_text(draft, node, analysis, "when")

    def _no_text(self, draft: Draft, node: Scalar, analysis: Analysis, name: str) -> None:
        """What is asked for yes or no is no text, as far as its type is known."""
        kind = analysis.kind or self.outputs.kind_of(draft, analysis)
        if kind == "string":
            message = f"`{name}` would be a text, which is neither true nor false"
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
        kind = analysis.kind or self.outputs.kind_of(draft, analysis)
        if not analysis.whole or analysis.literal or kind not in (None, "array"):
            found = (
                f"found `{_cut(node.text)}`"
                if not analysis.whole or analysis.literal
                else f"this gives {a(str(kind))}"
            )
            message = f"`{name}` must be a list, or one template that gives a list; {found}"
            self.found.append(Diagnostic("YD403", message, at(node)))


def place_of(name: str) -> Where | None:
    """What kind of place the templates below a task's key stand in; None where there are none, and for `when`."""
    return _PLACES.get(name) or (Where.OPERATOR if name in OPERATORS else None)


def _edited(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"
