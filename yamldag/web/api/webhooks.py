"""Webhooks: which there are, making one, revoking one."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from yamldag.engine.refused import unknown
from yamldag.store import webhooks
from yamldag.web import hooking
from yamldag.web.api.checked import parameter
from yamldag.web.api.paging import portion
from yamldag.web.api.shapes import PAGED, ref
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.auth.shown import NAME, webhook_row
from yamldag.web.hooking import Wanted
from yamldag.web.route import PATTERNS, Doc, Kind, Route


def many(ask: Ask) -> Response:
    with ask.site.writing() as database:
        rows = [webhook_row(hook) for hook in webhooks.webhooks(database)]
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def add(ask: Ask) -> Response:
    body = ask.json()
    if body["pipeline"] not in ask.site.board.status.pipelines:
        raise unknown(f"there is no pipeline `{body['pipeline']}`")
    wanted = Wanted(body["name"], body["pipeline"], ask.who.name, body.get("param"), body.get("mapping"))
    with ask.site.writing() as database:
        row = hooking.add(database, ask.deed, wanted, ask.now)
    return JSONResponse(row, 201)


def revoke(ask: Ask) -> Response:
    with ask.site.writing() as database:
        return JSONResponse(hooking.revoke(database, ask.deed, ask.path["name"], ask.now))


_NEW = {
    "type": "object",
    "required": ["name", "pipeline"],
    "properties": {
        "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
        "pipeline": {"type": "string", "pattern": f"^{PATTERNS['pipeline']}$"},
        "param": {"type": "string", "minLength": 1, "maxLength": 200},
        "mapping": {
            "type": "object",
            "maxProperties": 200,
            "additionalProperties": {"type": "string", "maxLength": 500},
        },
    },
    "additionalProperties": False,
}

ROUTES = (
    Route(
        "api_webhooks", "GET", "/api/v1/webhooks", many, Role.ADMIN, Kind.API,
        doc=Doc("Webhooks by name", ref("WebhookPage"), query=PAGED),
    ),
    Route(
        "api_webhook_add", "POST", "/api/v1/webhooks", add, Role.ADMIN, Kind.API,
        doc=Doc("Make a webhook, whose secret this answer alone tells", ref("NewWebhook"), body=_NEW, status=201,
                keyed=False),
    ),
    Route(
        "api_webhook_revoke", "DELETE", "/api/v1/webhooks/{name}", revoke, Role.ADMIN, Kind.API,
        doc=Doc("No message of it is taken from now on", ref("Webhook")),
    ),
)  # fmt: skip
