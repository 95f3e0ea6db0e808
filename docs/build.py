"""Writes again what is generated: the pages of `docs.codes` as a whole, and in the others what stands between
`<!-- made: NAME -->` and `<!-- end -->`.

`python -m docs.build` writes, `--check` says which pages differ and exits with 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from docs import codes, tables
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
    wanted = {page: renewed(page) for page in pages() if page not in codes.pages()} | codes.pages()
    stale = [
        page for page, text in wanted.items() if not page.exists() or page.read_text(encoding="utf-8") != text
    ]
    for page in stale:
        sys.stdout.write(f"{page}\n")
        if "--check" not in arguments:
            page.write_text(wanted[page], encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
