<<<<<<< HEAD
"""Writes the generated parts of the pages again: what stands between `<!-- made: NAME -->` and `<!-- end -->`.

`python -m docs.build` writes, `--check` says which pages differ and exits with 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from docs import tables
from docs.blocks import pages

_PART = re.compile(r"(<!-- made: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

MADE: dict[str, Callable[[], str]] = {
    "pipeline-keys": tables.pipeline_keys,
    "task-keys": tables.task_keys,
    "template-keys": tables.template_keys,
    "operators": tables.operators,
    "project-keys": tables.project_keys,
    "task-states": tables.task_states,
    "run-states": tables.run_states,
    "task-moves": tables.task_moves,
    "trigger-rules": tables.trigger_rules,
    "codes": tables.codes,
    "commands": tables.commands,
}


def renewed(page: Path) -> str:
    """The page's text with its generated parts made anew."""

    def part(match: re.Match[str]) -> str:
        return f"{match[1]}\n{MADE[match['name']]().rstrip()}\n\n{match[3]}"

    return _PART.sub(part, page.read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    stale = [page for page in pages() if renewed(page) != page.read_text(encoding="utf-8")]
    for page in stale:
        sys.stdout.write(f"{page}\n")
        if "--check" not in arguments:
            page.write_text(renewed(page), encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
=======
"""Writes the pages that are made from the code's own tables: `python -m docs.build` from the root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from yamldag.plan import state
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


def main() -> None:
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    known = reasons()
    made = {REFERENCE / "diagnostics" / f"{code}.md": _code_page(CODES[code], known[code]) for code in CODES}
    return made | {REFERENCE / "diagnostics.md": _index(), REFERENCE / "states.md": _states()}


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
        for path in sorted(one for one in folder.iterdir() if one.is_file()):
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
            f"| [{code.code}](diagnostics/{code.code}.md) | {code.name} | {code.severity} | {code.summary} |"
            for code in CODES.values()
            if code.code[2] == digit
        ]
        lines.append(
            f"## {room}\n\n| code | name | severity | reported when |\n|---|---|---|---|\n" + "\n".join(rows)
        )
    return "\n\n".join(lines) + "\n"


# States


def _states() -> str:
    parts = [
        "# States",
        MADE,
        "A task, a run and an attempt are each in exactly one state. What leads from one to the next is a table\n"
        "in `yamldag/plan/state.py`; the database accepts no other move. `clear` leads from every state back to\n"
        "the first one and is left out of the diagrams.",
        *_table("Tasks", state.TASK_MEANINGS, state.TASK_MOVES, state.FINAL),
        *_table("Runs", state.RUN_MEANINGS, state.RUN_MOVES, state.RUN_FINAL),
        *_table("Attempts", state.ATTEMPT_MEANINGS, state.ATTEMPT_MOVES, state.ATTEMPT_FINAL),
    ]
    return "\n\n".join(parts) + "\n"


def _table(
    title: str, meanings: Mapping[Any, str], moves: Mapping[Any, Any], final: frozenset[Any]
) -> Iterator[str]:
    yield f"## {title}"
    rows = [f"| `{one}` | {words} | {'yes' if one in final else ''} |" for one, words in meanings.items()]
    yield "| state | what is true in it | final |\n|---|---|---|\n" + "\n".join(rows)
    yield "```mermaid\n" + state.mermaid(moves).rstrip() + "\n```"
    yield "| from | event | to |\n|---|---|---|\n" + "\n".join(_moves(moves))


def _moves(moves: Mapping[tuple[StrEnum, state.Event], StrEnum]) -> Iterator[str]:
    for (source, event), target in moves.items():
        if event is not state.Event.CLEAR:
            yield f"| `{source}` | {event} | `{target}` |"


if __name__ == "__main__":
    main()
>>>>>>> words
