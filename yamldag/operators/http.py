"""`http`: one request. A `connection` is the connection itself, as its guard has resolved it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from yamldag.operators.connections import Connection, leads_up, web_address, web_headers, web_signing, web_tls
from yamldag.operators.contract import Attempt, Json, Outcome, Work, text
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.fenced import refusal
from yamldag.operators.process import argv

__all__ = ["inline", "outcome", "prepare"]

inline = False

_MOST_PAGES = 1000


class _UnfitError(Exception):
    """What a parameter should be, and is not, in words."""


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    connection = params.get("connection")
    known: Connection = {}
    if "url" in params:
        url = text(params["url"]).strip()
    elif isinstance(connection, dict):
        known = connection
        path = text(params.get("path") or "")
        if leads_up(path):
            return Outcome("failed", f"`path` should stay below the connection's address, found `{path}`")
        url = web_address(known, path)
    else:
        return Outcome("failed", "`http` needs a `url`, or a `connection` and a `path`")
    signs_in, signing, tls = web_headers(known), web_signing(known), web_tls(known)
    own = {name: text(value) for name, value in _mapping(params, "headers").items()}
    try:
        expect, that = _expected(params.get("expect"))
        retry_on = _statuses("retry_on", params.get("retry_on"))
        pages = _pages(params)
    except _UnfitError as error:
        return Outcome("failed", str(error))
    save_to = None if params.get("save_to") is None else text(params["save_to"])
    place = os.path.join(attempt.cwd, save_to or "")
    if (refused := refusal(place, attempt.fences.get("save_to"))) is not None:
        return Outcome("failed", refused)
    spec: dict[str, Json] = {
        "operator": "http",
        "result": attempt.result_path,
        "method": text(params.get("method", "GET")).upper(),
        "url": url,
        "headers": {**_less(signs_in, own), **own},
        "stay": bool(signs_in or signing or tls),
        "signing": signing,
        "tls": tls,
        "reach": attempt.reach,
        "query": [
            [name, text(each)] for name, value in _mapping(params, "query").items() for each in _all(value)
        ],
        "save_to": save_to,
        "expect": expect,
        "that": that,
        "retry_on": retry_on,
    }
    if pages is not None:
        spec["pages"] = pages
    if "json" in params:
        spec["json"] = params["json"]
    if params.get("body") is not None:
        spec["body"] = text(params["body"])
    return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "http", "/", ""))


def _less(headers: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A request's own headers win, however they are written."""
    mine = {name.lower() for name in own}
    return {name: value for name, value in headers.items() if name.lower() not in mine}


def _mapping(params: Mapping[str, Json], name: str) -> dict[str, Json]:
    value = params.get(name)
    return value if isinstance(value, dict) else {}


def _all(value: Json) -> list[Json]:
    """The values of one name in the query: a list repeats it, null leaves it out."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _statuses(name: str, given: Json) -> list[Json] | None:
    """A status, or a list of them. Raises _UnfitError."""
    if given is None:
        return None
    statuses: list[Json] = []
    for each in _all(given):
        if isinstance(each, bool) or not text(each).isdecimal():
            raise _UnfitError(f"`{name}` should be a status or a list of them, found `{text(each)}`")
        statuses.append(int(text(each)))
    return statuses


def _expected(given: Json) -> tuple[list[Json] | None, str | None]:
    """The statuses that count as success (None: all below 400), and an expression that must hold for the answer."""
    if isinstance(given, dict):
        that = given.get("that")
        return _statuses("expect", given.get("status")), None if that is None else text(that)
    return _statuses("expect", given), None


def _pages(params: Mapping[str, Json]) -> dict[str, Json] | None:
    """How the next page is found; None: there is one."""
    given = params.get("pages")
    if given is None:
        return None
    told = {"next": given} if isinstance(given, str) else _mapping(params, "pages")
    if not told.get("next"):
        raise _UnfitError("`pages` needs `next`: `link`, or an expression that gives the next page's URL")
    most = text(told.get("max", _MOST_PAGES))
    if not most.isdecimal() or not int(most):
        raise _UnfitError(f"`max` of `pages` should be a whole number from 1, found `{most}`")
    return {"next": text(told["next"]), "items": text(told.get("items", "body")), "max": int(most)}
