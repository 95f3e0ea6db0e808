"""What somebody was to be told of a run, and what came of it, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yamldag.engine import times
from yamldag.engine.loop.outbox import FOLDER

if TYPE_CHECKING:
    import sqlalchemy as sa


def notification_rows(
    db: sa.Connection, run: sa.RowMapping, folder: Path, read: Callable[[str], str]
) -> list[dict[str, Any]]:
    """In the order in which they were made. `folder`: the project's `.yamldag`; `read` gives the text of a log."""
    from yamldag.store import views

    text = views.plan(db, run["version"]) if run["version"] else None
    plan = json.loads(text) if text else {"tasks": []}
    tasks = {task["id"]: task for task in plan["tasks"]}
    logs = folder / "logs" / run["id"] / FOLDER
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
            "log": read(str(logs / f"{row['id']}.log")),
        }
        for row in views.notifications(db, run["id"])
    ]


def _operator(of: dict[str, Any], cause: str, position: int) -> str | None:
    calls = of.get(f"on_{cause}") or []
    return str(calls[position]["operator"]) if position < len(calls) else None
