"""Expressions over what an operator's own call gives: what `expect` wants of it, and where its next page is.

They are asked when the answer is there; what is wrong with them can be told before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from yamldag.compile.draft import strings
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.locate import place
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Node, Scalar, value_at

NAMES = {"http": ("status", "headers", "body"), "sql": ("rows", "rowcount")}
"""What the expressions of an operator may speak of."""
_EXPRESSIONS = {
    "http": (("expect", "that"), ("pages",), ("pages", "next"), ("pages", "items")),
    "sql": (("expect",),),
}
"""Where they are, below the operator's key."""
_LINK = "link"
"""In place of an expression: the next page is that of the answer's header of this name."""


def faults(operator: str, node: Node, faulty: Collection[int]) -> Iterator[Diagnostic]:
    """Of the value of an operator; a `wait` asks as these do."""
    if operator == "wait":
        for name in NAMES:
            if (asked := _below(node, (name,))) is not None:
                yield from faults(name, asked, faulty)
        return
    for path in _EXPRESSIONS.get(operator, ()):
        value = _below(node, path)
        if type(value) is Scalar and type(value.value) is str and id(value) not in faulty:
            links = path[0] == "pages" and path[-1] != "items"
            yield from _of_expression(value, NAMES[operator], (_LINK,) if links else ())


def _of_expression(value: Scalar, names: tuple[str, ...], words: tuple[str, ...]) -> Iterator[Diagnostic]:
    if any(True for _ in strings(value)) or value.text.strip() in words:
        return
    from yamldag.plan.expression.analysis import analyse_expression

    analysis = analyse_expression(value.text)
    for fault in analysis.faults:
        yield Diagnostic(fault.code, fault.message, place(value, fault.start, fault.end), fault.help)
    for reference in analysis.references:
        if reference.root not in names:
            near = nearest(reference.root, (*names, *words))
            known = ", ".join(f"`{name}`" for name in names[:-1]) + f" and `{names[-1]}`"
            help_ = f"did you mean `{near}`?" if near else f"it may speak of {known}"
            message = f"there is no `{reference.root}` in an answer"
            yield Diagnostic("YD208", message, place(value, reference.start, reference.end), help_)


def _below(node: Node | None, path: tuple[str, ...]) -> Node | None:
    for name in path:
        node = value_at(node, name)
    return node
