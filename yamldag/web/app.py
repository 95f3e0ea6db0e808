"""The application: the table of routes behind their doors, behind the guard. There is no other way in."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Way
from starlette.types import ASGIApp

from yamldag.web.ask import Ask
from yamldag.web.door import Door
from yamldag.web.guard import Guard
from yamldag.web.route import PATTERNS, Route
from yamldag.web.site import Site


def application(site: Site) -> ASGIApp:
    """All routes of the site's table."""
    for name, pattern in PATTERNS.items():
        register_url_convertor(f"yamldag-{name}".replace("-", "_"), _convertor(pattern))
    ways = [_way(route, site) for route in site.table.routes]

    async def missing(request: Request, _: Exception) -> Response:
        return await run_in_threadpool(Ask(site, request, None).missing)

    async def other(request: Request, _: Exception) -> Response:
        methods = ", ".join(site.table.methods(request.url.path))
        ask = Ask(site, request, None)
        return await run_in_threadpool(
            ask.failed, 405, "Not in that way", f"It is asked for by {methods}.", {"allow": methods}
        )

    inside = Starlette(routes=ways, exception_handlers={404: missing, 405: other})
    inside.router.redirect_slashes = False
    return Guard(inside, site.address)


def _way(route: Route, site: Site) -> Way:
    path = route.path
    for name in route.parameters:
        path = path.replace(f"{{{name}}}", f"{{{name}:yamldag_{name}}}")
    return Way(path, Door(route, site), methods=[route.method], name=route.name)


def _convertor(pattern: str) -> Convertor[str]:
    class Checked(Convertor[str]):
        regex = pattern

        def convert(self, value: str) -> str:
            return value

        def to_string(self, value: str) -> str:
            return value

    return Checked()
