"""What differs between two plans of a pipeline, by keys: tasks, edges, schedule and all else that a plan says.

`file`, `line` and folders say where something stands, not what it does: they are left out.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from yamldag.plan.hidden import shown_schema
from yamldag.plan.pipeline import Plan, to_json

_PLACES = ("file", "line", "folder")
_EDGES = ("needs", "judged", "referenced")


class Change(Struct, frozen=True):
    """Of one key; a value that is not there is None."""

    key: str
    old: Any
    new: Any


class Difference(Struct, frozen=True):
    pipeline: tuple[Change, ...]
    """Keys of the pipeline itself."""
    added: tuple[str, ...]
    """Tasks, in the new plan's order; `removed` in the old one's."""
    removed: tuple[str, ...]
    changed: dict[str, tuple[Change, ...]]
    """Keys of the tasks that are in both."""
    edges_added: tuple[tuple[str, str], ...]
    edges_removed: tuple[tuple[str, str], ...]

    @property
    def empty(self) -> bool:
        tasks = self.added or self.removed or self.changed
        return not (self.pipeline or tasks or self.edges_added or self.edges_removed)


def difference(old: Plan, new: Plan) -> Difference:
    """From the one to the other."""
    before, after = _said(old), _said(new)
    tasks, now = before.pop("tasks"), after.pop("tasks")
    both = [name for name in now if name in tasks]
    changes = {name: _changes(tasks[name], now[name], _EDGES) for name in both}
    edges, edges_now = old.edges, new.edges
    return Difference(
        tuple(map(_shown, _changes(before, after))),
        tuple(name for name in now if name not in tasks),
        tuple(name for name in tasks if name not in now),
        {name: found for name, found in changes.items() if found},
        tuple(edge for edge in edges_now if edge not in set(edges)),
        tuple(edge for edge in edges if edge not in set(edges_now)),
    )


def _shown(change: Change) -> Change:
    """As a person may see it: a param's schema may hold values that are for tasks alone."""
    if not change.key.startswith("params."):
        return change
    old, new = (each and shown_schema(each) for each in (change.old, change.new))
    return Change(change.key, old, new)


def _said(plan: Plan) -> dict[str, Any]:
    """A plan as mappings by id, without the places where things stand."""
    whole: dict[str, Any] = _without_places(to_json(plan))
    whole["params"] = {param["name"]: param["schema"] for param in whole["params"]}
    for name in ("tasks", "groups"):
        whole[name] = {each.pop("id"): each for each in whole[name]}
    return whole


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        params = {"params", "args", "env", "vars"}
        return {
            name: each if name in params else _without_places(each)
            for name, each in value.items()
            if name not in _PLACES
        }
    if isinstance(value, list | tuple):
        return [_without_places(each) for each in value]
    return value


def _keys(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    names = dict.fromkeys([*old, *new])
    return [Change(each, old.get(each), new.get(each)) for each in names if old.get(each) != new.get(each)]


def _changes(old: dict[str, Any], new: dict[str, Any], beside: tuple[str, ...] = ()) -> tuple[Change, ...]:
    """Those of mappings key by key, one level down too, as in `params.script`."""
    found: list[Change] = []
    for each in _keys(old, new):
        if each.key in beside:
            continue
        if isinstance(each.old, dict) and isinstance(each.new, dict):
            found += [Change(f"{each.key}.{one.key}", one.old, one.new) for one in _keys(each.old, each.new)]
        else:
            found.append(each)
    return tuple(found)
