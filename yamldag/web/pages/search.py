"""Search: a pipeline, one of its tasks, or a run, by what somebody has typed."""

from __future__ import annotations

import re

from starlette.responses import Response

from yamldag.store import views
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages.links import run_link, tab_link
from yamldag.web.route import PATTERNS, Kind, Route

_MOST = 50
_WORD = 10
"""Letters by which a run's id is meant: more than its type has."""


def search(ask: Ask) -> Response:
    """What is the one that is meant opens at once."""
    text = ask.query("q").strip()[:200]
    pipelines = ask.site.board.status.pipelines
    if text in pipelines:
        return ask.to(tab_link(text, "grid"))
    is_id = re.fullmatch(PATTERNS["run"], text) is not None
    with ask.site.reading() as db:
        if is_id and views.one_run(db, text) is not None:
            return ask.to(run_link(text))
        gone = [name for name, _, _ in views.removed(db)]
        runs = views.runs_beginning(db, text, _MOST) if is_id and len(text) >= _WORD else []
    if text in gone:
        return ask.to(tab_link(text, "grid"))
    sought = text.lower()
    named = [name for name in sorted({*pipelines, *gone}) if text and sought in name.lower()]
    tasks = [
        (name, task.id)
        for name, known in sorted(pipelines.items())
        for task in known.plan.tasks
        if text and sought in task.id.lower()
    ]
    groups = [
        (
            "Pipelines",
            [(name, tab_link(name, "grid"), "its file is gone" if name in gone else "") for name in named],
        ),
        ("Tasks", [(task, tab_link(name, "grid", task=task), f"of {name}") for name, task in tasks]),
        ("Runs", [(row["id"], run_link(row["id"]), f"of {row['pipeline']}, {row['state']}") for row in runs]),
    ]
    found = [(title, lines[:_MOST], max(0, len(lines) - _MOST)) for title, lines in groups if lines]
    return ask.page("search.html", text=text, found=found)


ROUTES = (Route("search", "GET", "/search", search, Role.VIEWER, Kind.PAGE),)
