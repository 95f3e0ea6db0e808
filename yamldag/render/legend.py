"""What the signs in a picture mean: only those that occur in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from yamldag.render import icons
from yamldag.render.colours import LOOKS, light, look
from yamldag.render.drawing import Drawing
from yamldag.render.rules import RULES, UNJUDGED, line
from yamldag.render.text import clean, cut, width, xml

ROW = 22.0
_SIZE = 11.0
_DOTS = {"solid": "", "dotted": ' stroke-dasharray="1.5 3.5"', "mixed": ' stroke-dasharray="9 3 1.5 3"'}


@dataclass(frozen=True, slots=True)
class Sign:
    kind: str
    """`state`, `operator` or `line`."""
    name: str
    """The state, the operator, the rule; `referenced` for the dashed line."""
    words: str

    @property
    def room(self) -> float:
        return (34.0 if self.kind == "line" else 20.0) + width(self.words, _SIZE) + 16


def signs(drawn: Drawing) -> list[list[Sign]]:
    """States with their numbers, operators, and lines that are not the usual one."""
    return [group for group in (_states(drawn), _operators(drawn), _lines(drawn)) if group]


def rows(drawn: Drawing, room: float) -> list[list[Sign]]:
    """The signs in rows of at most `room` pixels."""
    found: list[list[Sign]] = []
    for group in signs(drawn):
        row: list[Sign] = []
        for sign in group:
            if row and sum(each.room for each in row) + sign.room > room:
                found.append(row)
                row = []
            row.append(sign)
        found.append(row)
    return found


def height(found: list[list[Sign]]) -> float:
    return ROW * len(found) + 14 if found else 0.0


def svg(found: list[list[Sign]], x: float, y: float) -> str:
    parts = []
    for at, row in enumerate(found):
        left = x
        for sign in row:
            parts.append(_sign(sign, left, y + at * ROW))
            left += sign.room
    return f'<g class="key" fill="{light("soft")}">{"".join(parts)}</g>'


def mark(sign: Sign, y: float) -> tuple[str, float]:
    """The sign itself at (0, y), 16 high, and its width."""
    if sign.kind == "line":
        return _sample(sign.name, y), 28.0
    if sign.kind == "state":
        symbol, ink = f"state-{sign.name}", look(sign.name).light.ink
        return f'<use class="glyph" href="#{symbol}" y="{y:g}" width="14" height="14" color="{ink}"/>', 14.0
    symbol = f"op-{icons.name(sign.name)}"
    return (
        f'<use class="icon" href="#{symbol}" y="{y:g}" width="14" height="14" color="{light("soft")}"/>',
        14.0,
    )


def _sign(sign: Sign, x: float, y: float) -> str:
    drawn, long = mark(sign, 0)
    state = f' class="state-{sign.name}"' if sign.kind == "state" else ""
    ink = look(sign.name).light.ink if sign.kind == "state" else light("soft")
    word = f'<text class="word" x="{long + 6:g}" y="11" font-size="{_SIZE:g}" fill="{ink}">'
    return f'<g{state} transform="translate({x:g} {y:g})">{drawn}{word}{xml(sign.words)}</text></g>'


def _sample(rule: str, y: float) -> str:
    seen = line("all_success" if rule == "referenced" else rule)
    dash = ' stroke-dasharray="6 4"' if rule == "referenced" else _DOTS[seen.pattern]
    return (
        f'<path class="line" d="M0 {y + 7:g}H28" fill="none" stroke="{light("ctl")}" stroke-width="1.2"'
        f'{dash} marker-end="url(#head-{seen.head})"/>'
    )


def _states(drawn: Drawing) -> list[Sign]:
    if not drawn.coloured:
        return []
    count = Counter(node.state if node.state in LOOKS else "none" for node in drawn.nodes)
    return [Sign("state", name, f"{count[name]} {look(name).word}") for name in LOOKS if count[name]]


def _operators(drawn: Drawing) -> list[Sign]:
    count = Counter(node.task.operator for node in drawn.nodes)
    names = sorted(count, key=lambda name: (name not in icons.ICONS, name))
    return [Sign("operator", name, f"{cut(clean(name), 150, _SIZE)} {count[name]}") for name in names]


def _lines(drawn: Drawing) -> list[Sign]:
    met = {edge.rule for edge in drawn.edges}
    found = [
        Sign("line", rule, f"{rule.replace('_', ' ')}: {RULES[rule].says}")
        for rule in RULES
        if rule in met and rule != "all_success"
    ]
    if met - RULES.keys():
        found.append(Sign("line", "unjudged", UNJUDGED.says))
    if any(edge.dashed for edge in drawn.edges):
        found.append(Sign("line", "referenced", "only named in a template"))
    return found
