"""Home: what is wrong, what runs, what comes next."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import records
from yamldag.web.route import Kind, Route

_LISTED = 100
"""Pipelines that a page lists."""


def home(ask: Ask) -> Response:
    now, status = ask.now, ask.site.board.status
    with ask.site.reading() as db:
        lines = records.pipeline_lines(db, status, now)
        running = records.open_lines(db, status, now)
        troubles = records.troubles(db, lines, status, ask.site.logs)
    upcoming = sorted((line for line in lines if line.due), key=lambda line: (line.due, line.name))[:6]
    pages = max(1, -(-len(lines) // _LISTED))
    page = ask.number("page", most=pages)
    listed = lines[(page - 1) * _LISTED : page * _LISTED]
    shown: dict[str, Any] = {"lines": lines, "running": running, "troubles": troubles, "upcoming": upcoming}
    return ask.page("home.html", listed=listed, page=page, pages=pages, **shown)


ROUTES = (Route("home", "GET", "/", home, Role.VIEWER, Kind.PAGE, place="Home", keys="g h"),)
