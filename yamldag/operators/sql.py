"""`sql`: statements on a connection, in one transaction."""

from __future__ import annotations

import os
from collections.abc import Mapping

from yamldag.operators.connections import database_url
from yamldag.operators.contract import Attempt, Json, Outcome, Work, text
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.fenced import refusal
from yamldag.operators.process import argv
from yamldag.operators.secrets import UnresolvedError

__all__ = ["inline", "outcome", "prepare"]

inline = False

FORMATS = (".csv", ".json", ".jsonl", ".ndjson", ".parquet")
"""Endings of the files that can take rows."""


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    """`connection` is the connection itself, as its guard has resolved it."""
    connection = params.get("connection")
    if not isinstance(connection, dict):
        return Outcome("failed", "`sql` needs a `connection`: the id of one of `connections:` in yamldag.yml")
    try:
        url = database_url(connection, text(connection.get("root") or "/"))
    except UnresolvedError as error:
        return Outcome("failed", f"the connection can't be used: {error}")
    query = _query(params, attempt)
    if isinstance(query, Outcome):
        return query
    save_to = None if params.get("save_to") is None else text(params["save_to"])
    if save_to is not None and os.path.splitext(save_to)[1].lower() not in FORMATS:
        words = ", ".join(f"`{each}`" for each in FORMATS)
        return Outcome("failed", f"`save_to` should end with one of {words}, found `{save_to}`")
    place = os.path.join(attempt.cwd, save_to or "")
    if (refused := refusal(place, attempt.fences.get("save_to"))) is not None:
        return Outcome("failed", refused)
    bound = params.get("params")
    if bound is not None and not isinstance(bound, (dict, list)):
        return Outcome("failed", f"`params` should be a mapping or a list, found `{text(bound)}`")
    spec: dict[str, Json] = {
        "operator": "sql",
        "result": attempt.result_path,
        "url": url,
        "query": query,
        "params": bound,
        "expect": params.get("expect"),
        "save_to": save_to,
        "answer": params.get("answer") is True,
    }
    return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "sql", "/", ""))


def _query(params: Mapping[str, Json], attempt: Attempt) -> str | Outcome:
    if params.get("query") is not None:
        return text(params["query"])
    name = text(params.get("file") or "")
    path = os.path.join(attempt.folder, name)
    if (refused := refusal(path, attempt.fences.get("file"))) is not None:
        return Outcome("failed", refused)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        return Outcome("failed", f"the file `{name}` is not UTF-8 text")
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "it is no path").lower()
        return Outcome("failed", f"the file `{name}` can't be read: {why}")
