"""A plan as a Mermaid flowchart, for a README or a wiki that draws it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from yamldag.plan.pipeline import Plan
from yamldag.render.colours import LOOKS, light, look
from yamldag.render.drawing import Drawing, Edge, Frame, Node, drawing
from yamldag.render.rules import line
from yamldag.render.text import clean, cut

_RISKY = re.compile(r"[^\w .,:()/*+=?!@\u0080-\U0010ffff-]")
_WORD = re.compile(r"[A-Za-z]\w{0,60}\Z", re.ASCII)
_RESERVED = frozenset(
    [
        "end",
        "graph",
        "flowchart",
        "subgraph",
        "style",
        "linkStyle",
        "classDef",
        "class",
        "click",
        "href",
        "default",
        "call",
        "direction",
    ]
)
_HEADS = {"arrow": ">", "empty": ">", "vee": ">", "diamond": ">", "hollow": ">", "dot": "o", "tee": "x"}
_LONGEST = 300.0


def mermaid(plan: Plan, states: Mapping[str, str] | None = None) -> str:
    """Mermaid source: groups as subgraphs, states as classes, trigger rules as words on the lines."""
    drawn = drawing(plan, states)
    names = _names([node.id for node in drawn.nodes])
    rows = [
        f"flowchart {'TD' if drawn.down else 'LR'}",
        *_inside(drawn, None, names, "  "),
        *(_edge(edge, names) for edge in drawn.edges),
        *_classes(drawn, names),
    ]
    return "\n".join(rows) + "\n"


def _names(identifiers: list[str]) -> dict[str, str]:
    """The id with `_` for what Mermaid reads otherwise, or a number where that would not do."""
    names: dict[str, str] = {}
    taken = set(_RESERVED)
    for at, each in enumerate(identifiers):
        word = each.replace(".", "_").replace("-", "_")
        fits = _WORD.match(word) and word not in taken
        names[each] = word if fits else f"_{at}"
        taken.add(names[each])
    return names


def _inside(drawn: Drawing, group: str | None, names: Mapping[str, str], indent: str) -> Iterator[str]:
    known = {frame.group.id for frame in drawn.frames}
    for node in drawn.nodes:
        if (node.task.group if node.task.group in known else None) == group:
            yield f"{indent}{names[node.id]}{_node(node)}"
    for at, frame in enumerate(drawn.frames):
        if (frame.group.parent if frame.group.parent in known else None) == group:
            yield f'{indent}subgraph _g{at}["{_frame(frame)}"]'
            yield from _inside(drawn, frame.group.id, names, indent + "  ")
            yield f"{indent}end"


def _frame(frame: Frame) -> str:
    return _text(" ".join(part for part in (cut(frame.name, _LONGEST, 12), frame.count) if part))


def _node(node: Node) -> str:
    title = " ".join(part for part in (cut(node.name, _LONGEST, 12), node.count) if part)
    said = [cut(clean(node.task.operator), _LONGEST, 12), *(chip.replace("_", " ") for chip in node.chips)]
    if node.state is not None:
        title = f"{look(node.state).glyph} {title}"
        said.append(look(node.state).word)
    label = f"{_text(title)}<br/>{_text(' · '.join(said))}"
    return f'[["{label}"]]' if node.count else f'("{label}")'


def _edge(edge: Edge, names: Mapping[str, str]) -> str:
    seen = line(edge.rule)
    head = _HEADS[seen.head]
    stroke = f"-.-{head}" if edge.dashed else f"--{head}"
    words = "" if edge.rule == "all_success" else f'|"{_text(edge.rule.replace("_", " "))}"|'
    return f"  {names[edge.parent]} {stroke}{words} {names[edge.child]}"


def _classes(drawn: Drawing, names: Mapping[str, str]) -> Iterator[str]:
    """The colours of the states that occur, and which tasks are in them."""
    held: dict[str, list[str]] = {}
    for node in drawn.nodes:
        if node.state is not None:
            held.setdefault(node.state if node.state in LOOKS else "none", []).append(names[node.id])
    for state, tasks in held.items():
        shade = look(state).light
        fill, ink = (shade.line, light("on")) if state == "failed" else (shade.wash, shade.ink)
        yield f"  classDef {state} fill:{fill},stroke:{shade.line},color:{ink}"
        yield f"  class {','.join(tasks)} {state}"


def _text(text: str) -> str:
    """Text in a quoted label: what Mermaid or HTML could take for its own becomes the character's number."""
    return _RISKY.sub(lambda match: f"#{ord(match.group())};", clean(text))
