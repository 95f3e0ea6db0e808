"""The playground: YAML as one types it, with its mistakes under the words and its graph beside it."""

from __future__ import annotations

import atexit

from starlette.responses import JSONResponse, Response

from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.playground.checker import Busy, Checker
from yamldag.web.route import Kind, Route

_SAMPLE = """pipeline: partner_feed
description: Prices that partners send.
schedule: "0 4 * * *"
timezone: Europe/Berlin
params:
  partner: {type: string, enum: [acme, globex], default: acme}
defaults: {retries: 2, retry_delay: 30s}
tasks:
  extract:
    bash: ./fetch.sh {{ params.partner | sh }}
    output: {rows: integer, path: string}
  check:
    needs: [extrct]
    bash: test {{ tasks.extract.output.rows }} -gt 0
  load:
    needs: check
    bash: ./load.sh {{ tasks.extract.output.path | sh }}
    timout: 10m
"""
_checker = Checker()
atexit.register(_checker.close)


def playground(ask: Ask) -> Response:
    return ask.page("playground.html", sample=_SAMPLE)


def check(ask: Ask) -> Response:
    """What the compiler says of the text. Nothing is written, and nothing of it is run."""
    try:
        return JSONResponse(_checker.check(ask.form().get("text", "").replace("\r\n", "\n")))
    except Busy:
        return JSONResponse({"problem": "others have theirs checked just now"}, 503, {"retry-after": "1"})


_PATH = "/playground"

ROUTES = (
    Route("playground", "GET", _PATH, playground, Role.OPERATOR, Kind.PAGE, place="Playground", keys="g y"),
    Route("playground_check", "POST", f"{_PATH}/check", check, Role.OPERATOR, Kind.ACTION),
)
