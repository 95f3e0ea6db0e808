"""A drawing and its places as SVG: one look, wherever the places come from.

Each task is `<g id="task-…" class="task state-…" data-task="…">`, each edge a `.line` with `data-from` and
`data-to`. A page recolours a task by its class, the `href` of its `.glyph` and the text of its `.word`.
Colours stand in the style sheet and, for programs without custom properties, as attributes in light.
"""

from __future__ import annotations

from collections.abc import Mapping

from yamldag.plan.pipeline import Plan
from yamldag.render import colours, icons, legend
from yamldag.render.colours import light, look
from yamldag.render.drawing import CHIP, HEIGHT, NAME, WORD, Drawing, Edge, Frame, Node, drawing
from yamldag.render.places import Box, Curve, Layout
from yamldag.render.positions import positions
from yamldag.render.rules import line
from yamldag.render.style import sheet
from yamldag.render.symbols import definitions
from yamldag.render.text import anchor, clean, cut, px, width, xml

_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans','DejaVu Sans',sans-serif"
_HEADING = 40.0
_DOTS = {"solid": "", "dotted": ' stroke-dasharray="1.5 3.5"', "mixed": ' stroke-dasharray="9 3 1.5 3"'}
_DASHES = ' stroke-dasharray="6 4"'


def svg(plan: Plan, states: Mapping[str, str] | None = None, limit: float = 5.0) -> tuple[str, str | None]:
    """A picture that stands alone, with its title and its legend, and a note if `dot` could not place things.

    `limit`: seconds that `dot` may take.
    """
    drawn = drawing(plan, states)
    placed, note = positions(drawn, limit)
    wide = max(placed.width, 560.0)
    rows = legend.rows(drawn, wide - 32)
    high = _HEADING + placed.height + legend.height(rows)
    left = (wide - placed.width) / 2
    inside = [
        f"<style>{sheet()}</style>",
        f'<rect class="ground" width="{px(wide)}" height="{px(high)}" fill="{light("panel")}"/>',
        _heading(drawn, wide),
        f'<g transform="translate({px(left)} {px(_HEADING)})">{_picture(drawn, placed)}</g>',
        legend.svg(rows, 16, _HEADING + placed.height),
    ]
    return _document(drawn, wide, high, "\n".join(inside)), note


Placed = tuple[Layout, str | None]
"""Where everything goes, and a note as `svg`'s."""


def place(plan: Plan, limit: float = 5.0) -> Placed:
    """Where the parts of a picture go. States move nothing: it is true as long as the plan is."""
    return positions(drawing(plan, {}), limit)


def picture(
    plan: Plan,
    states: Mapping[str, str] | None = None,
    limit: float = 5.0,
    link: str | None = None,
    places: Placed | None = None,
) -> tuple[str, str | None]:
    """The graph alone, for a page that brings `style.sheet()`, title and legend, and a note as `svg`'s.

    `link`: a prefix; each task becomes a link to it plus the task's place in the plan. `places`: what `place` has
    given for this plan.
    """
    drawn = drawing(plan, states)
    placed, note = places or positions(drawn, limit)
    # What has links in it is no image: a reader must get at them.
    role = "img" if link is None else "group"
    return _document(drawn, placed.width, placed.height, _picture(drawn, placed, link), role), note


