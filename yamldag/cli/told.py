"""The notifications of a run, as `yamldag logs RUN --notifications` shows them."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.compile.project import Project


def show(db: sa.Connection, run: sa.RowMapping, project: Project, form: str) -> None:
    """Each call with what came of it and what it wrote, in the order in which they were made."""
    rows = _rows(db, run, project)
    if form == "json":
        from yamldag.cli.options import print_json

        print_json(rows)
    elif not rows:
        sys.stderr.write(f"run {run['id']} has told nobody of anything\n")
    for row in rows if form == "text" else ():
        sys.stdout.write(_text(row))


def _rows(db: sa.Connection, run: sa.RowMapping, project: Project) -> list[dict[str, Any]]:
    from yamldag.engine import times
    from yamldag.engine.loop.outbox import FOLDER
    from yamldag.store import views

    text = views.plan(db, run["version"]) if run["version"] else None
    plan = json.loads(text) if text else {"tasks": []}
    tasks = {task["id"]: task for task in plan["tasks"]}
    folder = os.path.join(project.state_folder, "logs", run["id"], FOLDER)
    return [
        {
            "cause": f"on_{row['cause']}",
            "task": row["task"],
            "map_index": None if row["map_index"] is None or row["map_index"] < 0 else row["map_index"],
            "attempt": row["number"],
            "position": row["position"],
            "operator": _operator(tasks.get(row["task"], plan), row["cause"], row["position"]),
            "state": row["state"],
            "message": row["message"],
            "created_at": times.shown(row["created"]),
            "ended_at": times.shown(row["ended"]),
            "log": _log(os.path.join(folder, f"{row['id']}.log")),
        }
        for row in views.notifications(db, run["id"])
    ]


def _operator(of: dict[str, Any], cause: str, position: int) -> str | None:
    calls = of.get(f"on_{cause}") or []
    return str(calls[position]["operator"]) if position < len(calls) else None


def _log(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""  # it wrote nothing, or never started


def _text(row: dict[str, Any]) -> str:
    label = row["task"] or ""
    label += "" if row["map_index"] is None else f"[{row['map_index']}]"
    label += f", attempt {row['attempt']}" if row["attempt"] else ""
    title = row["cause"] + (f" of {label}" if label else "") + f" by {row['operator']}: {row['state']}"
    why = f", {row['message']}" if row["message"] else ""
    lines = "".join(f"  {line}\n" for line in row["log"].splitlines())
    return f"{title}{why}\n{lines}"
