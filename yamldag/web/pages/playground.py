"""The playground: YAML as one types it, with its mistakes under the words and its graph beside it."""

from __future__ import annotations

import atexit
import re
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response

from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.playground.checker import Busy, Checker, Known
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
    return _answer(lambda: _checker.check(_text(ask), _known(ask)))


def complete(ask: Ask) -> Response:
    """What may be written at a place of the text."""
    return _answer(lambda: _checker.complete(_text(ask), _at(ask), _known(ask)))


def explain(ask: Ask) -> Response:
    """What the word at a place of the text means."""
    return _answer(lambda: _checker.explain(_text(ask), _at(ask), _known(ask)))


def _answer(asked: Callable[[], dict[str, Any]]) -> Response:
    try:
        return JSONResponse(asked())
    except Busy:
        return JSONResponse({"problem": "others have theirs checked just now"}, 503, {"retry-after": "1"})


def _text(ask: Ask) -> str:
    return ask.form().get("text", "").replace("\r\n", "\n")


def _at(ask: Ask) -> int:
    """The place, in code points of the text; what is no number is its begin."""
    given = ask.form().get("at", "")
    return int(given) if re.fullmatch("[0-9]{1,7}", given) else 0


def _known(ask: Ask) -> Known:
    """What the project declares that a text may name: never more of it than its name, and how many slots a pool has."""
    project = ask.site.project
    connections = dict.fromkeys(sorted(project.connections))
    known = {"connections": connections, "secrets": sorted(project.secrets), "pools": project.pools}
    return {name: given for name, given in known.items() if given}


_PATH = "/playground"

ROUTES = (
    Route("playground", "GET", _PATH, playground, Role.OPERATOR, Kind.PAGE, place="Playground", keys="g y"),
    Route("playground_check", "POST", f"{_PATH}/check", check, Role.OPERATOR, Kind.ACTION),
    Route("playground_complete", "POST", f"{_PATH}/complete", complete, Role.OPERATOR, Kind.ACTION),
    Route("playground_explain", "POST", f"{_PATH}/explain", explain, Role.OPERATOR, Kind.ACTION),
)
