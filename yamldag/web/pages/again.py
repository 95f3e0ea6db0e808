"""Tasks of a run once more, or with a state by hand: the question shows what will run and what stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from yamldag.engine import outside
from yamldag.engine.asking.naming import label, units
from yamldag.engine.clearance import Clearance, Found, plan_clear
from yamldag.engine.memory.reasons import MARKS
from yamldag.engine.refused import Refused
from yamldag.engine.step.choice import Wish
from yamldag.store import views
from yamldag.store.database import Database
from yamldag.store.moves import Lost
from yamldag.web import acts, ordering
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import forms
from yamldag.web.pages.question import Option, Question, answered
from yamldag.web.pages.question import asked as question_page
from yamldag.web.route import Kind, Route
from yamldag.web.words import counted

_LISTED = 200
"""Tasks that a preview lists."""
_BUSY = "The scheduler moves the run all the time: try again."


def ask_clear(ask: Ask) -> Response:
    return _ask_clear(ask, failed=False)


def ask_retry(ask: Ask) -> Response:
    """The same, of what failed alone."""
    return _ask_clear(ask, failed=True)


def _ask_clear(ask: Ask, *, failed: bool) -> Response:
    given = forms.asked(ask)
    wanted = _wanted(given, failed=failed)
    found = _look(ask)
    if found is None:
        return ask.missing()
    try:
        planned, _ = ordering.planned(ask, found, wanted)
    except Refused as refused:
        return ask.failed(409, "That can't be cleared", f"{refused}.")
    if planned.is_empty:
        return ask.failed(
            409, "There is nothing to run again", "No task of the run is one that this would clear."
        )
    tasks = wanted["tasks"]
    what = (
        "what failed in"
        if wanted["failed"] and not tasks
        else f"{tasks[0]} in"
        if len(tasks) == 1
        else "tasks of"
    )
    title = f"Clear {what} run {found.id}"
    options = [
        Option("failed", "only what failed", wanted["failed"]),
        *([Option("only", "nothing below", wanted["only"]), Option("upstream", "all above, too", wanted["upstream"])]
          if tasks else []),
        *([] if found.by_hand else [Option("latest", "by the newest version of the pipeline", wanted["latest"])]),
    ]  # fmt: skip
    number = len(planned.rows)
    says = _says(found, planned)
    question = Question(
        title, says, f"Run {counted(number, 'task')} again" if number else "Let it begin",
        _command(found.id, wanted), f"/runs/{found.id}", options, "again.html",
    )  # fmt: skip
    return question_page(ask, question, **_preview(found, planned), hidden=[("task", each) for each in tasks])


def clear(ask: Ask) -> Response:
    found = _look(ask)
    if found is None:
        return ask.missing()
    retry = ask.request.url.path.endswith("/retry")
    given = forms.posted(ask)
    wanted = _wanted(given, failed=retry and "asked" not in given)
    try:
        planned, wish = ordering.planned(ask, found, wanted)
        outcome = "nothing" if planned.is_empty else ordering.clear(ask, planned, wish, wanted["tasks"])
    except Refused as refused:
        return ask.failed(409, "That can't be cleared", f"{refused}.")
    except Lost:
        return ask.failed(409, "That can't be cleared now", _BUSY)
    return answered(ask, f"/runs/{found.id}", outcome if outcome != "queued" else "cleared")


def ask_mark(ask: Ask) -> Response:
    found = _look(ask)
    if found is None:
        return ask.missing()
    task, state = ask.query("task"), ask.query("state")
    try:
        planned = plan_clear(found, _mark(found, task, state))
    except Refused as refused:
        return ask.failed(409, "That can't be marked", f"{refused}.")
    if planned.is_empty:
        return ask.failed(409, "It is so already", f"{task} is {state}, or its run has not begun.")
    says = [
        f"What waits for {task} goes on as if it had {'succeeded' if state == 'success' else 'failed'}; what has run "
        "below it stays. An attempt that runs is stopped first.",
        "It has no output: a task that reads it fails." if state == "success" else "",
    ]
    question = Question(
        f"Mark {task} {state}", [each for each in says if each], f"Mark {state}",
        ("yamldag", "mark", found.id, task, state), f"/runs/{found.id}", (), "again.html", bad=state == "failed",
    )  # fmt: skip
    hidden = [("task", task), ("state", state)]
    return question_page(ask, question, **_preview(found, planned), hidden=hidden)


def mark(ask: Ask) -> Response:
    found = _look(ask)
    if found is None:
        return ask.missing()
    given = ask.form()
    task, state = given.get("task", ""), given.get("state", "")

    def work(database: Database) -> str:
        return outside.clear(database, found.id, _mark(found, task, state), ask.now)

    try:
        _mark(found, task, state)
        outcome = acts.done(ask, ask.deed("run.mark", found.id, task=task, state=state), work)
    except Refused as refused:
        return ask.failed(409, "That can't be marked", f"{refused}.")
    except Lost:
        return ask.failed(409, "That can't be marked now", _BUSY)
    words = {"queued": "marked", "nothing": "unchanged"}.get(outcome, outcome)
    return answered(ask, f"/runs/{found.id}", words)


def _mark(found: Found, task: str, state: str) -> Wish:
    if state not in MARKS:
        raise Refused("a task is marked `success` or `failed`")
    if not task:
        raise Refused("a task is wanted")
    return Wish(units(found.id, found.plan, found.rows, [task]), mark=state)


def _look(ask: Ask) -> Found | None:
    with ask.site.reading() as db:
        if views.one_run(db, ask.path["run"]) is None:
            return None
    return ordering.look(ask, ask.path["run"])


def _wanted(given: Mapping[str, Sequence[str]], *, failed: bool) -> dict[str, Any]:
    on = {name: given.get(name, [""])[-1] == "on" for name in ("failed", "only", "upstream", "latest")}
    wanted: dict[str, Any] = {**on, "tasks": [each for each in given.get("task", []) if each]}
    if failed and "asked" not in given:
        wanted["failed"] = True
    if wanted["only"]:
        wanted["upstream"] = False
    return wanted


def _command(run: str, wanted: Mapping[str, Any]) -> list[str]:
    flags = [f"--{name}" for name in ("failed", "only", "upstream", "latest") if wanted[name]]
    return ["yamldag", "clear", run, *wanted["tasks"], *flags]


def _says(found: Found, planned: Clearance) -> list[str]:
    number, stay = len(planned.rows), len(found.rows) - len(planned.rows)
    rest = "stays as it is" if stay == 1 else "stay as they are"
    lead = f"{counted(number, 'task runs', 'tasks run')} again, {stay} {rest}."
    if found.plan is None:
        return ["The run begins after all."]
    waits = "waits for room again, and a scheduler goes on with it. Attempts are counted on."
    if found.is_running and planned.newer:
        more = f"What runs of the run is stopped first; then it {waits}"
    elif found.is_running:
        more = "What runs of them is stopped first."
    else:
        more = f"The run {waits}"
    return [lead, *_changes(planned), more]


def _changes(planned: Clearance) -> list[str]:
    """What the newer plan has not, or has more."""
    lost, new = ", ".join(planned.lost), ", ".join(planned.new)
    told = [f"Removed: {lost}." if lost else "", f"New: {new}." if new else ""]
    return [" ".join(filter(None, told))] if lost or new else []


def _preview(found: Found, planned: Clearance) -> dict[str, Any]:
    """What `again.html` lists."""
    plan = planned.newer.plan if planned.newer else found.plan
    order = {task.id: place for place, task in enumerate(plan.tasks)} if plan else {}
    rows = sorted(planned.rows, key=lambda row: (order[row.task], row.map_index))
    wish = planned.wish
    return {
        "rows": [
            {
                "label": label(row.task, row.map_index, row.item),
                "state": row.state,
                "becomes": "" if wish.mark is None else wish.mark if _is_marked(wish, row) else "none",
            }
            for row in rows[:_LISTED]
        ],
        "more": max(0, len(rows) - _LISTED),
        "stay": len(found.rows) - len(rows),
        "options_asked": True,
    }


def _is_marked(wish: Wish, row: Any) -> bool:
    index = None if row.map_index < 0 or row.item is None else row.map_index
    return wish.marks(row.task, index)


_CLEAR, _RETRY, _MARK = (f"/runs/{{run}}/{word}" for word in ("clear", "retry", "mark"))

ROUTES = (
    Route("ask_clear", "GET", _CLEAR, ask_clear, Role.OPERATOR, Kind.PAGE),
    Route("clear", "POST", _CLEAR, clear, Role.OPERATOR, Kind.ACTION),
    Route("ask_retry", "GET", _RETRY, ask_retry, Role.OPERATOR, Kind.PAGE),
    Route("retry", "POST", _RETRY, clear, Role.OPERATOR, Kind.ACTION),
    Route("ask_mark", "GET", _MARK, ask_mark, Role.OPERATOR, Kind.PAGE),
    Route("mark", "POST", _MARK, mark, Role.OPERATOR, Kind.ACTION),
)
