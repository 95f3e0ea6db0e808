"""`docker`: a command in a container of a Docker engine. `connection` is that engine, as the task's guard has resolved
it; without one it is this machine's."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping

from yamldag.operators.contract import Attempt, Json, Outcome, Work, text, words
from yamldag.operators.ending import of_elsewhere as outcome
from yamldag.operators.process import argv

__all__ = ["engine", "inline", "outcome", "prepare"]

inline = False

SOCKET = "unix:///var/run/docker.sock"
_SCHEMES = ("unix", "tcp", "http", "https")
_UNITS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}
_FILES = ("ca_file", "cert_file", "key_file")


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    there = engine(params.get("connection"))
    limits = _limits(params.get("resources"))
    for made in (there, limits):
        if isinstance(made, str):
            return Outcome("failed", made)
    key = hashlib.sha256("\n".join((attempt.run_dir, *attempt.whose)).encode()).hexdigest()
    spec: dict[str, Json] = {
        "operator": "docker",
        "result": attempt.result_path,
        "output": attempt.output_path,
        "engine": there,
        "name": f"yamldag-{key[:24]}-{attempt.number}",
        "key": key,
        "image": text(params["image"]),
        "entrypoint": _entrypoint(params.get("command")),
        "args": list(words(_listed(params.get("args")))),
        "limits": limits,
        "labels": {} if params.get("namespace") is None else {"yamldag.namespace": text(params["namespace"])},
    }
    return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "docker", "/", ""))


def engine(connection: Json) -> dict[str, Json] | str:
    """Where it is, `{url, ca_file, cert_file, key_file, user, password}`; or what is wrong with that, in words."""
    said: dict[str, Json] = connection if isinstance(connection, dict) else {}
    url = text(said.get("url") or os.environ.get("DOCKER_HOST") or SOCKET)
    scheme, _, place = url.partition("://")
    if scheme not in _SCHEMES or not place:
        return f"the Docker engine should be a URL such as `{SOCKET}` or `tcp://host:2376`, found `{url}`"
    root = text(said.get("root") or "/")
    files: dict[str, Json] = {
        name: os.path.join(root, text(said[name])) if said.get(name) is not None else None for name in _FILES
    }
    return {"url": url, **files, "user": said.get("user"), "password": said.get("password")}


def _entrypoint(command: Json) -> list[Json] | None:
    """None: the image's own."""
    if command is None:
        return None
    return list(words(command)) if isinstance(command, list) else ["/bin/sh", "-c", text(command)]


def _listed(given: Json) -> list[Json]:
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _limits(resources: Json) -> dict[str, Json] | str:
    """As the engine takes them; or what is wrong, in words."""
    found: dict[str, Json] = {}
    for name, given in (resources if isinstance(resources, dict) else {}).items():
        written = text(given).strip()
        if name == "cpu" and (number := _cpus(written)):
            found["NanoCpus"] = number
        elif name == "memory" and (number := _bytes(written)):
            found["Memory"] = number
        elif name in ("cpu", "memory"):
            wanted = "a number such as 2 or 500m" if name == "cpu" else "a size such as 512Mi or 1Gi"
            return f"`{name}` should be {wanted}, found `{written}`"
        else:
            return f"`resources` takes `cpu` and `memory`, found `{name}`"
    return found


def _cpus(written: str) -> int | None:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(m?)", written)
    return int(float(match[1]) * (10**6 if match[2] else 10**9)) if match else None


def _bytes(written: str) -> int | None:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kmgt]?i?)b?", written.lower())
    return int(float(match[1]) * _UNITS[match[2]]) if match and match[2] in _UNITS else None
