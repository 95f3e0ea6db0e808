"""Where a mistake of ours in a page ends: the scheduler beside it goes on, and a log says what happened."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from yamldag import __version__

Page = Callable[[Request], Response]


def bordered(page: Page) -> Page:
    """The page, and in place of a traceback a few words. The one place of the pages that catches everything."""

    def shown(request: Request) -> Response:
        try:
            return page(request)
        except Exception as problem:
            return _our_bug(request, problem)

    return shown


def _our_bug(request: Request, problem: Exception) -> Response:
    with tempfile.NamedTemporaryFile("w", prefix="yamldag-bug-", suffix=".log", delete=False) as log:
        log.write(f"yamldag {__version__}, Python {sys.version}\npage: {request.url.path}\n\n")
        traceback.print_exception(problem, file=log)
    page = request.url.path.encode("ascii", "replace").decode()[:200]
    sys.stderr.write(
        f"yamldag serve: {page!r} can't be shown; please report this bug with its log: {log.name}\n"
    )
    return PlainTextResponse(
        "this page can't be shown: a bug in yamldag, and the terminal names its log\n", 500
    )
