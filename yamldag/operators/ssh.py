"""`ssh`: a command on another machine. `connection` is that machine, as the task's guard has resolved it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from yamldag.operators.connections import Connection
from yamldag.operators.contract import Attempt, Json, Outcome, Work, text
from yamldag.operators.ending import of_elsewhere as outcome
from yamldag.operators.process import argv

__all__ = ["inline", "machine", "outcome", "prepare"]

inline = False

PORT = 22
_PATHS = ("identity", "known_hosts")
"""Settings that may be the path of a file; `known_hosts` may hold the lines themselves."""


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    connection = params.get("connection")
    if not isinstance(connection, dict):
        return Outcome("failed", "`ssh` needs a `connection`: the id of one of `connections:` in yamldag.yml")
    found = machine(connection, text(connection.get("root") or "/"))
    if isinstance(found, str):
        return Outcome("failed", f"the connection can't be used: {found}")
    spec: dict[str, Json] = {
        "operator": "ssh",
        "result": attempt.result_path,
        "output": attempt.output_path,
        "command": text(params["command"]),
        "machine": found,
    }
    return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "ssh", "/", ""))


def machine(connection: Connection, root: str) -> dict[str, Json] | str:
    """What it takes to sign in: `{host, port, user, password, private_key, identity, passphrase, known_hosts}`, null
    for what is not said; or what is wrong. Paths start from `root`."""
    host = text(connection.get("host") or "")
    if not host:
        return "it has no `host`"
    extra = connection.get("extra")
    said = {**(extra if isinstance(extra, dict) else {}), **connection}
    port = text(said.get("port") or PORT)
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        return f"`port` should be a number from 1 to 65535, found `{port}`"
    names = ("user", "password", "private_key", "identity", "passphrase", "known_hosts")
    found: dict[str, Json] = {name: None if said.get(name) is None else text(said[name]) for name in names}
    for name in _PATHS:
        path = found[name]
        if isinstance(path, str) and not _is_text(path):
            found[name] = os.path.join(root, os.path.expanduser(path))
    return {"host": host, "port": int(port), **found}


def _is_text(value: str) -> bool:
    """Whether these are lines of known hosts, and not the path of a file of them."""
    return not value.startswith(("/", "~")) and any(letter.isspace() for letter in value.strip())
