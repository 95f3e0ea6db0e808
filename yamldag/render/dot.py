"""A plan as DOT source: readable, complete, and safe whatever the tasks are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from yamldag.plan.pipeline import Plan
from yamldag.render import legend
from yamldag.render.colours import light, look
from yamldag.render.drawing import Drawing, Edge, Frame, Node, drawing
from yamldag.render.program import Missing, run
from yamldag.render.rules import line
from yamldag.render.text import clean, cut, xml

if TYPE_CHECKING:
    from graphviz import Digraph

_HEADS = {
    "arrow": "normal",
    "empty": "empty",
    "dot": "odot",
    "tee": "tee",
    "diamond": "diamond",
    "hollow": "odiamond",
    "vee": "vee",
}
_TIPS = {"arrow": "▶", "empty": "▷", "dot": "○", "tee": "┤", "diamond": "◆", "hollow": "◇", "vee": "→"}
_STROKES = {"solid": "──", "dotted": "┈┈", "mixed": "━━"}
_STYLES = {"solid": "", "dotted": "dotted", "mixed": "bold"}
_FONT = "Helvetica,Arial,sans-serif"
_LONGEST = 300.0
_Attributes = dict[str, str]
_BOX = {
    "shape": "box",
    "style": "rounded,filled",
    "fontname": _FONT,
    "fontsize": "12",
    "height": "0.5",
    "margin": "0.15,0.06",
    "fillcolor": light("panel"),
    "color": light("ctl"),
    "fontcolor": light("text"),
}
_LINE = {"color": light("ctl"), "arrowsize": "0.7"}
_NOT_IN_NAMES = frozenset("\\:<>")
"""What may be an escape in a name, the begin of a port, or markup."""


def dot(plan: Plan, states: Mapping[str, str] | None = None) -> str:
    """DOT source: groups as clusters, states as colours and words, rules as styles of lines."""
    from graphviz import Digraph, nohtml

    drawn = drawing(plan, states)
    names = _names([node.id for node in drawn.nodes])
    graph = Digraph(nohtml(_title(plan)), graph_attr=_sheet(drawn), node_attr=_BOX, edge_attr=_LINE)
    _fill(graph, drawn, None, names)
    for edge in drawn.edges:
        graph.edge(names[edge.parent], names[edge.child], **_edge(edge))
    source: str = graph.source
    return source


def binary(
    plan: Plan,
    format: str,  # noqa: A002 -- the word that a user knows
    states: Mapping[str, str] | None = None,
    limit: float = 30.0,
) -> bytes | Missing:
    """A PNG or PDF (`format` is `png` or `pdf`) as `dot` draws it, or why there is none and what to do.

    `limit`: seconds that `dot` may take.
    """
    answer = run(dot(plan, states), format, sum(len(task.needs) for task in plan.tasks), limit)
    if isinstance(answer, Missing):
        return Missing(f"{answer.message}; {format.upper()} needs it, SVG and HTML do not")
    return answer


def _title(plan: Plan) -> str:
    return clean(plan.pipeline).replace("\\", "\N{FULLWIDTH REVERSE SOLIDUS}") or "pipeline"


def _sheet(drawn: Drawing) -> _Attributes:
    return {
        "rankdir": "TB" if drawn.down else "LR",
        "pad": "0.2",
        "nodesep": "0.3",
        "ranksep": "0.55",
        "fontname": _FONT,
        "fontsize": "11",
        "fontcolor": light("soft"),
        "labelloc": "b",
        "labeljust": "l",
        "label": f"<{_key(drawn)}>",
    }


def _key(drawn: Drawing) -> str:
    """What colours and lines mean, as the graph's own label."""
    found = [f"<b>{xml(cut(_title(drawn.plan), _LONGEST, 12))}</b>"]
    for group in legend.signs(drawn):
        words = [_sign(sign) for sign in group if sign.kind != "operator"]
        found += [" &#160; ".join(words[at : at + 4]) for at in range(0, len(words), 4)]
    return "".join(f'{row}<br align="left"/>' for row in found)


