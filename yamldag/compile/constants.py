"""Templates of `vars` alone, put in at compile time where nothing is rendered later."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.locate import place
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Json, Node, Scalar, located, plain

Lookup = Callable[[str], Node | None]


class Unknowable(Exception):  # noqa: N818
    """A lookup's word that a var may come from elsewhere: nothing can be put in, and nothing is wrong."""


def fold(
    node: Scalar, lookup: Lookup | None, found: list[Diagnostic], known: Iterable[str] = ()
) -> Node | None:
    """The constant that stands for a template of vars, or None, with the reason added to `found`. `known` are
    the names to suggest."""
    from yamldag.plan.expression.analysis import analyse

    analysis = analyse(node.text)
    if analysis.faults:
        fault = analysis.faults[0]
        found.append(Diagnostic(fault.code, fault.message, place(node, fault.start, fault.end), fault.help))
        return None
    values: dict[str, Json] = {}
    for reference in analysis.references:
        if reference.root != "vars" or lookup is None or not reference.path:
            message = "no template is rendered here, so this can use `vars` alone"
            found.append(Diagnostic("YD505", message, place(node, reference.start, reference.stop)))
            return None
        name = reference.path[0]
        try:
            given = lookup(str(name.name))
        except Unknowable:
            return None
        if given is None:
            found.append(unknown_var(node, str(name.name), name.start, name.end, tuple(known)))
            return None
        values[str(name.name)] = plain(given)
    return _rendered(node, values, found)


def _rendered(node: Scalar, values: dict[str, Json], found: list[Diagnostic]) -> Node | None:
    from yamldag.plan.expression import TemplateError, render

    try:
        return located(render(node.text, {"vars": values}), node)
    except TemplateError as wrong:
        found.append(Diagnostic("YD501", str(wrong), place(node, 0, len(node.text))))
        return None


def unknown_var(node: Scalar, name: str, start: int, end: int, known: tuple[str, ...]) -> Diagnostic:
    near = nearest(name, known)
    help_ = f"did you mean `{near}`?" if near else "declare it under `vars:`, here or in yamldag.yml"
    return Diagnostic("YD205", f"there is no var `{name}`", place(node, start, end), help_)
