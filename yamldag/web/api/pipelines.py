"""Pipelines."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from yamldag.web import acts
from yamldag.web.api.shapes import ref
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import Doc, Kind, Route


def pause(ask: Ask) -> Response:
    return _set(ask, paused=True)


def unpause(ask: Ask) -> Response:
    return _set(ask, paused=False)


def _set(ask: Ask, *, paused: bool) -> Response:
    known = ask.site.board.status.pipelines.get(ask.path["pipeline"])
    if known is None:
        return ask.missing()
    return JSONResponse({"outcome": acts.set_paused(ask, known, paused=paused)})


_NOTHING = {"type": "object", "maxProperties": 0}

ROUTES = (
    Route(
        "api_pause", "POST", "/api/v1/pipelines/{pipeline}/pause", pause, Role.OPERATOR, Kind.API,
        doc=Doc("Hold a pipeline's schedule: `paused` or `unchanged`", ref("Done"), body=_NOTHING),
    ),
    Route(
        "api_unpause", "POST", "/api/v1/pipelines/{pipeline}/unpause", unpause, Role.OPERATOR, Kind.API,
        doc=Doc("Let it go on: `unpaused` or `unchanged`", ref("Done"), body=_NOTHING),
    ),
)  # fmt: skip