def _sign(sign: legend.Sign) -> str:
    if sign.kind != "state":
        seen = line("all_success" if sign.name == "referenced" else sign.name)
        stroke = "╌╌" if sign.name == "referenced" else _STROKES[seen.pattern]
        return f"{stroke}{_TIPS[seen.head]} {xml(sign.words)}"
    shown = look(sign.name)
    return f'<font color="{shown.light.ink}">{shown.glyph} {xml(sign.words)}</font>'


def _names(identifiers: list[str]) -> dict[str, str]:
    """The id itself where it is a name in nodes and edges alike, else a number that no id is."""
    names = {}
    for at, each in enumerate(identifiers):
        name = each
        if clean(each) != each or not _NOT_IN_NAMES.isdisjoint(each):
            name = f"task {at}"
            while name in identifiers:
                name += "'"
        names[each] = name
    return names


def _fill(graph: Digraph, drawn: Drawing, group: str | None, names: dict[str, str]) -> None:
    """The tasks of a group, and the groups in it."""
    known = {frame.group.id for frame in drawn.frames}
    for node in drawn.nodes:
        if (node.task.group if node.task.group in known else None) == group:
            graph.node(names[node.id], **_node(node))
    for at, frame in enumerate(drawn.frames):
        if (frame.group.parent if frame.group.parent in known else None) == group:
            with graph.subgraph(name=f"cluster_{at}", graph_attr=_cluster(frame)) as cluster:
                _fill(cluster, drawn, frame.group.id, names)


def _cluster(frame: Frame) -> _Attributes:
    name = " ".join(part for part in (cut(frame.name, _LONGEST, 11), frame.count) if part)
    return {
        "label": _text(name),
        "tooltip": _text(frame.group.id),
        "labeljust": "l",
        "labelloc": "t",
        "style": "rounded,filled",
        "color": light("edge"),
        "fillcolor": light("frame"),
        "peripheries": "2" if frame.count else "1",  # said for each: a group would inherit it
    }


def _node(node: Node) -> _Attributes:
    said = " · ".join([clean(node.task.operator), *(chip.replace("_", " ") for chip in node.chips)])
    title = " ".join(part for part in (cut(node.name, _LONGEST, 12), node.count) if part)
    ink = light("soft")
    paint = {"peripheries": "2"} if node.count else {}
    if node.state is not None:
        seen = look(node.state)
        title, said = f"{seen.glyph} {title}", f"{said} · {seen.word}"
        failed = node.state == "failed"
        ink = light("on") if failed else seen.light.ink
        paint |= {"fillcolor": seen.light.line if failed else seen.light.wash, "color": seen.light.line}
        paint |= {"fontcolor": ink} if failed else {}
    label = (
        f'<<b>{xml(title)}</b><br/><font point-size="10" color="{ink}">{xml(cut(said, _LONGEST, 10))}</font>>'
    )
    return {"label": _no_escapes(label), "tooltip": _text(node.task.description or node.id), **paint}


def _edge(edge: Edge) -> _Attributes:
    seen = line(edge.rule)
    style = "dashed" if edge.dashed else _STYLES[seen.pattern]
    return {
        **({"style": style} if style else {}),
        **({"arrowhead": _HEADS[seen.head]} if seen.head != "arrow" else {}),
        **({"tooltip": _text(seen.says)} if edge.rule != "all_success" else {}),
    }


def _text(text: str) -> str:
    """Text in which DOT looks for markup and for escapes such as `\\N` and `\\G`, and is to find none."""
    from graphviz import escape

    return escape(clean(text))


def _no_escapes(label: str) -> str:
    """The same in a label of markup, where a backslash must be written as what it looks like."""
    return label.replace("\\", "&#92;&#8203;")
