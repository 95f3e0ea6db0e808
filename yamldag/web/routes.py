"""The table of routes: all that can be asked for. Each file of pages and of the API ends with its own."""

from __future__ import annotations

from yamldag.web import hook, metrics
from yamldag.web.api import backfills, files, logs, openapi, people, pools, runs, tasks, webhooks
from yamldag.web.api import pipelines as api_pipelines
from yamldag.web.pages import acting, elsewhere, home, live, login, look, pipelines, run, search, site_files
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
        *elsewhere.ROUTES,
        *look.ROUTES,
        *site_files.ROUTES,
        *live.ROUTES,
        *api_pipelines.ROUTES,
        *runs.ROUTES,
        *tasks.ROUTES,
        *logs.ROUTES,
        *backfills.ROUTES,
        *pools.ROUTES,
        *files.ROUTES,
        *people.ROUTES,
        *webhooks.ROUTES,
        *openapi.ROUTES,
        *hook.ROUTES,
        *metrics.ROUTES,
    )
)
