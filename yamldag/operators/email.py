"""`email`: one message by SMTP. The `connection` is the connection itself; by default the one called `smtp`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from yamldag.operators.contract import Attempt, Json, Outcome, Work, text
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.fenced import first_refusal
from yamldag.operators.process import argv

__all__ = ["inline", "outcome", "prepare"]

inline = False

TLS = ("starttls", "tls", "none")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    connection = params.get("connection")
    if not isinstance(connection, dict):
        return Outcome("failed", "`email` needs a `connection` to a mail server")
    way = mail_server(connection)
    if isinstance(way, str):
        return Outcome("failed", f"the connection can't be used: {way}")
    who = sender(params, connection)
    if who is None:
        return Outcome("failed", "nobody is the sender: set `from`, in the task or in the connection")
    attached = [os.path.join(attempt.cwd, text(each)) for each in _list(params.get("attach"))]
    if (refused := first_refusal(attached, attempt.fences.get("attach"))) is not None:
        return Outcome("failed", refused)
    message: dict[str, Json] = {
        **{name: addresses(params.get(name)) for name in ("to", "cc", "bcc", "reply_to")},
        "from": who,
        "subject": text(params.get("subject") or ""),
        **{name: None if params.get(name) is None else text(params[name]) for name in ("text", "html")},
        "attach": [*attached],
    }
    spec: dict[str, Json] = {
        "operator": "email",
        "result": attempt.result_path,
        "server": way,
        "message": message,
    }
    return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "email", "/", ""))


def mail_server(connection: Mapping[str, Json]) -> dict[str, Json] | str:
    """How the server is spoken to; or words on what is missing."""
    host = text(connection.get("host") or "")
    if not host:
        return "it has no `host`"
    extra = connection.get("extra")
    given = {**(extra if isinstance(extra, dict) else {}), **connection}
    tls = text(given.get("tls") or ("tls" if connection.get("type") == "smtps" else "starttls"))
    if tls not in TLS:
        return f"`tls` should be one of {', '.join(TLS)}, found `{tls}`"
    ca = (
        None
        if given.get("ca") is None
        else os.path.join(text(connection.get("root") or "/"), text(given["ca"]))
    )
    port = text(given.get("port") or _PORTS[tls])
    if not port.isdecimal():
        return f"`port` should be a number, found `{port}`"
    user, password = connection.get("user"), connection.get("password")
    return {
        "host": host,
        "port": int(port),
        "tls": tls,
        "ca": ca,
        "user": None if user is None else text(user),
        "password": text(password or ""),
    }


def addresses(given: Json) -> list[Json]:
    return [text(each).strip() for each in _list(given)]


def sender(params: Mapping[str, Json], connection: Mapping[str, Json]) -> str | None:
    """Who it is from: the message says so, or its connection, where who signs in is often the address itself."""
    extra, user = connection.get("extra"), text(connection.get("user") or "")
    of_url = extra.get("from") if isinstance(extra, dict) else None
    said = params.get("from") or connection.get("from") or of_url
    return text(said) if said else user if "@" in user else None


def _list(given: Json) -> list[Json]:
    return [] if given is None else given if isinstance(given, list) else [given]
