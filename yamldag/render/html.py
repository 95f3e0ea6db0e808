"""A plan as one HTML file that asks no one for anything: picture, details, and a script to move about.

It works without the script, too: a task is a link to its details, and the picture scrolls.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape

from yamldag import shipped
from yamldag.plan.pipeline import Plan
from yamldag.render import legend
from yamldag.render.details import overview, sections
from yamldag.render.drawing import Drawing, drawing
from yamldag.render.style import sheet
from yamldag.render.svg import picture
from yamldag.render.text import clean

_HOLE = re.compile(r"\{\{(\w+)\}\}")


def html(plan: Plan, states: Mapping[str, str] | None = None, limit: float = 5.0) -> tuple[str, str | None]:
    """The page, and a note as `svg` gives it."""
    drawn = drawing(plan, states)
    graph, note = picture(plan, states, limit, link="#about-")
    page = _template()
    style = f"\n{sheet(themes=True)}\n{_between(page, 'style')}"
    script = _between(page, "script")
    parts = {
        "title": escape(clean(plan.pipeline)),
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}",
        "sheet": sheet(themes=True),
        "tasks": f"{len(drawn.nodes)} {'task' if len(drawn.nodes) == 1 else 'tasks'}",
        "picture": graph,
        "overview": overview(drawn),
        "sections": "\n".join(sections(drawn)),
        "legend": _legend(drawn),
    }
    return _HOLE.sub(lambda hole: parts[hole[1]], page), note


def _template() -> str:
    with open(shipped.path("templates", "graph.html"), encoding="utf-8") as file:
        return file.read()


def _between(page: str, tag: str) -> str:
    """What stands in the one `<style>` or `<script>` of the page, without the hole for the shared rules."""
    inside = page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
    return inside.replace("\n{{sheet}}\n", "")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _legend(drawn: Drawing) -> str:
    return "".join(f'<ul class="key">{"".join(map(_sign, group))}</ul>' for group in legend.signs(drawn))


def _sign(sign: legend.Sign) -> str:
    mark, long = legend.mark(sign, 0)
    state = f' class="state-{sign.name}"' if sign.kind == "state" else ""
    drawn = f'<svg width="{long:g}" height="14" aria-hidden="true">{mark}</svg>'
    return f'<li{state}>{drawn}<span class="word">{escape(sign.words)}</span></li>'
