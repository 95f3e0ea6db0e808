"""Checks a scalar, and says what a template comes to where it stands."""

from __future__ import annotations

from yamldag.syntax.check import complaint
from yamldag.syntax.check.judge import value_judge
from yamldag.syntax.check.part import Check, Checking, Mode, Part
from yamldag.syntax.tree import Node, Scalar

_MOST_REMEMBERED = 50_000


def token_of(value: object) -> object:
    """Stands for a value among the good ones, where 1, 1.0 and true must not be one."""
    return value if type(value) is str else (type(value), value)


def scalar_check(part: Part, good: set[object]) -> Check:
    """Adds what is good to `good`; gives the constant that a template was replaced by, not checked yet."""
    judge = value_judge(part.schema)

    def check(node: Node, key: Scalar | None, checking: Checking) -> Node | None:
        assert type(node) is Scalar
        if type(node.value) is str and _is_template(node.value, part.mode):
            return rendered(part, node, key, checking)
        fault = judge(node.value)
        if fault:
            checking.complain(node, complaint.bad_value(fault, part.schema, part.owner, node, key))
        elif len(good) < _MOST_REMEMBERED:
            good.add(token_of(node.value))
        return None

    return check


def _is_template(text: str, mode: Mode) -> bool:
    return "{{" in text or (mode == "template" and "{%" in text)


def rendered(part: Part, node: Scalar, key: Scalar | None, checking: Checking) -> Node | None:
    """The constant that a template stands for, where no template is rendered later; None if one is, or if
    there is no constant, which is then reported."""
    if part.mode == "template" or id(node) in checking.faulty:
        return None
    constant = checking.fold(node) if part.mode == "constant" else node
    if constant is None:
        checking.faulty.add(id(node))
    elif type(constant) is Scalar and isinstance(constant.value, str) and "{{" in constant.value:
        checking.complain(node, complaint.no_template(part.owner, node, key))
        return None
    return constant
