"""What a shell reads of a script's templates, as far as it is known before a run: told where it stands, or where
`with` gives it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from yamldag.compile.draft import Scope, strings
from yamldag.operators import catalog
from yamldag.operators.scripts import SCRIPTS
from yamldag.syntax.diagnostic import Diagnostic, Related, at
from yamldag.syntax.locate import place
from yamldag.syntax.tree import Json, Map, Node, Scalar, plain, value_at

if TYPE_CHECKING:
    from yamldag.plan.expression.analysis import Analysis, Reference
    from yamldag.plan.expression.shell import Missing


def faults(operator: str, scope: Scope, node: Node, faulty: Collection[int]) -> Iterator[Diagnostic]:
    """Of the value of an operator with a script; `scope` is that in which it stands."""
    name, words = SCRIPTS[operator]
    short = catalog.operator(operator)
    is_short = short is not None and short.short == name
    script = node if type(node) is Scalar and is_short else value_at(node, name)
    if type(script) is not Scalar or id(script) in faulty or "{{" not in script.text:
        return
    from yamldag.plan.expression.analysis import analyse
    from yamldag.plan.expression.shell import shell_faults

    analysis = analyse(script.text)
    if analysis.faults:
        return
    given = _given(scope)
    known = _known(scope, given)
    whole = analysis.outputs[0].bare if words and analysis.whole else None
    if whole is not None and isinstance(known(whole), list):
        return  # words, and no script
    for fault in shell_faults(script.text, analysis, known):
        yield Diagnostic(fault.code, fault.message, place(script, fault.start, fault.end), fault.help)
    for param, value in given.items():
        if id(value) not in faulty and not any(True for _ in strings(value)):
            yield from _of_given(script, analysis, param, value)


def _given(scope: Scope) -> Mapping[str, Node]:
    """What `with` gives the params of a template, by name."""
    entry = scope.root.entries.get("with") if scope.root.kind == "use" else None
    if entry is None or type(entry[1]) is not Map:
        return {}
    return {name: value for name, (_, value) in entry[1].items.items() if name in scope.params}


def _known(scope: Scope, given: Collection[str]) -> Callable[[Reference], Json | Missing]:
    """What a reference will be, as far as the file tells: a var, or a param's default."""
    from yamldag.plan.expression.shell import MISSING

    def known(reference: Reference) -> Json | Missing:
        if len(reference.path) != 1:
            return MISSING
        name = str(reference.path[0].name)
        if reference.root == "params" and name in scope.params and name not in given:
            return scope.params[name].schema.get("default", MISSING)
        if reference.root == "vars" and name in scope.vars:
            value = scope.vars[name]
            return MISSING if any(True for _ in strings(value)) else plain(value)
        return MISSING

    return known


def _of_given(script: Scalar, analysis: Analysis, param: str, value: Node) -> Iterator[Diagnostic]:
    """Of one param of a template: told at the value."""
    from yamldag.plan.expression.shell import MISSING, shell_faults

    def is_it(reference: Reference) -> bool:
        return reference.root == "params" and [one.name for one in reference.path] == [param]

    def known(reference: Reference) -> Json | Missing:
        return plain(value) if is_it(reference) else MISSING

    spots = {one.start for one in analysis.outputs if one.bare and is_it(one.bare)}
    for fault in shell_faults(script.text, analysis, known) if spots else ():
        if fault.code == "YD507" and fault.start in spots:
            where = (Related("it goes into a shell here", place(script, fault.start, fault.end)),)
            yield Diagnostic(fault.code, fault.message, at(value), fault.help, where)
