"""Accounts, tokens and webhooks as JSON: what `users`, `tokens` and `webhooks` print, and the API answers."""

from __future__ import annotations

import re
from typing import Any

from yamldag.engine import times
from yamldag.store.tokens import Token
from yamldag.store.users import User
from yamldag.store.webhooks import Webhook

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}")
"""What an account, a token or a webhook may be called."""


def user_row(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "role": user.role,
        "state": "active" if user.disabled is None else "disabled",
        "created_at": times.shown(user.created),
    }


def token_row(token: Token, now: float) -> dict[str, Any]:
    state = "works" if token.works(now) else "revoked" if token.revoked is not None else "expired"
    return {
        "name": token.name,
        "role": token.role,
        "state": state,
        "creator": token.creator,
        "created_at": times.shown(token.created),
        "expires_at": times.shown(token.expires),
        "used_at": times.shown(token.used),
    }


def webhook_row(hook: Webhook) -> dict[str, Any]:
    return {
        "name": hook.name,
        "pipeline": hook.pipeline,
        "state": "works" if hook.revoked is None else "revoked",
        "param": hook.param,
        "mapping": hook.mapping,
        "creator": hook.creator,
        "created_at": times.shown(hook.created),
        "used_at": times.shown(hook.used),
    }
