"""The code blocks of a Markdown page, and what the HTML comment before each says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^>]*?) -->\n)?^(?P<fence>```+)(?P<language>\w*)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """`mark`: `file: PATH` writes it into the page's project, `run` runs its commands there, `expect: CODES` is what
    the compiler must say, `skip: WHY` leaves it alone; empty: a pipeline must be without errors."""

    page: Path
    line: int
    language: str
    text: str
    mark: str

    @property
    def file(self) -> str | None:
        return self.mark.removeprefix("file: ") if self.mark.startswith("file: ") else None

    @property
    def expected(self) -> list[str]:
        return self.mark.removeprefix("expect: ").split(", ") if self.mark.startswith("expect: ") else []


def pages() -> list[Path]:
    """README, CONTRIBUTING and all that lies in docs/."""
    top = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("fence")) + 1
        mark = (match["mark"] or "").strip()
        found.append(Block(page, line, match["language"], match["text"], mark))
    return found
