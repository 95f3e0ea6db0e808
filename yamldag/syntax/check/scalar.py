"""Checks a scalar, and says what a template comes to where it stands."""

from __future__ import annotations

from yamldag.syntax.check import complaint
from yamldag.syntax.check.judge import value_judge
from yamldag.syntax.check.part import Check, Checking, Part
from yamldag.syntax.tree import Node, Scalar

_MOST_REMEMBERED = 50_000


def scalar_check(part: Part, good: set[object]) -> Check:
    """Adds what is good to `good`, a text as it is and other values with their type; gives the constant that
    a template was replaced by, not checked yet."""
    judge = value_judge(part.schema)
    templates = part.mode == "template"

    def check(node: Node, key: Scalar | None, checking: Checking) -> Node | None:
        assert type(node) is Scalar
        value = node.value
        if type(value) is str and ("{{" in value or (templates and "{%" in value)):
            return rendered(part, node, key, checking)
        fault = judge(value)
        if fault:
            checking.complain(node, complaint.bad_value(fault, part.schema, part.owner, node, key))
        elif len(good) < _MOST_REMEMBERED:
            good.add(value if type(value) is str else (type(value), value))
        return None

    return check


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
