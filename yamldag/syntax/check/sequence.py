"""Checks a list and its items."""

from __future__ import annotations

from yamldag.syntax.check import complaint
from yamldag.syntax.check.judge import container_judge, identity
from yamldag.syntax.check.part import Check, Checking, Part
from yamldag.syntax.tree import Node, Scalar, Seq, plain


def sequence_check(part: Part) -> Check:
    schema, owner = part.schema, part.owner
    judge = container_judge(schema, Seq)
    unique = schema.get("uniqueItems", False)
    item_check: Check | None = None

    def check(node: Node, key: Scalar | None, checking: Checking) -> Node | None:
        nonlocal item_check
        assert type(node) is Seq
        fault = judge(node) if judge else None
        if fault:
            checking.complain(node, complaint.bad_value(fault, schema, owner, node, key))
            if fault != "YD405":
                return None
        item_check = item_check or part.below(schema.get("items", True), in_list=True)
        items = node.items
        for i, item in enumerate(items):
            put = item_check(item, key, checking)
            if put is not None:
                items[i] = put
        if unique:
            _repeated(part, node, key, checking)
        return None

    return check


def _repeated(part: Part, node: Seq, key: Scalar | None, checking: Checking) -> None:
    seen: dict[object, Node] = {}
    for item in node.items:
        token = identity(plain(item))
        if token in seen:
            checking.complain(item, complaint.repeated_item(part.owner, key, seen[token], item))
        seen.setdefault(token, item)