def _document(drawn: Drawing, wide: float, high: float, inside: str, role: str = "img") -> str:
    size = f'width="{px(wide)}" height="{px(high)}" viewBox="0 0 {px(wide)} {px(high)}"'
    kind = "yamldag-graph down" if drawn.down else "yamldag-graph"
    about = xml(clean(drawn.plan.description or f"{len(drawn.nodes)} tasks, {len(drawn.edges)} edges"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" {size} role="{role}" '
        f'font-family="{_FONT}">\n'
        f"<title>{xml(clean(drawn.plan.pipeline))}</title>\n<desc>{about}</desc>\n"
        f"{definitions(drawn)}\n{inside}\n</svg>\n"
    )


def _heading(drawn: Drawing, wide: float) -> str:
    name = cut(clean(drawn.plan.pipeline), wide * 0.6, 15)
    parts = [_counted(len(drawn.nodes), "task")]
    if drawn.frames:
        parts.append(_counted(len(drawn.frames), "group"))
    return (
        f'<text class="title" x="16" y="28" font-size="15" font-weight="600" '
        f'fill="{light("text")}">{xml(name)}'
        f'<tspan class="aside" dx="10" font-size="11" font-weight="400" fill="{light("soft")}">'
        f"{', '.join(parts)}</tspan></text>"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _picture(drawn: Drawing, placed: Layout, link: str | None = None) -> str:
    frames = [_frame(frame, placed.frames[frame.group.id]) for frame in drawn.frames]
    edges = [_edge(edge, placed.curves[edge.parent, edge.child]) for edge in drawn.edges]
    nodes = [_node(drawn, at, node, placed.boxes[node.id], link) for at, node in enumerate(drawn.nodes)]
    return "\n".join(
        [
            f'<g class="frames" fill="{light("frame")}" stroke="{light("line")}">',
            *frames,
            f'</g>\n<g class="edges" fill="none" stroke="{light("ctl")}" stroke-width="1.2">',
            *edges,
            f'</g>\n<g class="tasks" fill="{light("text")}">',
            *nodes,
            "</g>",
        ]
    )


# -- frames and edges


def _frame(frame: Frame, box: Box) -> str:
    shadow = _rect("shade", Box(box.x + 4, box.y + 4, box.width, box.height), 8) if frame.count else ""
    count = f" {frame.count}" if frame.count else ""
    room = box.width - 16 - width(count, 11)
    return (
        f'<g id="group-{xml(anchor(frame.group.id))}" class="frame" data-group="{xml(frame.group.id)}">'
        f"<title>{xml(_about_group(frame))}</title>{shadow}{_rect('frame-box', box, 8)}"
        f'<text x="{px(box.x + 10)}" y="{px(box.y + 16)}" font-size="11" font-weight="600" stroke="none" '
        f'fill="{light("soft")}">{xml(cut(frame.name, room, 11.5))}{count}</text></g>'
    )


def _about_group(frame: Frame) -> str:
    parts = [clean(frame.group.id), frame.count, clean(frame.group.description or "")]
    return " · ".join(part for part in parts if part)


def _edge(edge: Edge, curve: Curve) -> str:
    seen = line(edge.rule)
    dash = _DASHES if edge.dashed else _DOTS[seen.pattern]
    kind = f"line head-{seen.head} {seen.pattern}"
    dashed = " referenced" if edge.dashed else ""
    return (
        f'<path class="{kind}{dashed}" data-from="{xml(edge.parent)}" data-to="{xml(edge.child)}" '
        f'd="{path(curve)}"{dash} marker-end="url(#head-{seen.head})"/>'
    )


def path(curve: Curve) -> str:
    """The `d` of a path."""
    (x, y), *rest = curve
    triples = (rest[at : at + 3] for at in range(0, len(rest), 3))
    bends = ("C" + " ".join(f"{px(a)} {px(b)}" for a, b in triple) for triple in triples)
    return f"M{px(x)} {px(y)}{''.join(bends)}"


# -- tasks


def _node(drawn: Drawing, at: int, node: Node, box: Box, link: str | None) -> str:
    state = node.state if node.state in colours.LOOKS else "none"
    kind = f"task state-{state}" if drawn.coloured else "task"
    inside = "".join([_boxes(node, box), _texts(node, box), _chips(drawn, node, box)])
    if link is not None:
        inside = f'<a href="{link}{at}">{inside}</a>'
    return (
        f'<g id="task-{xml(anchor(node.id))}" class="{kind}" data-task="{xml(node.id)}" '
        f'data-operator="{xml(clean(node.task.operator))}">'
        f"<title>{xml(_about(node))}</title>{inside}</g>"
    )


def _about(node: Node) -> str:
    parts = [clean(node.id), clean(node.task.operator)]
    if node.state is not None:
        parts.append(look(node.state).word)
    return " · ".join([*parts, *([clean(node.task.description)] if node.task.description else [])])


def _boxes(node: Node, box: Box) -> str:
    fill, edge = light("panel"), light("ctl")
    if node.state is not None:
        shade = look(node.state).light
        fill, edge = (shade.line if node.state == "failed" else shade.wash), shade.line
    paint = f' fill="{fill}" stroke="{edge}" stroke-width="{2 if node.state == "running" else 1.2}"'
    dash = _BORDERS.get(node.state or "", "")
    behind = [Box(box.x + step, box.y + step, box.width, box.height) for step in (6.0, 3.0) if node.count]
    return "".join(_rect("pile", each, 8, paint) for each in behind) + _rect("box", box, 8, paint + dash)


_BORDERS = {
    name: f' stroke-dasharray="{dash}"'
    for name, dash in {
        "none": "2 2.5",
        "skipped": "2 3",
        "removed": "2 3",
        "up_for_retry": "6 2.5",
        "upstream_failed": "6 2.5",
    }.items()
}


def _texts(node: Node, box: Box) -> str:
    operator = icons.name(node.task.operator)
    text, soft = ("text", "soft") if node.state != "failed" else ("on", "on")
    room = box.width - 38 - (22 if node.state is not None else 0)
    name = cut(node.name, room, NAME * 1.06)
    return (
        f'<use class="icon" href="#op-{operator}" x="{px(box.x + 9)}" y="{px(box.y + HEIGHT / 2 - 8)}" '
        f'width="16" height="16" color="{light(soft)}"/>'
        f'<text class="name" x="{px(box.x + 32)}" y="{px(box.y + 17)}" font-size="{px(NAME)}" '
        f'font-weight="600" fill="{light(text)}">{xml(name)}</text>'
        f'<text class="about" x="{px(box.x + 32)}" y="{px(box.y + 31)}" font-size="{px(WORD)}" '
        f'fill="{light(soft)}">{_second(node, box.width - 38)}</text>{_glyph(node, box)}'
    )


def _second(node: Node, room: float) -> str:
    """The line below the name: the operator, and in a run the state's word."""
    operator = clean(node.task.operator)
    if node.state is None:
        return xml(cut(operator, room, WORD))
    word = look(node.state).word
    spare = room - width(" · " + word, WORD)
    first = f"{xml(cut(operator, spare, WORD))} · " if spare > 30 else ""
    ink = light("on") if node.state == "failed" else look(node.state).light.ink
    return f'{first}<tspan class="word" fill="{ink}">{word}</tspan>'


def _glyph(node: Node, box: Box) -> str:
    if node.state is None:
        return ""
    state = node.state if node.state in colours.LOOKS else "none"
    ink = light("on") if state == "failed" else look(state).light.ink
    return (
        f'<use class="glyph" href="#state-{state}" x="{px(box.right - 21)}" y="{px(box.y + 6)}" width="14" '
        f'height="14" color="{ink}"/>'
    )


def _chips(drawn: Drawing, node: Node, box: Box) -> str:
    """Words on the border: above the box, or below it where edges come from above."""
    y = box.bottom - 4 if drawn.down else box.y - 9
    found = []
    x = box.x + 8
    for word in node.chips:
        found.append(_chip(x, y, word.replace("_", " ")))
        x += width(word, CHIP) + 14
    if node.count:
        found.append(_chip(box.right - width(node.count, CHIP) - 16, y, node.count))
    return "".join(found)


def _chip(x: float, y: float, word: str) -> str:
    long = width(word, CHIP) + 10
    paint = f' fill="{light("panel")}" stroke="{light("ctl")}" stroke-width="1"'
    return (
        f'<g class="chip">{_rect("chip-box", Box(x, y, long, 13), 6.5, paint)}'
        f'<text x="{px(x + long / 2)}" y="{px(y + 9.6)}" font-size="{px(CHIP)}" text-anchor="middle" '
        f'fill="{light("soft")}">{xml(word)}</text></g>'
    )


def _rect(kind: str, box: Box, radius: float, paint: str = "") -> str:
    return (
        f'<rect class="{kind}" x="{px(box.x)}" y="{px(box.y)}" width="{px(box.width)}" '
        f'height="{px(box.height)}" rx="{px(radius)}"{paint}/>'
    )
