"""One request, as a handler gets it: who asks, for what, and the ways to answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from yamldag.store.audit import Deed
from yamldag.web.auth.who import NOBODY, Who
from yamldag.web.problem import problem
from yamldag.web.route import Kind, Route
from yamldag.web.site import Site

__all__ = ["Ask", "is_for_programs", "local_path", "problem"]

_LOCAL = re.compile(r"/(?!/)[A-Za-z0-9_.~/@-]*(?:\?[A-Za-z0-9_.~&=%+:,\[\]@-]*)?")


@dataclass(frozen=True, slots=True)
class Ask:
    site: Site
    request: Request
    route: Route | None
    """None: there is no such route, and this is how that is told."""
    who: Who = NOBODY
    body: bytes = b""
    since: int | None = None
    """The number of an event that had happened, with all before it, when it was asked; None: nobody has looked."""

    # What is asked

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self.site.clock()

    @property
    def path(self) -> Mapping[str, str]:
        """The parts of the path, each of its pattern."""
        return self.request.path_params

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def number(self, name: str, default: int = 1, most: int = 999_999) -> int:
        """A whole number from 1 on of the query; what is none counts as not given."""
        text = self.query(name)
        return min(int(text), most) if re.fullmatch("[1-9][0-9]{0,8}", text) else default

    def form(self) -> dict[str, str]:
        """The fields that a page's form has sent; of those with one name the last."""
        if not self.request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {}
        return dict(
            parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)
        )

    def json(self) -> Any:
        """The body as JSON; an empty one is null. Raises ValueError."""
        if not self.body.strip():
            return None
        found = json.loads(self.body)
        if (
            b"\\ud" in self.body.lower()
        ):  # half a character can be written so, and never be stored or answered
            json.dumps(found, ensure_ascii=False).encode()
        return found

    @property
    def address(self) -> str:
        """Where it came from."""
        return self.request.client.host if self.request.client else ""

    def deed(self, action: str, target: str, **detail: Any) -> Deed:
        """What is done by this request, for the audit log."""
        return Deed(self.who.name, self.who.via, self.address, action, target, detail)

    # What is answered

    def page(self, template: str, status_code: int = 200, /, **values: Any) -> Response:
        """A page of that template, which may speak of `values` and of what the frame gives."""
        text = self.site.frame.page(
            template,
            request=self.request,
            who=self.who,
            status=self.site.board.status,
            now=self.now,
            since=self.since,
            values=values,
        )
        return HTMLResponse(text, status_code)

    def missing(self) -> Response:
        """There is nothing of that name."""
        return self.failed(404, "There is nothing here", "It may have been taken away, or the link is old.")

    def failed(
        self, status: int, title: str, words: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """An error as whoever asks reads it: a page or, for programs, problem+json."""
        if is_for_programs(self.request, self.route):
            return problem(status, title, words, headers)
        answer = self.page("problem.html", status, title=title, words=words)
        answer.headers.update(headers or {})
        return answer

    def to(self, path: str, **query: str) -> Response:
        """Go there: after an action."""
        return RedirectResponse(path + (f"?{urlencode(query)}" if query else ""), 303)


def is_for_programs(request: Request, route: Route | None) -> bool:
    if route is not None:
        return route.kind in (Kind.API, Kind.STREAM, Kind.PROBE, Kind.HOOK)
    return request.url.path.startswith("/api/")


def local_path(text: str, default: str = "/") -> str:
    """A path of this site, for a way back that a browser was given; what might lead elsewhere is the default."""
    return text if len(text) < 2000 and _LOCAL.fullmatch(text) else default
