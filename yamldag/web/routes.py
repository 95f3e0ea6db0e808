"""The table of routes: all that can be asked for. Each file of pages and of the API ends with its own."""

from __future__ import annotations

from yamldag.web import hook, metrics
from yamldag.web.api import approvals as api_approvals
from yamldag.web.api import backfills, files, logs, openapi, people, pools, runs, secrets, tasks, webhooks
from yamldag.web.api import pipelines as api_pipelines
from yamldag.web.pages import (
    about,
    acting,
    again,
    approvals,
    assets,
    attempt,
    audit,
    backfill,
    elsewhere,
    home,
    live,
    log,
    login,
    look,
    pipelines,
    playground,
    run,
    run_list,
    search,
    site_files,
    trigger,
)  # fmt: skip
from yamldag.web.pages import backfills as backfill_list
from yamldag.web.pages import people as accounts
from yamldag.web.pages import pools as pool_list
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
        *run_list.ROUTES,
        *run.ROUTES,
        *attempt.ROUTES,
        *log.ROUTES,
        *acting.ROUTES,
        *again.ROUTES,
        *approvals.ROUTES,
        *trigger.ROUTES,
        *backfill.ROUTES,
        *backfill_list.ROUTES,
        *audit.ROUTES,
        *playground.ROUTES,
        *assets.ROUTES,
        *pool_list.ROUTES,
        *accounts.ROUTES,
        *about.ROUTES,
        *search.ROUTES,
        *login.ROUTES,
        *elsewhere.ROUTES,
        *look.ROUTES,
        *site_files.ROUTES,
        *live.ROUTES,
        *api_pipelines.ROUTES,
        *runs.ROUTES,
        *tasks.ROUTES,
        *api_approvals.ROUTES,
        *logs.ROUTES,
        *backfills.ROUTES,
        *pools.ROUTES,
        *secrets.ROUTES,
        *files.ROUTES,
        *people.ROUTES,
        *webhooks.ROUTES,
        *openapi.ROUTES,
        *hook.ROUTES,
        *metrics.ROUTES,
    )
)
