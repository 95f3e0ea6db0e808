"""Acting on pipelines and runs: each asks once, and is in the audit log."""

from __future__ import annotations

from starlette.responses import Response

from yamldag.engine.schedule.known import Known
from yamldag.store import views
from yamldag.web import acts
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages.question import Option, Question, answered, asked
from yamldag.web.route import Kind, Route


def _known(ask: Ask) -> Known | None:
    return ask.site.board.status.pipelines.get(ask.path["pipeline"])


def ask_pause(ask: Ask) -> Response:
    if (known := _known(ask)) is None:
        return ask.missing()
    name = known.plan.pipeline
    says = (
        "Its schedule, its assets and the runs that these have queued wait.",
        "Runs that have begun go on, and what is asked for by hand runs.",
    )
    command = ("yamldag", "pause", name)
    return asked(ask, Question(f"Pause {name}", says, "Pause", command, f"/pipelines/{name}"))


def ask_unpause(ask: Ask) -> Response:
    if (known := _known(ask)) is None:
        return ask.missing()
    name = known.plan.pipeline
    missed = (
        "Each tick that it has missed is made up for."
        if known.plan.catchup == "all"
        else "It goes on from now."
    )
    command = ("yamldag", "unpause", name)
    return asked(ask, Question(f"Unpause {name}", (missed,), "Unpause", command, f"/pipelines/{name}"))


def pause(ask: Ask) -> Response:
    return _set_paused(ask, paused=True)


def unpause(ask: Ask) -> Response:
    return _set_paused(ask, paused=False)


def _set_paused(ask: Ask, *, paused: bool) -> Response:
    if (known := _known(ask)) is None:
        return ask.missing()
    outcome = acts.set_paused(ask, known, paused=paused)
    return answered(ask, f"/pipelines/{known.plan.pipeline}", outcome)


def ask_cancel(ask: Ask) -> Response:
    run = ask.path["run"]
    with ask.site.reading() as db:
        row = views.one_run(db, run)
    if row is None:
        return ask.missing()
    if row["state"] not in ("queued", "running"):
        return ask.failed(409, "It is over already", f"The run is {row['state']}.")
    says = (
        ("It never begins.",)
        if row["state"] == "queued"
        else (
            "Tasks that run get TERM, and KILL ten seconds later; those that have not begun are skipped.",
            "What is done stays. Teardowns of setups that are done still run.",
        )
    )
    options = () if row["state"] == "queued" else (Option("kill", "kill at once, and wait for no teardown"),)
    question = Question(
        f"Cancel run {run}",
        says,
        "Cancel the run",
        ("yamldag", "cancel", run),
        f"/runs/{run}",
        options,
        bad=True,
    )
    return asked(ask, question)


def cancel(ask: Ask) -> Response:
    run = ask.path["run"]
    with ask.site.reading() as db:
        row = views.one_run(db, run)
    if row is None:
        return ask.missing()
    return answered(ask, f"/runs/{run}", acts.cancel(ask, run, kill=ask.form().get("kill") == "on"))


_PAUSE, _UNPAUSE = "/pipelines/{pipeline}/pause", "/pipelines/{pipeline}/unpause"
_CANCEL = "/runs/{run}/cancel"

ROUTES = (
    Route("ask_pause", "GET", _PAUSE, ask_pause, Role.OPERATOR, Kind.PAGE),
    Route("pause", "POST", _PAUSE, pause, Role.OPERATOR, Kind.ACTION),
    Route("ask_unpause", "GET", _UNPAUSE, ask_unpause, Role.OPERATOR, Kind.PAGE),
    Route("unpause", "POST", _UNPAUSE, unpause, Role.OPERATOR, Kind.ACTION),
    Route("ask_cancel", "GET", _CANCEL, ask_cancel, Role.OPERATOR, Kind.PAGE),
    Route("cancel", "POST", _CANCEL, cancel, Role.OPERATOR, Kind.ACTION),
)
