"""A run: its tasks, and what one of them wrote."""

from __future__ import annotations

from starlette.responses import Response

from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages.run_page import run_page
from yamldag.web.route import Kind, Route


def run(ask: Ask) -> Response:
    query = dict(ask.request.query_params)
    with ask.site.reading() as db:
        found = run_page(db, ask.path["run"], query, ask.site.board.status, ask.site.logs, ask.now)
    return ask.missing() if found is None else ask.page("run.html", **found)


ROUTES = (Route("run", "GET", "/runs/{run}", run, Role.VIEWER, Kind.PAGE),)
