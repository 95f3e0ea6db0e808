"""A route: what may be asked for, by whom. There is none without a role."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from yamldag.web.auth.roles import Role

Handler = Callable[[Any], Any]
"""From an `Ask`, which knows its route, to a response."""
Schema = Mapping[str, Any]


class Kind(StrEnum):
    """What a route answers by, and how it refuses."""

    PAGE = "page"
    """HTML for a person, by GET."""
    ACTION = "action"
    """A form that a page sends, by POST; it answers by sending the browser to a page."""
    API = "api"
    """JSON for a program."""
    STREAM = "stream"
    """Events, for as long as somebody listens. Its handler is a coroutine; all others run in a thread."""
    STATIC = "static"
    """Style sheets, scripts, pictures."""
    PROBE = "probe"
    """What machines ask for that are no clients of the API: health, metrics."""
    HOOK = "hook"
    """A message of another system, by POST. Who sends it is known by its signature alone."""


PATTERNS = {
    "pipeline": r"[A-Za-z_][A-Za-z0-9_-]{0,199}",
    "run": r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,119}",
    "name": r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,199}",
    "number": r"[0-9]{1,18}",
}
"""What may stand in a path, by the name that it has there. What is anything else (tasks, assets) goes into the
query. None begins with a dot, and none has a slash."""

_PART = re.compile(r"\{([^{}]*)\}")
_METHODS = {
    Kind.PAGE: {"GET"},
    Kind.ACTION: {"POST"},
    Kind.API: {"GET", "POST", "PUT", "PATCH", "DELETE"},
    Kind.STREAM: {"GET"},
    Kind.STATIC: {"GET"},
    Kind.PROBE: {"GET"},
    Kind.HOOK: {"POST"},
}


@dataclass(frozen=True, slots=True)
class Doc:
    """What the OpenAPI document says of a route of the API; requests are checked by it."""

    summary: str
    answer: Schema
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    status: int = 200
    keyed: bool = True
    """Whether a POST of it takes an `Idempotency-Key`: not if what it takes or gives is a secret, for answers are
    kept."""


@dataclass(frozen=True, slots=True)
class Route:
    """One path, one method, one handler. Raises ValueError for one that could not be kept closed."""

    name: str
    method: str
    path: str
    handler: Handler
    role: Role
    kind: Kind
    place: str | None = None
    """Its word among the places of the top bar."""
    keys: str | None = None
    """What leads there from everywhere, like `g h`."""
    doc: Doc | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.role, Role):
            raise ValueError(f"the route {self.name} has no role")
        if self.method not in _METHODS[self.kind]:
            raise ValueError(f"the route {self.name} is a {self.kind}, which has no {self.method}")
        unknown = [part for part in _PART.findall(self.path) if part not in PATTERNS]
        if unknown or not self.path.startswith("/"):
            raise ValueError(f"the path of the route {self.name} has parts of no known pattern: {unknown}")
        below = self.path.startswith("/api/")
        if (
            below != bool(self.doc)
            or below < (self.kind is Kind.API)
            or below > (self.kind in (Kind.API, Kind.STREAM))
        ):
            raise ValueError(f"the route {self.name}: what is below /api/ is documented, and nothing else is")

    @property
    def pattern(self) -> re.Pattern[str]:
        return _pattern(self.path)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(_PART.findall(self.path))


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PART.sub(lambda part: f"(?P<{part[1]}>{PATTERNS[part[1]]})", path))


@dataclass(frozen=True, slots=True)
class Table:
    """All routes. Raises ValueError if two of them are one."""

    routes: tuple[Route, ...]

    def __post_init__(self) -> None:
        names = [route.name for route in self.routes]
        ways = [(route.method, route.path) for route in self.routes]
        if len(set(names)) < len(names) or len(set(ways)) < len(ways):
            raise ValueError("two routes have one name, or one method and path")

    def methods(self, path: str) -> list[str]:
        """By which a path may be asked for."""
        found = {route.method for route in self.routes if route.pattern.fullmatch(path)}
        return sorted(found | ({"HEAD"} if "GET" in found else set()))
