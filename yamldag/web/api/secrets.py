"""Connections and secrets by name, and where their values come from: never what is secret in them."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from yamldag.engine.asking.secrets import connection_rows, secret_rows
from yamldag.web.api.checked import parameter
from yamldag.web.api.paging import portion
from yamldag.web.api.shapes import PAGED, ref
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import Doc, Kind, Route


def connections(ask: Ask) -> Response:
    rows = connection_rows(ask.site.project, ask.site.keys())
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def secrets(ask: Ask) -> Response:
    rows = secret_rows(ask.site.project, ask.site.keys())
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


ROUTES = (
    Route(
        "api_connections", "GET", "/api/v1/connections", connections, Role.VIEWER, Kind.API,
        doc=Doc("Connections: where each leads, without what signs in, and whether it can be resolved on the server",
                ref("ConnectionPage"), query=PAGED),
    ),
    Route(
        "api_secrets", "GET", "/api/v1/secrets", secrets, Role.VIEWER, Kind.API,
        doc=Doc("The names of secrets, and where their values come from on the server", ref("SecretPage"), query=PAGED),
    ),
)  # fmt: skip
