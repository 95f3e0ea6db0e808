"""Connections and secrets of a project, as commands and pages tell of them: never what is secret in them."""

from __future__ import annotations

import json
import os
from typing import Any

from yamldag.compile.project import Project
from yamldag.executors.guard.keyring import Keyring
from yamldag.executors.guard.masking import Mask
from yamldag.operators.connections import Connection
from yamldag.operators.contract import text
from yamldag.operators.secrets import CONNECTION, TOO_SHORT, UnresolvedError, find, variable

_SHOWN = ("type", "host", "port", "database", "path", "user")


def connection_rows(project: Project) -> list[dict[str, Any]]:
    """`{id, type, address, source, note}`: the note says why it can't be resolved, and is null where it can."""
    keys = keys_of(project)
    return [_row(name, keys) for name in sorted({*project.connections, *given(project)})]


def keys_of(project: Project) -> Keyring:
    """What resolves them here."""
    return Keyring(os.environ, json.loads(project.declared))


def given(project: Project) -> list[str]:
    """The ids of those that the environment alone knows."""
    known = {variable(CONNECTION, name) for name in project.connections}
    return [
        name.removeprefix(CONNECTION).lower()
        for name in os.environ
        if name.startswith(CONNECTION) and name not in known and name != CONNECTION
    ]


def _row(name: str, keys: Keyring) -> dict[str, Any]:
    source = keys.origin(name)
    try:
        found = keys.connection(name)
    except UnresolvedError as error:
        return {
            "id": name,
            "type": None,
            "address": None,
            "source": source,
            "note": masked(str(error), keys),
        }
    address = masked(_address(found), keys)
    return {"id": name, "type": found.get("type"), "address": address, "source": source, "note": None}


def _address(found: Connection) -> str:
    """Where it leads, without what signs in."""
    part = {name: text(found[name]) for name in _SHOWN if found.get(name) is not None}
    host = part.get("host", "") + (f":{part['port']}" if "port" in part else "")
    rest = part.get("database", part.get("path", ""))
    return f"{host}/{rest.lstrip('/')}" if host and rest else host or rest


def masked(words: str, keys: Keyring) -> str:
    """The words without what was resolved on the way."""
    return Mask(keys.given).text(words)


def secret_rows(project: Project) -> list[dict[str, Any]]:
    """`{name, source, note}`: the source is null where there is no value, and the note says why."""
    declared = project.secret_values
    return [_secret(name, declared) for name in declared]


def _secret(name: str, declared: dict[str, str | None]) -> dict[str, Any]:
    try:
        value = find(name, os.environ, declared)
    except UnresolvedError as error:
        return {"name": name, "source": None, "note": str(error)}
    short = len(value.text) < TOO_SHORT
    note = f"it has fewer than {TOO_SHORT} characters, so that it is not masked" if short else None
    return {"name": name, "source": value.origin, "note": note}
