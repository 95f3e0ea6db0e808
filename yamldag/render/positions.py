"""Where things go: asked of `dot` by names and sizes alone, or worked out by our own layout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from yamldag.render.drawing import HEIGHT, Drawing, Frame, alone
from yamldag.render.layout import layout
from yamldag.render.places import Box, Curve, Layout, Point
from yamldag.render.program import MANY_EDGES, Missing, run

_POINTS = 72.0
_MARGIN = 16.0


def positions(drawn: Drawing, limit: float = 5.0) -> tuple[Layout, str | None]:
    """The places, and a note when `dot` should have given them and did not.

    With many edges our own layout is the better one, and also where `dot` lets edges run backwards.
    """
    if len(drawn.edges) > MANY_EDGES:
        return layout(drawn), None
    answer = run(_question(drawn), "json0", len(drawn.edges), limit)
    if isinstance(answer, Missing):
        return layout(drawn), f"{answer.message}; laid out without it"
    try:
        placed = _read(drawn, json.loads(answer))
    except (ValueError, KeyError, IndexError, TypeError):
        return layout(drawn), "`dot` gave an answer that cannot be read; laid out without it"
    return (placed if _is_forward(drawn, placed) else layout(drawn)), None


def _is_forward(drawn: Drawing, placed: Layout) -> bool:
    ends = ((placed.boxes[edge.parent], placed.boxes[edge.child]) for edge in drawn.edges)
    return all(child.y > parent.y if drawn.down else child.x > parent.x for parent, child in ends)


def _question(drawn: Drawing) -> str:
    """Boxes without text: `n0`, `n1`, … in `cluster0`, … with the sizes that we will draw."""
    number = {node.id: at for at, node in enumerate(drawn.nodes)}
    head = [
        f"rankdir={'TB' if drawn.down else 'LR'} nodesep=0.36 ranksep=0.55 pad=0 margin=0",
        f'node [shape=box fixedsize=true label="" height={HEIGHT / _POINTS:.4f}]',
        "edge [arrowsize=0.01 arrowhead=none]",
    ]
    widths = [f"n{at} [width={node.width / _POINTS:.4f}]" for at, node in enumerate(drawn.nodes)]
    edges = [f"n{number[edge.parent]} -> n{number[edge.child]}" for edge in drawn.edges]
    still = [f"n{number[a]} -> n{number[b]} [style=invis]" for a, b in alone(drawn.plan)]
    lines = [*head, *_clusters(drawn, None, _tree(drawn)), *widths, *edges, *still]
    return "digraph {\n" + "\n".join(lines) + "\n}\n"


_Tree = dict[str | None, list[tuple[int, Frame]]]


def _tree(drawn: Drawing) -> _Tree:
    found: _Tree = {}
    for at, frame in enumerate(drawn.frames):
        found.setdefault(frame.group.parent, []).append((at, frame))
    return found


def _clusters(drawn: Drawing, parent: str | None, tree: _Tree) -> Iterator[str]:
    for at, frame in tree.get(parent, []):
        label = '<<table border="0" fixedsize="true" width="40" height="12"><tr><td></td></tr></table>>'
        yield f"subgraph cluster{at} {{ margin=12 label={label} labeljust=l"
        yield from (f"n{n}" for n, node in enumerate(drawn.nodes) if node.task.group == frame.group.id)
        yield from _clusters(drawn, frame.group.id, tree)
        yield "}"


def _read(drawn: Drawing, answer: dict[str, Any]) -> Layout:
    """`dot`'s JSON: points with y upwards, turned over and moved off the border."""
    top = float(answer["bb"].split(",")[3])

    def turn(x: float, y: float) -> Point:
        return x + _MARGIN, top - y + _MARGIN

    things = {thing["name"]: thing for thing in answer["objects"]} if "objects" in answer else {}
    names = {thing["_gvid"]: thing["name"] for thing in things.values()}
    boxes = {}
    for at, node in enumerate(drawn.nodes):
        x, y = turn(*map(float, things[f"n{at}"]["pos"].split(",")))
        boxes[node.id] = Box(x - node.width / 2, y - HEIGHT / 2, node.width, HEIGHT)
    frames = {}
    for at, frame in enumerate(drawn.frames):
        left, low, right, high = map(float, things[f"cluster{at}"]["bb"].split(","))
        x, y = turn(left, high)
        frames[frame.group.id] = _apart(Box(x, y, right - left, high - low))
    found = {
        (names[edge["tail"]], names[edge["head"]]): edge["pos"]
        for edge in answer.get("edges", [])
        if "pos" in edge
    }
    number = {node.id: at for at, node in enumerate(drawn.nodes)}
    curves = {
        (edge.parent, edge.child): _curve(found[f"n{number[edge.parent]}", f"n{number[edge.child]}"], turn)
        for edge in drawn.edges
    }
    return _sized(boxes, frames, curves)


def _apart(frame: Box) -> Box:
    """`dot` lets frames touch; ours leave a gap."""
    return Box(frame.x + 3, frame.y + 3, frame.width - 6, frame.height - 6)


def _curve(spline: str, turn: Any) -> Curve:
    return tuple(turn(*map(float, point.split(","))) for point in spline.split())


def _sized(boxes: dict[str, Box], frames: dict[str, Box], curves: dict[tuple[str, str], Curve]) -> Layout:
    every = [*boxes.values(), *frames.values()]
    points = [point for curve in curves.values() for point in curve]
    right = max([box.right for box in every] + [x for x, _ in points], default=0.0)
    bottom = max([box.bottom for box in every] + [y for _, y in points], default=0.0)
    return Layout(right + _MARGIN, bottom + _MARGIN, boxes, frames, curves)
