"""What no notification can be, or hold: it is sent and done, and stands outside the graph."""

from __future__ import annotations

from collections.abc import Iterator

from yamldag.compile.draft import strings
from yamldag.syntax.diagnostic import Diagnostic, at
from yamldag.syntax.tree import Map, Node, Scalar, Seq

NOTIFICATIONS = ("on_failure", "on_success", "on_retry", "on_deadline")
"""The keys of a pipeline or a task that hold calls."""
_WAITS = "a notification is sent and does not wait"
_CHOOSES = "it chooses among the tasks below it, and a notification has none"
NEVER = {
    "approval": _WAITS,
    "branch": _CHOOSES,
    "short_circuit": _CHOOSES,
    "wait": _WAITS,
}
"""By name, and why."""
_INSTEAD = "make it a task that needs what it follows, with a `trigger_rule` such as `one_failed`"


def calls(node: Node) -> list[Map]:
    """Of the value of an `on_…`: one, or those of a list."""
    return [one for one in (node.items if type(node) is Seq else [node]) if type(one) is Map]


def never(operator: str, key: Scalar) -> Diagnostic:
    return Diagnostic("YD711", f"`{operator}` can't be a notification: {NEVER[operator]}", at(key), _INSTEAD)


def misplaced(operator: str, call: Map) -> Iterator[Diagnostic]:
    """What stands in a call and has no effect there."""
    if "with" in call.items and operator != "pipeline":
        yield _without_effect(call.items["with"][0], "it gives the params of a `use` or a `pipeline`")
    if "args" in call.items and operator != "python":
        yield _without_effect(call.items["args"][0], "only `python` takes arguments")
    value = call.items[operator][1]
    if operator == "dbt" and type(value) is Map and "expand" in value.items:
        yield _without_effect(value.items["expand"][0], "it makes tasks, and a notification is none")
    if operator == "pipeline" and type(value) is Map and "wait" in value.items:
        yield _without_effect(value.items["wait"][0], _WAITS)


def kept(node: Node) -> Iterator[Scalar]:
    """The templates whose values go to the database: what a run of another pipeline is given is stored with it."""
    for call in calls(node):
        if "pipeline" in call.items:
            for name in ("pipeline", "with"):
                yield from strings(call.items[name][1]) if name in call.items else ()


def _without_effect(key: Scalar, why: str) -> Diagnostic:
    return Diagnostic("YD418", f"`{key.text}` has no meaning here: {why}", at(key))
