"""The table of routes: all that can be asked for. Each file of pages and of the API ends with its own."""

from __future__ import annotations

from yamldag.web.api import openapi, runs
from yamldag.web.api import pipelines as api_pipelines
from yamldag.web.pages import acting, home, live, login, look, pipelines, run, search, site_files
from yamldag.web.pages.pipeline import calendar, code, durations, gantt, graph, grid, ticks
from yamldag.web.route import Table

TABLE = Table(
    (
        *home.ROUTES,
        *pipelines.ROUTES,
        *grid.ROUTES,
        *graph.ROUTES,
        *gantt.ROUTES,
        *calendar.ROUTES,
        *durations.ROUTES,
        *code.ROUTES,
        *ticks.ROUTES,
        *run.ROUTES,
        *acting.ROUTES,
        *search.ROUTES,
        *login.ROUTES,
        *look.ROUTES,
        *site_files.ROUTES,
        *live.ROUTES,
        *runs.ROUTES,
        *api_pipelines.ROUTES,
        *openapi.ROUTES,
    )
)
