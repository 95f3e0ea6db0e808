"""The table of routes: all that can be asked for. Each file of pages and of the API ends with its own."""

from __future__ import annotations

from yamldag.web import hook, metrics
from yamldag.web.api import backfills, files, logs, openapi, people, pipelines, pools, runs, tasks, webhooks
from yamldag.web.pages import (
    about,
    acting,
    again,
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
    pipeline,
    playground,
    run,
    run_list,
    search,
    site_files,
    trigger,
)
from yamldag.web.pages import (
    people as accounts,
)
from yamldag.web.pages import (
    pools as pool_list,
)
from yamldag.web.route import Table

TABLE = Table(
    (
        *home.ROUTES,
        *pipeline.ROUTES,
        *run_list.ROUTES,
        *run.ROUTES,
        *attempt.ROUTES,
        *log.ROUTES,
        *acting.ROUTES,
        *again.ROUTES,
        *trigger.ROUTES,
        *backfill.ROUTES,
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
        *pipelines.ROUTES,
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
