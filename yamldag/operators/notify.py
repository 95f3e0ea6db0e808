"""`notify`: a message to chats, pagers and webhooks. A receiver is a URL, or a connection as its guard resolved it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from yamldag.operators.connections import web_address, web_headers
from yamldag.operators.contract import Attempt, Json, Outcome, Work, text
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.fenced import first_refusal
from yamldag.operators.guarded import receivers
from yamldag.operators.process import argv

__all__ = ["inline", "outcome", "prepare"]

inline = False

HOOKS = ("slack", "teams", "discord", "webhook")
"""Kinds of connections whose `url` is a webhook of ours to call."""


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    found: list[Json] = []
    for each in receivers(params):
        receiver = _receiver(each)
        if isinstance(receiver, str):
            return Outcome("failed", receiver)
        found.append(receiver)
    if not found:
        return Outcome("failed", "`notify` needs a receiver: `to`")
    attach = params.get("attach")
    named = [] if attach is None else attach if isinstance(attach, list) else [attach]
    attached = [os.path.join(attempt.cwd, text(each)) for each in named]
    if (refused := first_refusal(attached, attempt.fences.get("attach"))) is not None:
        return Outcome("failed", refused)
    spec: dict[str, Json] = {
        "operator": "notify",
        "result": attempt.result_path,
        "to": found,
        "subject": text(params.get("subject") or ""),
        "text": text(params.get("text") or ""),
        "html": None if params.get("html") is None else text(params["html"]),
        "attach": [*attached],
        "reach": attempt.reach,
    }
    return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "notify", "/", ""))


def _receiver(given: Json) -> dict[str, Json] | str:
    """`{kind, url, headers}`; or words on why there is none. The kind is `apprise` for all that we know nothing of."""
    if isinstance(given, dict):
        kind, url = text(given.get("type") or ""), text(given.get("url") or "")
        if kind in ("http", "https"):
            return {
                "kind": _of_host(url),
                "url": web_address(given, ""),
                "headers": dict[str, Json](web_headers(given)),
            }
        if kind in HOOKS and url.lower().startswith(("http://", "https://")):
            headers = given.get("headers")
            return {"kind": kind, "url": url, "headers": headers if isinstance(headers, dict) else {}}
        if not url:
            return "the connection can't be used: it has no `url`"
        return {"kind": "apprise", "url": url, "headers": {}}
    url = text(given).strip()
    if "://" not in url:
        return f"a receiver should be a URL such as slack://…, or the id of a connection, found `{url}`"
    if url.lower().startswith(("http://", "https://")):
        return {"kind": _of_host(url), "url": url, "headers": {}}
    return {"kind": "apprise", "url": url, "headers": {}}


def _of_host(url: str) -> str:
    """Which chat a webhook's address belongs to."""
    host = url.partition("://")[2].partition("/")[0].lower()
    if host == "hooks.slack.com":
        return "slack"
    if host in ("discord.com", "discordapp.com"):
        return "discord"
    if host.endswith((".webhook.office.com", ".logic.azure.com", ".powerplatform.com")):
        return "teams"
    return "webhook"
