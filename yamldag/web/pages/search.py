"""Search: a pipeline, a run or a diagnostic's code, by what somebody has typed."""

from __future__ import annotations

import re

from starlette.responses import Response

from yamldag.store import views
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import PATTERNS, Kind, Route

_MOST = 50


def search(ask: Ask) -> Response:
    """What is the one that is meant opens at once."""
    text = ask.query("q").strip()[:200]
    pipelines = sorted(ask.site.board.status.pipelines)
    if text in pipelines:
        return ask.to(f"/pipelines/{text}")
    if re.fullmatch(PATTERNS["run"], text):
        with ask.site.reading() as db:
            if views.one_run(db, text) is not None:
                return ask.to(f"/runs/{text}")
    found = [name for name in pipelines if text and text.lower() in name.lower()]
    return ask.page("search.html", text=text, found=found[:_MOST], more=max(0, len(found) - _MOST))


ROUTES = (Route("search", "GET", "/search", search, Role.VIEWER, Kind.PAGE),)
