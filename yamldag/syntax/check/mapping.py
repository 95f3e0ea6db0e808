"""Checks a mapping: its keys, the ones it lacks, and what stands below them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from yamldag.syntax.check import complaint
from yamldag.syntax.check.judge import container_judge, matcher, text_judge
from yamldag.syntax.check.part import Check, Checking, Part
from yamldag.syntax.nearest import Known, likely
from yamldag.syntax.tree import Map, Node, Scalar

_Find: TypeAlias = Callable[[Scalar, Scalar | None, Checking], Check | None]
_Report: TypeAlias = Callable[[Map, Scalar | None, list[Scalar], Checking], None]


COUNTS_AS_GIVEN = frozenset(
    ("params", "vars", "foreach", "matrix", "with", "args", "setup", "produces", "secrets", "connections")
)
"""Keys whose absence would be told at every place that relies on them: a misspelt one counts as given."""


def mapping_check(part: Part) -> Check:
    judge = container_judge(part.schema, Map)
    required = frozenset(part.schema.get("required", ()))
    children: dict[str, Check] = {}
    find, report_misfits = _child_finder(part, children), _misfit_reporter(part)

    def check(node: Node, above: Scalar | None, checking: Checking) -> Node | None:
        assert type(node) is Map
        fault = judge(node) if judge else None
        if fault:
            checking.complain(node, complaint.bad_value(fault, part.schema, part.owner, node, above))
            if fault != "YD405":
                return None
        unknown: list[Scalar] = []
        items = node.items
        for name, (key, value) in items.items():
            if name != key.text:
                continue  # told already, when the mapping was met before
            child = children.get(name) or find(key, above, checking)
            if child is None:
                unknown.append(key)
                continue
            put = child(value, key, checking)
            if put is not None:
                items[name] = (key, put)
        if unknown or not items.keys() >= required:
            report_misfits(node, above, unknown, checking)
        return None

    return check


def _misfit_reporter(part: Part) -> _Report:
    """Reports unknown keys and missing ones; an unknown key that was, or may have been, meant to be a missing one
    speaks for both."""
    names = [name for name in part.schema.get("properties", ()) if not name.startswith("x-")]
    required: list[str] = part.schema.get("required", [])
    known: Known | None = None

    def report(node: Map, above: Scalar | None, unknown: list[Scalar], checking: Checking) -> None:
        nonlocal known
        known = known or Known(names)
        missing = [name for name in required if name not in node.items]
        for key in unknown:
            checking.complain(key, complaint.unknown_key(part.owner, above, key, known, missing))
            checking.faulty.add(id(node.items[key.text][1]))
            meant = likely(key.text, known)
            if meant in COUNTS_AS_GIVEN and meant not in node.items:
                node.items[meant] = node.items[key.text]
        meant_anything = any(likely(key.text, known) is None for key in unknown)
        for name in missing:
            if not meant_anything and not any(likely(key.text, Known([name])) for key in unknown):
                checking.complain(node, complaint.missing_key(part.owner, above, node, name))

    return report


def _child_finder(part: Part, children: dict[str, Check]) -> _Find:
    """Finds the check of what stands below a key; None for an unknown key. What it finds for a property it
    leaves in `children`, unless every name must be looked at."""
    schema = part.schema
    others = schema.get("additionalProperties", True)
    free = schema.get("x-free", False)
    names = part.followed(schema.get("propertyNames", {}))
    name_judge = text_judge(names)
    below: Check | None = None

    def find(key: Scalar, above: Scalar | None, checking: Checking) -> Check | None:
        nonlocal below
        name = key.text
        if free and name.startswith("x-"):
            return _let_pass
        if "{{" in name:
            checking.complain(key, complaint.template_key(key))
            return _let_pass
        fault = name_judge(name) if name_judge else None
        if fault:
            checking.complain(key, complaint.bad_name(fault, names, part.owner, above, key))
        child = _declared(part, name)
        if child is None and others is not False:
            below = child = below or part.below(others)
        elif child and name in schema.get("properties", ()) and not name_judge:
            children[name] = child
        return child

    return find


def _declared(part: Part, name: str) -> Check | None:
    """The check of what `properties` and `patternProperties` say of a name."""
    schema = part.schema
    fitting = []
    if "properties" in schema and name in schema["properties"]:
        fitting.append(schema["properties"][name])
    if "patternProperties" in schema:
        fitting += [below for pattern, below in schema["patternProperties"].items() if matcher(pattern)(name)]
    return _all_of([part.below(below) for below in fitting]) if fitting else None


def _let_pass(_node: Node, _key: Scalar | None, _checking: Checking) -> None:
    return None


def _all_of(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]

    def check(node: Node, key: Scalar | None, checking: Checking) -> Node | None:
        put = None
        for each in checks:
            put = each(put or node, key, checking) or put
        return put

    return check
