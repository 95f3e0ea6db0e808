"""What is wrong with the project's files, and how the scheduler is."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from yamldag.syntax.report.machine import as_json
from yamldag.web.api.shapes import ref
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.health import in_full
from yamldag.web.route import Doc, Kind, Route


def diagnostics(ask: Ask) -> Response:
    """As `yamldag validate --json` tells them: of the files as the scheduler has read them last."""
    status = ask.site.board.status
    found = [each for broken in status.broken for each in broken.found]
    files = {known.path for known in status.pipelines.values()} | {broken.path for broken in status.broken}
    return JSONResponse(as_json(len(files), len(status.pipelines), found))


def health(ask: Ask) -> Response:
    """This answers 200 as long as it can be asked: a program reads `healthy`."""
    return JSONResponse(in_full(ask.site, ask.now))


ROUTES = (
    Route(
        "api_diagnostics", "GET", "/api/v1/diagnostics", diagnostics, Role.VIEWER, Kind.API,
        doc=Doc("What is wrong with the project's files", ref("Diagnostics")),
    ),
    Route(
        "api_health", "GET", "/api/v1/health", health, Role.VIEWER, Kind.API,
        doc=Doc("How the scheduler is", ref("Health")),
    ),
)  # fmt: skip
