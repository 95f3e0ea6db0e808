"""`copy`: from one place to another, a file or a table. A `connection` is the connection itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from yamldag.operators.connections import (
    DATABASES,
    STORES,
    database_url,
    leads_up,
    store_url,
    web_headers,
    web_signing,
    web_tls,
)
from yamldag.operators.contract import Attempt, Json, Outcome, Work, text
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.fenced import refusal
from yamldag.operators.guarded import NO_ID
from yamldag.operators.process import argv
from yamldag.operators.secrets import UnresolvedError

__all__ = ["inline", "outcome", "prepare"]

inline = False

FORMS = {"csv": "csv", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl", "parquet": "parquet"}
MODES = ("append", "replace", "upsert")
_LOCAL = re.compile(r"(?:file|local):(?://localhost(?=/)|//(?=/))?", re.IGNORECASE)
"""What a URL begins with that is a path on this machine."""


class _UnfitError(Exception):
    """Why there is no such place, in words."""


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    try:
        source, target = (_end(name, params.get(name), attempt) for name in ("from", "to"))
    except _UnfitError as error:
        return Outcome("failed", str(error))
    except UnresolvedError as error:
        return Outcome("failed", f"the connection can't be used: {error}")
    if source.get("url") is not None and source.get("url") == target.get("url"):
        return Outcome("failed", "`from` and `to` are the same file")
    spec: dict[str, Json] = {
        "operator": "copy",
        "result": attempt.result_path,
        "from": source,
        "to": target,
        "reach": attempt.reach,
    }
    return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "copy", "/", ""))


def _end(name: str, given: Json, attempt: Attempt) -> dict[str, Json]:
    """A place or a table, as `yamldag.executors.copying` has them. Raises _UnfitError, UnresolvedError."""
    end = given if isinstance(given, dict) else {"url": given}
    connection = end.get("connection")
    if isinstance(connection, dict) and not attempt.connected:
        raise _UnfitError(NO_ID)
    known = connection if isinstance(connection, dict) else {}
    kind = text(known.get("type") or "").partition("+")[0]
    if kind in DATABASES or end.get("table") is not None or end.get("query") is not None:
        return _table(name, end, known)
    return _place(name, end, known, attempt)


def _table(name: str, end: Mapping[str, Json], connection: Mapping[str, Json]) -> dict[str, Json]:
    if not connection:
        raise _UnfitError(f"`{name}` has a table, and so needs a `connection` to a database")
    found: dict[str, Json] = {"database": database_url(connection, text(connection.get("root") or "/"))}
    if name == "from" and end.get("query") is not None:
        bound = end.get("params")
        if bound is not None and not isinstance(bound, dict | list):
            raise _UnfitError(f"`params` should be a mapping or a list, found `{text(bound)}`")
        return {**found, "query": text(end["query"]), "params": bound}
    if not text(end.get("table") or ""):
        raise _UnfitError(f"`{name}` needs a `table`" + (" or a `query`" if name == "from" else ""))
    mode = text(end.get("mode") or "append")
    if mode not in MODES:
        raise _UnfitError(f"`mode` should be one of {', '.join(MODES)}, found `{mode}`")
    key = end.get("key")
    names: list[Json] = [
        text(each) for each in (key if isinstance(key, list) else [] if key is None else [key])
    ]
    if mode == "upsert" and not names:
        raise _UnfitError("`mode: upsert` needs a `key`: the columns that tell rows apart")
    return {**found, "table": text(end["table"]), "mode": mode, "key": names}


def _place(
    name: str, end: Mapping[str, Json], connection: Mapping[str, Json], attempt: Attempt
) -> dict[str, Json]:
    url, path = end.get("url"), end.get("path")
    if url is not None:
        address = text(url).strip()
    elif connection:
        address = store_url(connection, text(path or ""))
    else:
        raise _UnfitError(f"`{name}` should be a URL, or a mapping with a `connection`")
    if not address:
        raise _UnfitError(f"`{name}` should be a URL or a path, found nothing")
    scheme = urlsplit(address).scheme.lower() if "://" in address else ""
    fence = attempt.fences.get(name)
    if scheme in ("", "file", "local"):
        file = os.path.normpath(local_path(address, attempt.cwd))
        if (refused := refusal(file, fence)) is not None:
            raise _UnfitError(refused)
        address = f"file://{quote(file)}"
    elif fence is not None and (words := _unfenced(name, scheme, path)) is not None:
        raise _UnfitError(words)
    elif name == "to" and scheme in ("http", "https"):
        raise _UnfitError("`to` can't be a web address: files can be read from there, not written")
    found: dict[str, Json] = {"url": address, "form": _form(end.get("format"), urlsplit(address).path)}
    if scheme in ("http", "https"):
        headers = dict[str, Json](web_headers(connection))
        return {**found, "headers": headers, "signing": web_signing(connection), "tls": web_tls(connection)}
    return {**found, "connection": dict(connection)}


def _unfenced(name: str, scheme: str, path: Json) -> str | None:
    """Why what comes from outside may not be such an address, in words."""
    if path is not None and leads_up(text(path)):
        return (
            f"the `path` of `{name}` comes from outside (a param, an output, an item), and may hold no `..`"
        )
    if path is None and scheme not in ("http", "https", *STORES):
        return f"`{name}` comes from outside (a param, an output, an item): write `{scheme}://` into the pipeline"
    return None


def path_of(url: str) -> str:
    """The path of a `file:` URL."""
    return unquote(urlsplit(url).path)


def local_path(written: str, folder: str) -> str:
    """Of a file of this machine, which is written as a path from `folder` or as a URL."""
    found = _LOCAL.match(written)
    return os.path.join(folder, unquote(written[found.end() :]) if found else written)


def _form(given: Json, path: str) -> str | None:
    """What the file holds, said or told by its ending."""
    if given is None:
        ending = path.lower().removesuffix(".gz").rpartition(".")[2]
        return FORMS.get(ending)
    if text(given) not in FORMS:
        raise _UnfitError(f"`format` should be one of csv, json, jsonl, parquet, found `{text(given)}`")
    return FORMS[text(given)]
