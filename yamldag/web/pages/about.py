"""About this installation: versions, settings and where each came from; connections and secrets by name."""

from __future__ import annotations

import json
import platform
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from yamldag import __version__
from yamldag.engine.asking.secrets import connection_rows, secret_rows
from yamldag.store import circumstances
from yamldag.store.drivers.urls import without_password
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import Kind, Route


def about(ask: Ask) -> Response:
    settings = [
        {"name": each.name, "value": _value(each.name, each.value), "origin": each.origin}
        for each in ask.site.project.settings()
    ]
    with ask.site.reading() as db:
        schedulers = circumstances.schedulers(db)
        database = ".".join(map(str, db.dialect.server_version_info or ()))
        kind = db.dialect.name
    return ask.page(
        "about.html",
        settings=settings,
        schedulers=schedulers,
        versions={
            "yamldag": __version__,
            "Python": platform.python_version(),
            "database": f"{kind} {database}".strip(),
            "SQLAlchemy": sa.__version__,
            "system": f"{platform.system()} {platform.machine()}",
        },
    )


def connections(ask: Ask) -> Response:
    """Where each leads and whether it can be resolved here, without anything that signs in."""
    project, keys = ask.site.project, ask.site.keys()
    rows = {"connections": connection_rows(project, keys), "secrets": secret_rows(project, keys)}
    return ask.page("connections.html", **rows)


def _value(name: str, value: Any) -> str:
    if name == "database":
        return without_password(str(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


ROUTES = (
    Route("about", "GET", "/about", about, Role.VIEWER, Kind.PAGE, place="More", keys="g m"),
    Route("connections", "GET", "/connections", connections, Role.VIEWER, Kind.PAGE),
)
