"""Where an operator's parameters name connections."""

from __future__ import annotations

from collections.abc import Iterator

from yamldag.operators import catalog
from yamldag.operators.builtin import BUILT_IN
from yamldag.operators.connections import CHATS, DATABASES, KINDS
from yamldag.syntax.tree import Map, Node, Scalar, Seq, value_at

_OWN = ("docker", "email", "http", "kubernetes", "sql", "ssh")
"""The operators of ours that have a `connection`, as any of a plug-in may."""
_BELOW = {"copy": ("from", "to"), "wait": ("http", "sql")}
"""Those that have one in their parameters of these names."""

_WEB = ("http", "https", *CHATS)
_FIT = {
    "docker": ("docker", "http", "https"),
    "email": ("smtp", "smtps"),
    "http": _WEB,
    "kubernetes": ("kubernetes", "http", "https"),
    "notify": _WEB,
    "sql": DATABASES,
    "ssh": ("ssh", "sftp"),
}
"""The kinds of connections that an operator can use, of those that we know. A URL alone is of the kind that it begins
with."""

LOST = ("sql", "ssh")
"""The operators that nothing else tells where to go."""


def may_have(operator: str, node: Node) -> bool:
    """Whether a value names a connection, or has an unknown key, which may be meant for one."""
    known = catalog.operator(operator)
    names = known.schema["properties"] if known is not None else {}
    return type(node) is Map and any(name == "connection" or name not in names for name in node.items)


def unfit(operator: str, kind: str | None) -> bool:
    """Whether an operator can do nothing with connections of a kind. Of kinds that are not ours nobody knows."""
    fit = _FIT.get(operator)
    known = (kind or "").partition("+")[0]
    return fit is not None and known in KINDS and known not in fit


def named(operator: str, node: Node) -> Iterator[Scalar]:
    """The ids of connections in an operator's value, which may be templates."""
    if operator == "notify":
        yield from _receivers(node)
        return
    if operator == "airflow":
        yield from _of_airflow(value_at(node, "args"))
        return
    own = operator in _OWN or operator not in BUILT_IN
    for holder in [node] if own else [value_at(node, name) for name in _BELOW.get(operator, ())]:
        given = value_at(holder, "connection")
        if type(given) is Scalar:
            yield given


def _of_airflow(args: Node | None) -> Iterator[Scalar]:
    """By the names that arguments of Airflow's operators have for ids of connections: `http_conn_id`."""
    for name, (_, given) in args.items.items() if type(args) is Map else ():
        if name.endswith("conn_id") and type(given) is Scalar and isinstance(given.value, str):
            yield given


def _receivers(node: Node) -> Iterator[Scalar]:
    """Those of a `notify` that are no URLs."""
    to = value_at(node, "to")
    for each in to.items if type(to) is Seq else [to]:
        if type(each) is Scalar and ":" not in each.text:
            yield each
