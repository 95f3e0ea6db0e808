"""Style sheets, scripts, the icon, and whether we are well."""

from __future__ import annotations

import hashlib
import os
from functools import cache

from starlette.responses import JSONResponse, Response

from yamldag import shipped
from yamldag.render.style import sheet
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.health import in_full
from yamldag.web.route import Kind, Route

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOLDER = shipped.path("templates", "web", "static")
FILES = {name: _KINDS[os.path.splitext(name)[1]] for name in sorted(os.listdir(_FOLDER))}
"""What a browser may have: all that is in that folder, and nothing that is put there later."""


def static(ask: Ask) -> Response:
    name = ask.path["name"]
    if name != "graph.css" and name not in FILES:
        return ask.missing()
    data, kind, tag = _file(name)
    headers = {"cache-control": "no-cache", "etag": tag}
    if ask.request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=kind)


@cache
def _file(name: str) -> tuple[bytes, str, str]:
    if name == "graph.css":
        data, kind = sheet().encode(), "text/css"
    else:
        with open(os.path.join(_FOLDER, name), "rb") as file:
            data, kind = file.read(), FILES[name]
    return data, kind, f'"{hashlib.sha256(data).hexdigest()[:20]}"'


def health(ask: Ask) -> Response:
    """In full for whoever may see pages; for nobody in particular whether it is well."""
    status, now = ask.site.board.status, ask.now
    healthy = status.healthy(now)
    told: dict[str, object] = in_full(ask.site, now) if ask.who.may(Role.VIEWER) else {"healthy": healthy}
    return JSONResponse(told, 200 if healthy else 503)


ROUTES = (
    Route("health", "GET", "/health", health, Role.PUBLIC, Kind.PROBE),
    Route("static", "GET", "/static/{name}", static, Role.PUBLIC, Kind.STATIC),
)
