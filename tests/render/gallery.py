"""All test plans as pictures in a folder, to be looked at: `python -m tests.render.gallery FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.render import plans
from yamldag.plan.pipeline import Plan
from yamldag.render.dot import binary, dot
from yamldag.render.html import html
from yamldag.render.mermaid import mermaid
from yamldag.render.svg import svg

MADE: list[Plan] = [
    plans.five(), plans.sales(), plans.rules(), plans.nested(), plans.hostile(), plans.chain(60),
    plans.scattered(60), plans.layered(50, 6, groups=4), plans.layered(200, 12),
    plans.layered(500, 20, groups=10), plans.tangled(200, 400),
]  # fmt: skip


def hang(folder: Path) -> None:
    """Each plan without states, and as in a run, in every format."""
    folder.mkdir(parents=True, exist_ok=True)
    for made in MADE:
        for kind, states in (("plain", None), ("run", plans.coloured(made))):
            name = f"{'hostile' if made.pipeline in plans.NASTY else made.pipeline}-{kind}"
            drawn, note = svg(made, states)
            (folder / f"{name}.svg").write_text(drawn, encoding="utf-8")
            (folder / f"{name}.html").write_text(html(made, states)[0], encoding="utf-8")
            (folder / f"{name}.dot").write_text(dot(made, states), encoding="utf-8")
            (folder / f"{name}.mmd").write_text(mermaid(made, states), encoding="utf-8")
            answer = binary(made, "png", states)
            if isinstance(answer, bytes):
                (folder / f"{name}.png").write_bytes(answer)
            print(name, note or "")


if __name__ == "__main__":
    hang(Path(sys.argv[1]))
