"""The table of routes: all that can be asked for. Each file of pages and of the API ends with its own."""

from __future__ import annotations

from yamldag.web.api import openapi, pipelines, runs
from yamldag.web.pages import acting, attempt, home, live, log, login, look, pipeline, run, search, site_files
from yamldag.web.route import Table

TABLE = Table(
    (
        *home.ROUTES,
        *pipeline.ROUTES,
        *run.ROUTES,
        *attempt.ROUTES,
        *log.ROUTES,
        *acting.ROUTES,
        *search.ROUTES,
        *login.ROUTES,
        *look.ROUTES,
        *site_files.ROUTES,
        *live.ROUTES,
        *runs.ROUTES,
        *pipelines.ROUTES,
        *openapi.ROUTES,
    )
)
