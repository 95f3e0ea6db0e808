"""How pages look to one viewer: the zone of times, light or dark, keys. Kept in their browser."""

from __future__ import annotations

from starlette.responses import Response

from yamldag.web.ask import Ask, local_path
from yamldag.web.auth.roles import Role
from yamldag.web.frame import KEYS, THEME, THEMES, ZONE, is_zone
from yamldag.web.route import Kind, Route

_YEAR = 365 * 24 * 3600


def choose(ask: Ask) -> Response:
    given = ask.form()
    answer = ask.to(local_path(given.get("back", "")))
    good = {
        ZONE: is_zone(given.get("zone", "")),
        THEME: given.get("theme") in (*THEMES, "system"),
        KEYS: given.get("keys") in ("on", "off"),
    }
    for cookie, fine in good.items():
        if fine:
            value = given[cookie.removeprefix("yamldag-")]
            secure = ask.site.address.scheme == "https"
            answer.set_cookie(cookie, value, max_age=_YEAR, path="/", secure=secure, samesite="lax")
    return answer


ROUTES = (Route("look", "POST", "/look", choose, Role.PUBLIC, Kind.ACTION),)
