"""The pages: what runs, what is wrong, what comes next. Read only."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from yamldag import __version__, shipped
from yamldag.engine.schedule.known import Known
from yamldag.engine.status import Board
from yamldag.plan.pipeline import Plan
from yamldag.render.style import sheet
from yamldag.render.svg import picture
from yamldag.store import overview, views
from yamldag.store.address import reading
from yamldag.syntax.report.text import draw
from yamldag.web import looks, records, words
from yamldag.web.border import bordered
from yamldag.web.guard import Guard
from yamldag.web.run_page import run_page

_PIPELINE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,199}")
_RUN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,119}")
_FILES = {"ui.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}
_LISTED = 100
"""Pipelines that a page lists."""
_RUNS = 30
"""Runs that a pipeline's page lists."""


def application(
    board: Board, database: str, folder: Path, port: int, clock: Callable[[], float] = time.time
) -> ASGIApp:
    """All pages, behind the guard. `folder`: the project's `.yamldag`."""
    pages = Pages(board, database, folder, clock)
    routes = [
        Route("/", bordered(pages.home)),
        Route("/pipelines/{name}", bordered(pages.pipeline)),
        Route("/runs/{name}", bordered(pages.run)),
        Route("/health", bordered(pages.health)),
        Route("/static/{name}", bordered(pages.static)),
    ]
    missing = {404: pages.missing}
    return Guard(Starlette(routes=routes, exception_handlers=missing), port)


class Pages:
    """Each page of one function, called in a thread of its own."""

    def __init__(self, board: Board, database: str, folder: Path, clock: Callable[[], float]) -> None:
        self.board = board
        self.logs = folder / "logs"
        self.clock = clock
        self._engine = reading(database)
        self._templates = _environment()

    def home(self, request: Request) -> Response:
        now, status = self.clock(), self.board.status
        with self._engine.connect() as db:
            lines = records.pipeline_lines(db, status, now)
            running = records.open_lines(db, status, now)
            troubles = records.troubles(db, lines, status, self.logs)
        upcoming = sorted((line for line in lines if line.due), key=lambda line: (line.due, line.name))[:6]
        pages = max(1, -(-len(lines) // _LISTED))
        page = min(_number(request.query_params.get("page", "")), pages)
        listed = lines[(page - 1) * _LISTED : page * _LISTED]
        shown: dict[str, Any] = {
            "lines": lines,
            "running": running,
            "troubles": troubles,
            "upcoming": upcoming,
        }
        return self._page("home.html", listed=listed, page=page, pages=pages, **shown)

    def pipeline(self, request: Request) -> Response:
        name = request.path_params["name"]
        status, now = self.board.status, self.clock()
        known = status.pipelines.get(name) if _PIPELINE.fullmatch(name) else None
        if known is None:
            return self.missing(request)
        with self._engine.connect() as db:
            rows = views.runs(db, name, limit=_RUNS)
            states = _states(db, rows[0]["id"]) if rows else {}
        return self._page(
            "pipeline.html",
            known=known,
            line=records.pipeline_line(known, rows[: records.BARS], status, now),
            runs=[records.run_line(row, known, now) for row in rows],
            graph=_graph(known, tuple(sorted(states.items()))),
            refused=draw(known.refused, colour=False) if known.refused else "",
        )

    def run(self, request: Request) -> Response:
        name = request.path_params["name"]
        if not _RUN.fullmatch(name):
            return self.missing(request)
        with self._engine.connect() as db:
            found = run_page(db, name, dict(request.query_params), self.board.status, self.logs, self.clock())
        return self.missing(request) if found is None else self._page("run.html", **found)

    def health(self, _: Request) -> Response:
        status, now = self.board.status, self.clock()
        healthy = status.healthy(now)
        told = {
            "healthy": healthy,
            "version": __version__,
            "stopping": status.stopping,
            "since_last_turn_s": round(now - status.turned, 3),
            "up_s": round(now - status.began, 1),
            "running_tasks": status.running,
            "slots": status.slots,
            "schedulers": status.schedulers,
            "leads": status.leads,
            "waiting_runs": status.queued,
            "tick_lag_s": round(status.late, 3),
            "pipelines": len(status.pipelines),
            "broken_files": len(status.broken),
        }
        return JSONResponse(told, 200 if healthy else 503)

    def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name == "graph.css":
            return Response(sheet(), media_type="text/css")
        if name not in _FILES:
            return self.missing(request)
        with open(shipped.path("templates", "web", name), "rb") as file:
            return Response(file.read(), media_type=_FILES[name])

    def missing(self, _: Request, __: object = None) -> Response:
        """Nothing is there; also for names that could not be."""
        return self._page("missing.html", 404)

    def _page(self, template: str, status_code: int = 200, **values: Any) -> Response:
        status, now = self.board.status, self.clock()
        shared = {"status": status, "now": now, "healthy": status.healthy(now), "version": __version__}
        return HTMLResponse(self._templates.get_template(template).render(shared | values), status_code)


def _environment() -> Environment:
    loader = FileSystemLoader(shipped.path("templates", "web"))
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.update(
        word=looks.word, task_word=looks.task_word, sprite=looks.sprite(), counted=words.counted, span=words.span,
        about=words.about, size=words.size, utc=records.utc,
    )  # fmt: skip
    return made


def _number(text: str) -> int:
    return int(text) if re.fullmatch("[1-9][0-9]{0,5}", text) else 1


def _states(db: sa.Connection, run: str) -> dict[str, str]:
    """One state for each task of a run: of a mapped one that of its worst instance, as far as it is."""
    order = ("failed", "upstream_failed", "running", "queued", "scheduled", "up_for_retry", "none", "success")
    found: dict[str, str] = {}
    for row in overview.task_states(db, run):
        both = [row.state, found.get(row.task, row.state)]
        found[row.task] = min(both, key=lambda state: order.index(state) if state in order else len(order))
    return found


def _graph(known: Known, states: tuple[tuple[str, str], ...]) -> Markup:
    return _drawn(known.version, _Hidden(known.plan), states)


class _Hidden:
    """A plan that plays no part in a cache's key: its version stands for it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=64)
def _drawn(_: str, hidden: _Hidden, states: tuple[tuple[str, str], ...]) -> Markup:
    return Markup(picture(hidden.plan, dict(states) if states else None)[0])  # noqa: S704  (it escapes all that it is given)
