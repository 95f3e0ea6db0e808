"""Accounts, tokens and the audit log: an admin's. And who one is oneself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response

from yamldag.engine import times
from yamldag.engine.refused import NOT_NOW, Refused, unknown
from yamldag.store import audit, tokens, users
from yamldag.store.database import Database
from yamldag.store.names import ROLES
from yamldag.web.api.checked import parameter
from yamldag.web.api.paging import page, place, portion
from yamldag.web.api.shapes import CURSOR, LIMIT, PAGED, ref
from yamldag.web.ask import Ask
from yamldag.web.auth import passwords
from yamldag.web.auth.roles import Role
from yamldag.web.auth.secrets import digest, new_token
from yamldag.web.auth.shown import NAME, token_row, user_row
from yamldag.web.route import Doc, Kind, Route

_DAYS = 90


def me(ask: Ask) -> Response:
    return JSONResponse({"name": ask.who.name, "role": ask.who.role.word, "via": ask.who.via})


def _recorded(
    ask: Ask, database: Database, action: str, target: str, work: Callable[[], bool], **detail: Any
) -> bool:
    """Do it and record it, in one transaction."""

    def both() -> bool:
        changed = work()
        words = "done" if changed else "unchanged"
        audit.record(database, ask.deed(action, target, **detail), words, ask.now)
        return changed

    return database.write(both)


# Accounts


def many_users(ask: Ask) -> Response:
    with ask.site.writing() as database:
        rows = [user_row(user) for user in users.users(database)]
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def add_user(ask: Ask) -> Response:
    """Where nobody has an account the first one is made by a command: by this one, its caller would be nobody."""
    body = ask.json()
    name, role = body["name"], body["role"]
    if name == "local":
        raise Refused("`local` is the name of whoever is at the machine itself")
    with ask.site.writing() as database:
        if not users.are_there(database) and role != "admin":
            raise Refused("the first account is an admin's: without one nobody could make another", NOT_NOW)
        hashed = _hashed(body["password"])
        done = _recorded(
            ask,
            database,
            "user.add",
            name,
            lambda: users.add(database, name, role, hashed, ask.now),
            role=role,
        )
        if not done:
            raise Refused(f"there is a user `{name}` already", NOT_NOW)
        found = users.user(database, name)
    assert found is not None
    return JSONResponse(user_row(found), 201)


def change_user(ask: Ask) -> Response:
    name, body = ask.path["name"], ask.json() or {}
    with ask.site.writing() as database:
        _known(database, name)
        hashed = _hashed(body["password"]) if "password" in body else None

        def work() -> bool:
            _keep_an_admin(database, name, body.get("role"), gone=body.get("disabled") is True)
            changed = hashed is not None and users.set_password(database, name, hashed)
            if "role" in body:
                changed = users.set_role(database, name, body["role"]) or changed
            if "disabled" in body:
                change = (
                    users.disable(database, name, ask.now)
                    if body["disabled"]
                    else users.enable(database, name)
                )
                changed = change or changed
            return changed

        told = {key: value for key, value in body.items() if key != "password"} | (
            {"password": "changed"} if hashed else {}
        )
        _recorded(ask, database, "user.change", name, work, **told)
        found = users.user(database, name)
    assert found is not None
    return JSONResponse(user_row(found))


def delete_user(ask: Ask) -> Response:
    name = ask.path["name"]
    with ask.site.writing() as database:
        was = _known(database, name)

        def work() -> bool:
            _keep_an_admin(database, name, None, gone=True)
            return users.delete(database, name)

        _recorded(ask, database, "user.delete", name, work)
    return JSONResponse(user_row(was) | {"state": "deleted"})


def _known(database: Database, name: str) -> users.User:
    found = users.user(database, name)
    if found is None:
        raise unknown(f"there is no user `{name}`")
    return found


def _keep_an_admin(database: Database, name: str, role: str | None, *, gone: bool) -> None:
    """The last one who can let others in is not locked out by mistake: that takes a command on the machine."""
    admins = [each.name for each in users.users(database) if each.role == "admin" and each.disabled is None]
    if admins == [name] and (gone or role not in (None, "admin")):
        raise Refused(f"`{name}` is the only admin: make another one first", NOT_NOW)


def _hashed(password: str) -> str:
    if wrong := passwords.complaint(password):
        raise Refused(wrong)
    return passwords.hash_password(password)


# Tokens


def many_tokens(ask: Ask) -> Response:
    with ask.site.writing() as database:
        rows = [token_row(token, ask.now) for token in tokens.tokens(database)]
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def add_token(ask: Ask) -> Response:
    """It is in this answer and nowhere else."""
    body, secret = ask.json(), new_token()
    name, days = body["name"], body.get("days", _DAYS)
    expires = ask.now + days * 86_400 if days else None
    token = tokens.Token(name, body.get("role", "viewer"), ask.now, ask.who.name, expires, None, None)
    with ask.site.writing() as database:
        done = _recorded(
            ask, database, "token.add", name, lambda: tokens.add(database, token, digest(secret)),
            role=token.role, days=days,
        )  # fmt: skip
    if not done:
        raise Refused(f"there is a token `{name}` already, or was: each name is used once", NOT_NOW)
    return JSONResponse(token_row(token, ask.now) | {"token": secret}, 201)


def revoke_token(ask: Ask) -> Response:
    name = ask.path["name"]
    with ask.site.writing() as database:
        if name not in {token.name for token in tokens.tokens(database)}:
            raise unknown(f"there is no token `{name}`")
        _recorded(ask, database, "token.revoke", name, lambda: tokens.revoke(database, name, ask.now))
        row = next(token_row(token, ask.now) for token in tokens.tokens(database) if token.name == name)
    return JSONResponse(row)


# The audit log


def log(ask: Ask) -> Response:
    limit, text = parameter(ask, "limit"), parameter(ask, "cursor")
    before = place(text, int)[0] if text is not None else None
    with ask.site.reading() as db:
        rows = audit.entries(db, limit + 1, before, parameter(ask, "object"))

    def shown(row: Any) -> dict[str, Any]:
        names = ("who", "via", "address", "action", "object", "outcome")
        return {
            "entry_id": row["id"],
            "at": times.shown(row["at"]),
            **{name: row[name] for name in names},
            "detail": json.loads(row["detail"]),
        }

    return JSONResponse(page(rows, limit, shown, lambda row: (row["id"],)))


_NAME = {"type": "string", "pattern": f"^{NAME.pattern}$"}
_ROLE = {"enum": list(ROLES)}
_PASSWORD = {"type": "string", "minLength": passwords.SHORTEST, "maxLength": passwords.LONGEST}
_NEW_USER = {
    "type": "object",
    "required": ["name", "role", "password"],
    "properties": {"name": _NAME, "role": _ROLE, "password": _PASSWORD},
    "additionalProperties": False,
}
_CHANGE = {
    "type": "object",
    "properties": {"role": _ROLE, "password": _PASSWORD, "disabled": {"type": "boolean"}},
    "additionalProperties": False,
}
_NEW_TOKEN = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": _NAME,
        "role": {**_ROLE, "default": "viewer"},
        "days": {
            "type": "integer",
            "minimum": 0,
            "maximum": 36_500,
            "default": _DAYS,
            "description": "0: for ever",
        },
    },
    "additionalProperties": False,
}
_OBJECT = {
    "type": "string",
    "maxLength": 500,
    "description": "what was acted on: the id of a run, of a pipeline",
}
_USER, _TOKEN = "/api/v1/users/{name}", "/api/v1/tokens/{name}"

ROUTES = (
    Route("api_me", "GET", "/api/v1/me", me, Role.VIEWER, Kind.API, doc=Doc("Who you are", ref("Me"))),
    Route(
        "api_users", "GET", "/api/v1/users", many_users, Role.ADMIN, Kind.API,
        doc=Doc("Accounts by name", ref("UserPage"), query=PAGED),
    ),
    Route(
        "api_user_add", "POST", "/api/v1/users", add_user, Role.ADMIN, Kind.API,
        doc=Doc("Make an account", ref("User"), body=_NEW_USER, status=201, keyed=False),
    ),
    Route(
        "api_user_change", "PATCH", _USER, change_user, Role.ADMIN, Kind.API,
        doc=Doc("Another role or password, or disable it: sessions end at once", ref("User"), body=_CHANGE),
    ),
    Route(
        "api_user_delete", "DELETE", _USER, delete_user, Role.ADMIN, Kind.API,
        doc=Doc("Delete an account; the audit log keeps the name", ref("User")),
    ),
    Route(
        "api_tokens", "GET", "/api/v1/tokens", many_tokens, Role.ADMIN, Kind.API,
        doc=Doc("Tokens by name", ref("TokenPage"), query=PAGED),
    ),
    Route(
        "api_token_add", "POST", "/api/v1/tokens", add_token, Role.ADMIN, Kind.API,
        doc=Doc("Make a token, which this answer alone tells", ref("NewToken"), body=_NEW_TOKEN, status=201,
                keyed=False),
    ),
    Route(
        "api_token_revoke", "DELETE", _TOKEN, revoke_token, Role.ADMIN, Kind.API,
        doc=Doc("It opens nothing from now on, open streams included", ref("Token")),
    ),
    Route(
        "api_audit", "GET", "/api/v1/audit", log, Role.ADMIN, Kind.API,
        doc=Doc("Who did what, the newest first", ref("AuditPage"),
                query={"object": _OBJECT, "limit": LIMIT, "cursor": CURSOR}),
    ),
)  # fmt: skip
