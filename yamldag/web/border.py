"""Where a mistake of ours in a page ends: the scheduler beside it goes on, and a log says what happened."""

from __future__ import annotations

import sys
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from yamldag.bug import write_log
from yamldag.store.patience import Away

Page = Callable[[Request], Response]


def bordered(page: Page) -> Page:
    """The page, and in place of a traceback a few words. The one place of the pages that catches everything."""

    def shown(request: Request) -> Response:
        try:
            return page(request)
        except Away as away:
            return PlainTextResponse(f"the database is away: {away}\n", 503)
        except Exception as problem:
            return _our_bug(request, problem)

    return shown


def _our_bug(request: Request, problem: Exception) -> Response:
    log = write_log(f"page: {request.url.path!a}", problem)
    page = request.url.path.encode("ascii", "replace").decode()[:200]
    sys.stderr.write(f"yamldag serve: {page!r} can't be shown; please report this bug with its log: {log}\n")
    return PlainTextResponse(
        "this page can't be shown: a bug in yamldag, and the terminal names its log\n", 500
    )
