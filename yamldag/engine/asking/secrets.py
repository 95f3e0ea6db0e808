"""Connections and secrets of a project, as commands and pages tell of them: never what is secret in them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from yamldag.compile.project import Project
from yamldag.executors.guard.keyring import FILE, STORE, Keyring
from yamldag.executors.guard.masking import Mask
from yamldag.operators.connections import KINDS, Connection
from yamldag.operators.contract import text
from yamldag.operators.secrets import CONNECTION, TOO_SHORT, UnresolvedError, variable

UNDECLARED = "no pipeline can use it: declare its name under `secrets:` in yamldag.yml"
_SHOWN = ("type", "host", "port", "database", "path", "user")


Kept = Mapping[str, Mapping[str, str]]
"""What the database keeps, encrypted, by kind and name: `store.stored.tokens`."""


def keys_of(project: Project, kept: Kept, *, far: bool = True) -> Keyring:
    """What resolves them here; without `far`, nobody else is asked: no keyring, no Vault, no plug-in."""
    told = json.loads(project.declared)
    away = () if far else tuple(name for name, *_ in told["sources"])
    return Keyring(os.environ, told if far else {**told, "sources": []}, kept, away=away)


def connection_rows(project: Project, keys: Keyring) -> list[dict[str, Any]]:
    """`{id, type, address, source, note}`: the note says why it can't be resolved, and is null where it can."""
    return [_row(name, keys, project.kind_of_connection(name)) for name in connection_ids(project, keys)]


def connection_ids(project: Project, keys: Keyring) -> list[str]:
    """All that are declared, in the environment or in the database."""
    return sorted({*project.connections, *given(project), *keys.kept("connection")})


def given(project: Project) -> list[str]:
    """The ids of those that the environment alone knows."""
    known = {variable(CONNECTION, name) for name in project.connections}
    return [
        name.removeprefix(CONNECTION).lower()
        for name in os.environ
        if name.startswith(CONNECTION) and name not in known and name != CONNECTION
    ]


def _row(name: str, keys: Keyring, declared: str | None) -> dict[str, Any]:
    """One that can't be resolved has the type that the file tells of."""
    source = None
    try:
        source = keys.origin(name)
        found = keys.connection(name)
    except UnresolvedError as error:
        return {
            "id": name,
            "type": declared if declared in KINDS and source in (None, FILE) else None,
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


def secret_rows(project: Project, keys: Keyring) -> list[dict[str, Any]]:
    """`{name, source, note}`: the source is null where there is no value, and the note says why. What the database
    keeps and no file declares is there, too."""
    declared = project.secrets
    rows = [_secret(name, keys) for name in sorted(declared)]
    return rows + [
        {"name": name, "source": STORE, "note": UNDECLARED}
        for name in sorted(keys.kept("secret"))
        if name not in declared
    ]


def _secret(name: str, keys: Keyring) -> dict[str, Any]:
    try:
        value = keys.value(name)
    except UnresolvedError as error:
        return {"name": name, "source": None, "note": masked(str(error), keys)}
    short = len(value.text) < TOO_SHORT
    note = f"it has fewer than {TOO_SHORT} characters, so that it is not masked" if short else None
    return {"name": name, "source": value.origin, "note": note}
