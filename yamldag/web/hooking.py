"""Makes and revokes webhooks, for commands and the API alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from yamldag.engine.refused import NOT_NOW, Refused, unknown
from yamldag.store import audit, webhooks
from yamldag.store.audit import Deed
from yamldag.store.database import Database
from yamldag.store.webhooks import Webhook
from yamldag.syntax.nearest import nearest
from yamldag.web.auth.shown import NAME, webhook_row
from yamldag.web.auth.signed import new_webhook_secret

PATH = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[0-9]{1,6}\])*")
Deeds = Callable[..., Deed]
"""Who does it: from an action, a target and details."""


class Wanted(NamedTuple):
    """A webhook that is to be made: `param` gets the whole body, or `mapping` says which param gets what."""

    name: str
    pipeline: str
    creator: str
    param: str | None = None
    mapping: Mapping[str, str] | None = None


def add(database: Database, deed: Deeds, wanted: Wanted, now: float) -> dict[str, Any]:
    """With its secret, which is told this once. Raises Refused."""
    name, pipeline, creator, param, mapping = wanted
    if not NAME.fullmatch(name):
        raise Refused(f"`{name}` can't be a webhook's name: letters, digits, `_`, `.`, `@` and `-`")
    if param is not None and mapping is not None:
        raise Refused("either one param gets the whole body, or a mapping says which get what")
    for path in (mapping or {}).values():
        if not PATH.fullmatch(path):
            raise Refused(f"`{path}` is no place in a body: one is written like `issue.labels[0].name`")
    hook = Webhook(name, pipeline, new_webhook_secret(), param, mapping, now, creator, None, None)

    def work() -> bool:
        if not webhooks.add(database, hook):
            return False
        audit.record(database, deed("webhook.add", name, pipeline=pipeline), "done", now)
        return True

    if not database.write(work):
        raise Refused(f"there is a webhook `{name}` already, or was: each name is used once", NOT_NOW)
    return webhook_row(hook) | {"secret": hook.secret, "path": f"/hooks/{name}"}


def revoke(database: Database, deed: Deeds, name: str, now: float) -> dict[str, Any]:
    """Raises Refused."""
    known = {hook.name for hook in webhooks.webhooks(database)}
    if name not in known:
        near = nearest(name, known)
        hint = f"; did you mean `{near}`?" if near else "; `yamldag webhooks list` names them"
        raise unknown(f"there is no webhook `{name}`{hint}")

    def work() -> None:
        done = webhooks.revoke(database, name, now)
        audit.record(database, deed("webhook.revoke", name), "done" if done else "unchanged", now)

    database.write(work)
    found = webhooks.webhook(database, name)
    assert found is not None
    return webhook_row(found)
