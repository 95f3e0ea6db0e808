"""Webhooks: another system asks for a run of one pipeline by a signed message.

A message is taken once: sent again with its id, it is answered and nothing is done. The message, the run and the
audit log's row are one commit.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import JSONResponse, Response

from yamldag.engine import given
from yamldag.engine.refused import Refused
from yamldag.engine.schedule.known import Known
from yamldag.plan.pipeline import Json
from yamldag.store import audit, sessions, webhooks
from yamldag.store.database import Database
from yamldag.store.webhooks import Webhook
from yamldag.web import ordering
from yamldag.web.api.checked import refusal
from yamldag.web.ask import Ask, problem
from yamldag.web.auth.roles import Role
from yamldag.web.auth.signed import ID, SIGNATURE, TIME, digest_of, is_signed
from yamldag.web.auth.who import Who
from yamldag.web.route import Kind, Route

PER_MINUTE, BAD_PER_MINUTE = 60, 20
"""Messages of one webhook that are taken, and unsigned ones of one address that are looked at."""
_STEP = re.compile(r"([^.\[\]]+)|\[([0-9]{1,6})\]")


def receive(ask: Ask) -> Response:
    name = ask.path["name"]
    headers = {each: ask.request.headers.get(each, "") for each in (ID, TIME, SIGNATURE)}
    with ask.site.writing() as database:
        hook = webhooks.webhook(database, name)
        secret = hook.secret if hook is not None and hook.revoked is None else None
        if hook is None or not is_signed(secret, headers, ask.body, ask.now):
            return _refused(ask, database, name)
    sender = Ask(ask.site, ask.request, ask.route, Who(name, Role.OPERATOR, "webhook"), ask.body)
    try:
        return ask.site.in_one(lambda database: _taken(sender, database, hook, digest_of(headers[ID])))
    except Refused as refused:
        return refusal(refused)


def _refused(ask: Ask, database: Database, name: str) -> Response:
    """A name that is not there and a bad signature are told alike. What somebody tries often fills no log."""

    def work() -> bool:
        _, tries = sessions.note_try(database, f"webhook {name}", ask.address, ask.now)
        if tries <= BAD_PER_MINUTE:
            deed = audit.Deed(name, "webhook", ask.address, "webhook", name)
            audit.record(database, deed, "refused", ask.now)
        return tries <= BAD_PER_MINUTE

    if not database.write(work):
        return problem(429, "Too many tries", "Wait a minute.", {"retry-after": str(int(sessions.WINDOW))})
    words = f"There is no such webhook, or the message is not signed by its secret (`{SIGNATURE}`), or it is too old."
    return problem(401, "Who are you?", words)


def _taken(ask: Ask, database: Database, hook: Webhook, message: str) -> Response:
    if webhooks.taken_since(database, hook.name, ask.now - 60) >= PER_MINUTE:
        return problem(
            429, "Too many messages", f"At most {PER_MINUTE} a minute are taken.", {"retry-after": "60"}
        )
    if not webhooks.take(database, hook.name, message, ask.now):
        return JSONResponse({"outcome": "unchanged", "run_id": None})
    webhooks.use(database, hook.name, ask.now)
    known = ask.site.board.status.pipelines.get(hook.pipeline)
    if known is None:
        raise Refused(f"there is no pipeline `{hook.pipeline}`")
    run = ordering.trigger(ask, known, _params(known, hook, ask), None, "webhook")
    return JSONResponse({"outcome": "queued", "run_id": run["run_id"]}, 202)


def _params(known: Known, hook: Webhook, ask: Ask) -> dict[str, Json]:
    if hook.param is None and hook.mapping is None:
        return given.resolved(known.plan, {})
    try:
        body = ask.json()
    except (ValueError, RecursionError):
        raise Refused("the message is no JSON") from None
    if hook.param is not None:
        return given.resolved(known.plan, {hook.param: body})
    found = {name: at(body, path) for name, path in (hook.mapping or {}).items()}
    return given.resolved(known.plan, {name: value for name, value in found.items() if value is not MISSING})


MISSING: Any = object()


def at(body: Any, path: str) -> Any:
    """What is at `issue.labels[0].name` in a body; MISSING: nothing."""
    for key, index in _STEP.findall(path):
        if index and isinstance(body, list) and int(index) < len(body):
            body = body[int(index)]
        elif key and isinstance(body, dict) and key in body:
            body = body[key]
        else:
            return MISSING
    return body


ROUTES = (Route("hook", "POST", "/hooks/{name}", receive, Role.PUBLIC, Kind.HOOK),)
