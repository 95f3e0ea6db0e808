"""The JSON type that an expression gives, where the expression alone tells."""

from __future__ import annotations

from jinja2 import nodes

from yamldag.plan.expression.vocabulary import FILTER_KINDS

_FIXED: dict[type[nodes.Node], str] = {
    nodes.Concat: "string",
    nodes.Compare: "boolean",
    nodes.Not: "boolean",
    nodes.Test: "boolean",
    nodes.List: "array",
    nodes.Tuple: "array",
    nodes.Dict: "object",
}
_NUMERIC = (nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Pow, nodes.Add)


def kind(node: nodes.Node) -> str | None:
    """One of `string boolean number array object null`, or None: known only in a run."""
    if isinstance(node, nodes.Const):
        return _constant(node.value)
    if isinstance(node, nodes.Filter):
        return FILTER_KINDS.get(node.name)
    if isinstance(node, nodes.Neg | nodes.Pos):
        return "number" if kind(node.node) == "number" else None
    if isinstance(node, nodes.And | nodes.Or):
        return _same(node.left, node.right)
    if isinstance(node, nodes.CondExpr):
        return _same(node.expr1, node.expr2) if node.expr2 else None
    if isinstance(node, _NUMERIC):
        same = _same(node.left, node.right)
        return (
            same
            if same == "number" or (same in ("string", "array") and isinstance(node, nodes.Add))
            else None
        )
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        return {"range": "array", "dict": "object"}.get(node.node.name)
    return _FIXED.get(type(node))


def _same(left: nodes.Node, right: nodes.Node) -> str | None:
    found = kind(left)
    return found if found == kind(right) else None


def _constant(value: object) -> str | None:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "number", float: "number"}.get(type(value))
