"""The pages that are made as a whole from the code's own tables: one per diagnostic, and their index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from yamldag.syntax.codes import CODES, Code

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
GOLDEN = ROOT / "tests" / "golden" / "err"
MADE = "<!-- Made by `python -m docs.build`: edit its sources, not this page. -->"
ROOMS = {
    "1": "YAML", "2": "References and names", "3": "Graph", "4": "Schema and types",
    "5": "Templates", "6": "Schedules", "7": "Operators", "8": "Advice of `yamldag lint`",
}  # fmt: skip
WIDEST = 120
"""Characters of an example's line that a page shows."""


class Reason(NamedTuple):
    """What people wrote about a code: why it is reported, and how to mend it."""

    why: str
    fix: str


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    known = reasons()
    made = {REFERENCE / "diagnostics" / f"{code}.md": _code_page(CODES[code], known[code]) for code in CODES}
    return made | {REFERENCE / "diagnostics.md": _index()}


def reasons() -> dict[str, Reason]:
    text = (REFERENCE / "diagnostics" / "why.yml").read_text(encoding="utf-8")
    return {code: Reason(**words) for code, words in yaml.safe_load(text).items()}


# Diagnostics


def _code_page(code: Code, reason: Reason) -> str:
    parts = [
        f"# {code.code} {code.name}",
        f"{code.severity.capitalize()}, reported when {code.summary}.",
        "## Why\n\n" + reason.why,
        "## Example\n\n" + "\n\n".join(_example(code.code)),
        "yamldag says:\n\n" + _fenced("text", (GOLDEN / f"{code.code}.txt").read_text(encoding="utf-8")),
        "## How to mend it\n\n" + reason.fix,
    ]
    return "\n\n".join(parts) + "\n"


def _example(code: str) -> Iterator[str]:
    """The files that the golden text is about."""
    single, folder = GOLDEN / f"{code}.yml", GOLDEN / code
    if single.is_symlink():
        yield f"`{single.name}` is a link to a file that is not there."
    elif single.exists():
        yield _file(single)
    else:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            yield f"`{path.relative_to(GOLDEN)}`:\n\n{_file(path)}"


def _file(path: Path) -> str:
    kinds = {".yml": "yaml", ".py": "python", ".sql": "sql"}
    return _fenced(kinds.get(path.suffix, "text"), path.read_text(encoding="utf-8", errors="replace"))


def _fenced(kind: str, text: str) -> str:
    lines = [line if len(line) <= WIDEST else line[: WIDEST - 1] + "…" for line in _visible(text).split("\n")]
    body = "\n".join(line.rstrip() for line in lines).strip("\n")
    return f"```{kind}\n{body}\n```"


def _visible(text: str) -> str:
    """Control characters as the pictures that Unicode has of them: pages are read in terminals, too."""
    return "".join(chr(0x2400 + ord(one)) if one < " " and one not in "\n\t" else one for one in text)


def _index() -> str:
    lines = [
        "# Diagnostics",
        MADE,
        "Everything that yamldag can say about a file. `yamldag explain CODE` prints a page.",
    ]
    for digit, room in ROOMS.items():
        rows = [
            f"| [`{code.code}`](diagnostics/{code.code}.md) | {code.name} | {code.severity} | {code.summary} |"
            for code in CODES.values()
            if code.code[2] == digit
        ]
        lines.append(
            f"## {room}\n\n| code | name | severity | reported when |\n|---|---|---|---|\n" + "\n".join(rows)
        )
    return "\n\n".join(lines) + "\n"
