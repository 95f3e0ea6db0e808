"""The audit log: who did what, when, and how it went."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from starlette.responses import Response

from yamldag.store import search
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import PATTERNS, Kind, Route

_LISTED = 100


def audit(ask: Ask) -> Response:
    chosen = {name: ask.query(name).strip()[:500] for name in ("who", "action", "of")}
    wanted = {"who": chosen["who"], "action": chosen["action"], "object": chosen["of"]}
    before = ask.number("before", 0, 10**18)
    with ask.site.reading() as db:
        rows = search.deeds(db, _LISTED + 1, before or None, wanted)
        actions = search.actions(db)
    given = {name: value for name, value in chosen.items() if value}
    following = (
        f"/audit?{urlencode({**given, 'before': rows[_LISTED - 1]['id']})}" if len(rows) > _LISTED else ""
    )
    shown = [_deed(row) for row in rows[:_LISTED]]
    told = {
        "deeds": shown,
        "chosen": chosen,
        "filtered": bool(given),
        "actions": actions,
        "following": following,
    }
    return ask.page("audit.html", **told)


def _deed(row: sa.RowMapping) -> dict[str, Any]:
    detail = json.loads(row["detail"])
    told = ", ".join(
        f"{name} {_word(value)}" for name, value in detail.items() if value not in (False, None, [])
    )
    action, of, outcome = row["action"], row["object"], row["outcome"] or ""
    return {**row, "detail": told, "link": _link(action, of), "made": _made(action, outcome)}


def _word(value: Any) -> str:
    return "" if value is True else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _link(action: str, of: str) -> str:
    """Where it is shown what was done to."""
    kind = action.partition(".")[0]
    if action in ("run.trigger", "backfill.create") or kind == "pipeline":
        return f"/pipelines/{of}"
    if kind == "backfill":
        return f"/runs?backfill={of}"
    return f"/runs/{of}" if kind == "run" else ""


def _made(action: str, outcome: str) -> str:
    """Where what was made by it is shown: its id is the outcome."""
    if not re.fullmatch(PATTERNS["run"], outcome):
        return ""
    made = {"run.trigger": "/runs/{}", "webhook": "/runs/{}", "backfill.create": "/runs?backfill={}"}
    return made.get(action, "").format(outcome)


ROUTES = (Route("audit", "GET", "/audit", audit, Role.ADMIN, Kind.PAGE),)
