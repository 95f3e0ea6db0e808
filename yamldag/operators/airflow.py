"""`airflow`: an operator of Airflow, by its class. `connections` are those that it may ask for, as the task's guard has
resolved them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import cast

from yamldag.operators import requirements
from yamldag.operators.airflow_words import PATH, instead_of
from yamldag.operators.connections import Connection, web_address
from yamldag.operators.contract import Attempt, Json, Outcome, Work, text
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.process import argv

__all__ = ["connection_of_airflow", "inline", "named", "outcome", "prepare", "variables"]

inline = False

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,199}")


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    path, args = text(params["operator"]), params.get("args") or {}
    packages = requirements.listed(params.get("requirements"))
    if not PATH.fullmatch(path):
        return Outcome("failed", f"`operator` should be the path of a class, found `{path}`")
    if not isinstance(args, dict):
        return Outcome("failed", f"`args` should be a mapping of names to values, found `{text(args)}`")
    if (fault := requirements.fault(packages) or _misplaced(args)) is not None:
        return Outcome("failed", fault)
    given = params.get("connections")
    connections = cast(dict[str, Connection], given if isinstance(given, dict) else {})
    spec: dict[str, Json] = {
        "operator": "airflow",
        "class": path,
        "args": args,
        "folder": attempt.folder,
        "scratch": attempt.run_dir,
        "result": attempt.result_path,
        "run": attempt.run_id,
        "task": attempt.task_id,
        "number": attempt.number,
        "map_index": attempt.map_index,
        "told": attempt.told,
        "variables": cast(Json, variables(connections, attempt.told.get("vars", {}))),
    }
    if not packages:
        return Work(argv(attempt.spec_path), spec=spec)
    spec |= requirements.environment(packages, attempt)
    return Work(argv(attempt.spec_path, own_environment=True), spec=spec)


def _misplaced(args: Mapping[str, Json]) -> str | None:
    """An argument that only Airflow's scheduler would go by."""
    name = next((each for each in args if instead_of(each)), None)
    return None if name is None else f"`{name}` has no effect in `args`: {instead_of(name)}"


# Connections


def named(args: Json) -> Iterator[str]:
    """The texts among the arguments that may be ids of connections."""
    if isinstance(args, str):
        if _ID.fullmatch(args):
            yield args
    elif isinstance(args, (dict, list)):
        for each in args.values() if isinstance(args, dict) else args:
            yield from named(each)


def variables(connections: Mapping[str, Connection], values: Mapping[str, Json]) -> dict[str, str]:
    """The environment by which Airflow's hooks find connections, and its `Variable` our `vars`."""
    import json

    found = {f"AIRFLOW_VAR_{name.upper()}": text(value) for name, value in values.items()}
    for name, connection in connections.items():
        found[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(connection_of_airflow(connection))
    return found


_KINDS = {"postgresql": "postgres", "mariadb": "mysql", "https": "http", "smtps": "smtp", "s3": "aws"}
_FIELDS = {"host": "host", "port": "port", "user": "login", "password": "password", "database": "schema"}
_STORE = {"token": "aws_session_token", "endpoint": "endpoint_url", "region": "region_name"}
_LOGIN = {"identity": "key_file", "private_key": "private_key", "passphrase": "private_key_passphrase"}
_TLS = {"ca": "verify", "cert": "cert"}
_FILES = ("identity", "ca", "cert", "cert_key")


def connection_of_airflow(connection: Connection) -> dict[str, Json]:
    """A connection in Airflow's words, as `AIRFLOW_CONN_…` takes it. What those have no word for is `extra`, by its own
    name."""
    kind, root = text(connection.get("type") or ""), text(connection.get("root") or "/")
    said: Connection = {name: value for name, value in connection.items() if value is not None}
    for name in _FILES:
        if name in said:
            said[name] = os.path.join(root, os.path.expanduser(text(said[name])))
    found: dict[str, Json] = {"conn_type": _KINDS.get(kind, kind)}
    found |= {theirs: said.pop(ours) for ours, theirs in _FIELDS.items() if ours in said}
    extra = said.pop("extra", None)
    more: dict[str, Json] = dict(extra) if isinstance(extra, dict) else {}
    special = _SPECIAL.get(found["conn_type"]) if isinstance(found["conn_type"], str) else None
    if special is not None:
        special(connection, said, found, more)
    left = ("type", "root", "url", "path")
    more |= {name: value for name, value in said.items() if name not in left and not name.startswith("x-")}
    return {**found, "extra": more} if more else found


def _web(connection: Connection, said: Connection, found: dict[str, Json], more: dict[str, Json]) -> None:
    """Its `extra` are headers, but for what its hook takes out of them."""
    if said.get("path") or said.get("url"):
        found["host"] = web_address(connection, "")
        found.pop("port", None)
    else:
        found["schema"] = text(connection.get("type"))
    if isinstance(headers := said.pop("headers", None), dict):
        more |= headers
    if (token := said.pop("token", None)) is not None:
        more.setdefault("Authorization", f"Bearer {text(token)}")
    if "cert" in said and (key := said.pop("cert_key", None)) is not None:
        said["cert"] = [said["cert"], key]
    _renamed(said, more, _TLS)


def _file(connection: Connection, _said: Connection, found: dict[str, Json], _more: dict[str, Json]) -> None:
    path = text(connection.get("database") or connection.get("path") or "")
    found.pop("schema", None)
    found["host"] = (
        path if path in ("", ":memory:") else os.path.join(text(connection.get("root") or "/"), path)
    )


def _store(_connection: Connection, said: Connection, found: dict[str, Json], more: dict[str, Json]) -> None:
    for ours, theirs in (("key", "login"), ("secret", "password")):
        if ours in said:
            found[theirs] = said.pop(ours)
    _renamed(said, more, _STORE)


def _machine(
    _connection: Connection, said: Connection, _found: dict[str, Json], more: dict[str, Json]
) -> None:
    _renamed(said, more, _LOGIN)


def _renamed(said: Connection, more: dict[str, Json], words: Mapping[str, str]) -> None:
    more.update({theirs: said.pop(ours) for ours, theirs in words.items() if ours in said})


_SPECIAL = {"http": _web, "sqlite": _file, "aws": _store, "ssh": _machine, "sftp": _machine}
