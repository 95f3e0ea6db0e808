"""The code blocks of a Markdown page, and what the HTML comment before each says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]*?) -->\n)?^(?P<fence>```+)(?P<language>\w*)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """`mark`: `file: PATH` writes it into the page's project, `run` runs its commands there, `expect: CODES` is what
    the compiler must say of it (nothing, if it is not given), `change: A -> B in PATH` changes that file before it,
    `skip: WHY` leaves it alone. `;` stands between two."""

    page: Path
    line: int
    language: str
    text: str
    mark: str

    @property
    def marks(self) -> dict[str, str]:
        """Each word of the comment, and what stands behind its colon."""
        pairs = (part.partition(":") for part in self.mark.split(";") if part.strip())
        return {word.strip(): rest.strip() for word, _, rest in pairs}

    @property
    def file(self) -> str | None:
        return self.marks.get("file")

    @property
    def expected(self) -> list[str]:
        return [code.strip() for code in self.marks.get("expect", "").split(",") if code]


CODE_PAGES = ROOT / "docs" / "reference" / "diagnostics"


def pages() -> list[Path]:
    """README, CONTRIBUTING and all that lies in docs/; not the pages of single codes, which are made of goldens."""
    top = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    return [*top, *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent != CODE_PAGES)]


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("fence")) + 1
        mark = (match["mark"] or "").strip()
        found.append(Block(page, line, match["language"], match["text"], mark))
    return found
