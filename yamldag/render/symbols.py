"""What pictures refer to by name: icons of operators, glyphs of states, heads of lines."""

from __future__ import annotations

from yamldag.render import colours, icons
from yamldag.render.colours import light
from yamldag.render.drawing import Drawing
from yamldag.render.rules import line
from yamldag.render.text import px


def definitions(drawn: Drawing) -> str:
    """The `<defs>` of a drawing: operators and heads that occur, and every state, as a run may change."""
    operators = sorted({icons.name(node.task.operator) for node in drawn.nodes})
    found = [_symbol(f"op-{name}", icons.symbol(name)) for name in operators]
    if drawn.coloured:
        found += [_symbol(f"state-{name}", seen.symbol) for name, seen in colours.LOOKS.items()]
    heads = [_HEADS[head] for head in sorted({line(edge.rule).head for edge in drawn.edges})]
    return f"<defs>{''.join(found)}{''.join(heads)}</defs>"


def _symbol(name: str, inside: str) -> str:
    plain = inside.replace('class="pen"', _PEN).replace('class="solid"', _SOLID)
    return f'<symbol id="{name}" viewBox="0 0 16 16">{plain}</symbol>'


_PEN = 'fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"'
_SOLID = 'fill="currentColor" fill-rule="evenodd"'


def _head(name: str, inside: str, tip: float = 9) -> str:
    return (
        f'<marker id="head-{name}" class="head" viewBox="0 0 10 10" refX="{px(tip)}" refY="5" '
        f'markerWidth="8.5" markerHeight="8.5" markerUnits="userSpaceOnUse" orient="auto" stroke-width="1.4" '
        f'fill="{light("ctl")}" stroke="{light("ctl")}">{inside}</marker>'
    )


_OPEN = f'class="open" fill="{light("panel")}"'
_HEADS = {
    "arrow": _head("arrow", '<path d="M1.5 1.8 8.5 5l-7 3.2z" stroke-linejoin="round"/>'),
    "empty": _head("empty", f'<path {_OPEN} d="M1.2 1.5 8.8 5l-7.6 3.5z" stroke-linejoin="round"/>'),
    "dot": _head("dot", f'<circle {_OPEN} cx="5.5" cy="5" r="3.3"/>'),
    "tee": _head("tee", '<path d="M8.4.5v9M4.6 1.5v7" stroke-width="1.8"/>'),
    "diamond": _head("diamond", '<path d="M.8 5 4.9 2 9 5 4.9 8z"/>'),
    "hollow": _head("hollow", f'<path {_OPEN} d="M.8 5 4.9 2 9 5 4.9 8z"/>'),
    "vee": _head("vee", '<path class="nofill" fill="none" d="M2 1.5 8.8 5 2 8.5"/>'),
}
