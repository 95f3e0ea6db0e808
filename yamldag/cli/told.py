"""The notifications of a run, as `yamldag logs RUN --notifications` shows them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def show(run: str, rows: Sequence[dict[str, Any]], form: str) -> None:
    """Each call with what came of it and what it wrote, in the order in which they were made."""
    if form == "json":
        from yamldag.cli.options import print_json

        print_json(rows)
    elif not rows:
        sys.stderr.write(f"run {run} has told nobody of anything\n")
    for row in rows if form == "text" else ():
        sys.stdout.write(_text(row))


def _text(row: dict[str, Any]) -> str:
    label = row["task"] or ""
    label += "" if row["map_index"] is None else f"[{row['map_index']}]"
    label += f", attempt {row['attempt']}" if row["attempt"] else ""
    title = row["cause"] + (f" of {label}" if label else "") + f" by {row['operator']}: {row['state']}"
    why = f", {row['message']}" if row["message"] else ""
    lines = "".join(f"  {line}\n" for line in row["log"].splitlines())
    return f"{title}{why}\n{lines}"
