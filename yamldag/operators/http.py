"""`http`: one request. A `connection` is the connection itself, as its guard has resolved it."""

from __future__ import annotations

from collections.abc import Mapping

from yamldag.operators.connections import web_address, web_headers
from yamldag.operators.contract import Attempt, Json, Outcome, Work, text
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.process import argv

__all__ = ["inline", "outcome", "prepare"]

inline = False


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    connection = params.get("connection")
    if "url" in params:
        url, signs_in = text(params["url"]).strip(), {}
    elif isinstance(connection, dict):
        url, signs_in = web_address(connection, text(params.get("path") or "")), web_headers(connection)
    else:
        return Outcome("failed", "`http` needs a `url`, or a `connection` and a `path`")
    own = {name: text(value) for name, value in _mapping(params, "headers").items()}
    expect = _statuses(params.get("expect"))
    if isinstance(expect, str):
        return Outcome("failed", expect)
    spec: dict[str, Json] = {
        "operator": "http",
        "result": attempt.result_path,
        "method": text(params.get("method", "GET")).upper(),
        "url": url,
        "headers": {**_less(signs_in, own), **own},
        "stay": bool(signs_in),
        "query": [
            [name, text(each)] for name, value in _mapping(params, "query").items() for each in _all(value)
        ],
        "save_to": text(params["save_to"]) if params.get("save_to") is not None else None,
        "expect": expect,
    }
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


def _statuses(expect: Json) -> list[Json] | str | None:
    """The statuses that count as success; None: all below 400. Words if it is neither a number nor a list."""
    if expect is None:
        return None
    statuses: list[Json] = []
    for each in _all(expect):
        if isinstance(each, bool) or not text(each).isdecimal():
            return f"`expect` should be a status or a list of them, found `{text(each)}`"
        statuses.append(int(text(each)))
    return statuses
