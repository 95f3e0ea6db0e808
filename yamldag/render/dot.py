"""A plan as DOT source: readable, complete, and safe whatever the tasks are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yamldag.plan.pipeline import Plan
from yamldag.render import legend
from yamldag.render.colours import light, look
from yamldag.render.drawing import Drawing, Edge, Frame, Node, drawing
from yamldag.render.program import Missing, run
from yamldag.render.rules import line
from yamldag.render.text import clean, cut, xml

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
_FONT = 'fontname="Helvetica,Arial,sans-serif"'
_LONGEST = 300.0


def dot(plan: Plan, states: Mapping[str, str] | None = None) -> str:
    """DOT source: groups as clusters, states as colours and words, rules as styles of lines."""
    drawn = drawing(plan, states)
    names = _names([node.id for node in drawn.nodes])
    lines = [
        f"digraph {_quoted(_title(plan))} {{",
        *_defaults(drawn),
        *_inside(drawn, None, names, "  "),
        *(_edge(edge, names) for edge in drawn.edges),
        "}",
    ]
    return "\n".join(lines) + "\n"


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
    return clean(plan.pipeline) or "pipeline"


def _defaults(drawn: Drawing) -> Iterator[str]:
    yield f"  graph [rankdir={'TB' if drawn.down else 'LR'} pad=0.2 nodesep=0.3 ranksep=0.55 {_FONT}"
    yield f"    fontsize=11 fontcolor={_quoted(light('soft'))} labelloc=b labeljust=l label=<{_key(drawn)}>]"
    yield f'  node [shape=box style="rounded,filled" {_FONT} fontsize=12 height=0.5 margin="0.15,0.06"'
    yield f"    fillcolor={_quoted(light('panel'))} color={_quoted(light('ctl'))}"
    yield f"    fontcolor={_quoted(light('text'))}]"
    yield f"  edge [color={_quoted(light('ctl'))} arrowsize=0.7]"


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
    """The id itself where DOT takes it as it is, else a number that no id is."""
    names = {}
    for at, each in enumerate(identifiers):
        name = each
        if clean(each) != each or "\\" in each:
            name = f"task {at}"
            while name in identifiers:
                name += "'"
        names[each] = _quoted(name)
    return names


def _inside(drawn: Drawing, group: str | None, names: dict[str, str], indent: str) -> Iterator[str]:
    """The tasks of a group, and the groups in it."""
    known = {frame.group.id for frame in drawn.frames}
    for node in drawn.nodes:
        if (node.task.group if node.task.group in known else None) == group:
            yield f"{indent}{names[node.id]} [{_node(node)}]"
    for at, frame in enumerate(drawn.frames):
        if (frame.group.parent if frame.group.parent in known else None) == group:
            yield f"{indent}subgraph cluster_{at} {{"
            yield f"{indent}  {_cluster(frame)}"
            yield from _inside(drawn, frame.group.id, names, indent + "  ")
            yield f"{indent}}}"


def _cluster(frame: Frame) -> str:
    name = " ".join(part for part in (cut(frame.name, _LONGEST, 11), frame.count) if part)
    paint = f"color={_quoted(light('edge'))} fillcolor={_quoted(light('frame'))}"
    double = " peripheries=2" if frame.count else ""
    style = 'labeljust=l labelloc=t style="rounded,filled"'
    return f"label={_text(name)} tooltip={_text(frame.group.id)} {style} {paint}{double}"


def _node(node: Node) -> str:
    said = " · ".join([clean(node.task.operator), *(chip.replace("_", " ") for chip in node.chips)])
    title = " ".join(part for part in (cut(node.name, _LONGEST, 12), node.count) if part)
    ink = light("soft")
    paint = ""
    if node.state is not None:
        seen = look(node.state)
        title, said = f"{seen.glyph} {title}", f"{said} · {seen.word}"
        failed = node.state == "failed"
        ink = light("on") if failed else seen.light.ink
        fill = seen.light.line if failed else seen.light.wash
        paint = f" fillcolor={_quoted(fill)} color={_quoted(seen.light.line)}"
        paint += f" fontcolor={_quoted(light('on'))}" if failed else ""
    label = (
        f'<<b>{xml(title)}</b><br/><font point-size="10" color="{ink}">{xml(cut(said, _LONGEST, 10))}</font>>'
    )
    double = " peripheries=2" if node.count else ""
    return f"label={_no_escapes(label)} tooltip={_text(node.task.description or node.id)}{paint}{double}"


def _edge(edge: Edge, names: dict[str, str]) -> str:
    seen = line(edge.rule)
    style = "dashed" if edge.dashed else _STYLES[seen.pattern]
    said = [f"style={style}"] if style else []
    said += [f"arrowhead={_HEADS[seen.head]}"] if seen.head != "arrow" else []
    said += [f"tooltip={_text(seen.says)}"] if edge.rule != "all_success" else []
    return f"  {names[edge.parent]} -> {names[edge.child]}" + (f" [{' '.join(said)}]" if said else "")


def _quoted(text: str) -> str:
    """A string that DOT takes as it is. It must hold no backslash: before a quote it would escape it."""
    return '"' + text.replace("\\", "\N{FULLWIDTH REVERSE SOLIDUS}").replace('"', '\\"') + '"'


def _text(text: str) -> str:
    """A string in which DOT looks for escapes: `\\N`, `\\G` and the like."""
    return '"' + clean(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _no_escapes(label: str) -> str:
    """The same in a label of markup, where a backslash must be written as what it looks like."""
    return label.replace("\\", "&#92;&#8203;")
