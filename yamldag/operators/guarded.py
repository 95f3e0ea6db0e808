"""A call that may see a secret, as the engine hands it over: its guard looks the secret up where the task runs.

Not an operator that anybody can name; `params` are a sealed call, which `yamldag.executors.guard` opens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from msgspec import to_builtins

from yamldag.operators.builtin import BUILT_IN
from yamldag.operators.contract import Attempt, Json, Work
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.process import argv
from yamldag.operators.secrets import UnresolvedError

__all__ = ["inline", "outcome", "prepare"]

inline = False

NO_ID = "a `connection` should be the id of one, found something else: what a template gives is no connection"
CONNECTING = ("http", "sql")
"""What a `wait` may ask by a `connection`."""
ELSEWHERE = ("docker", "kubernetes", "ssh")
"""Those that carry out a command on another machine, in a container or in a cluster: its environment is the task's own
`env` alone, which their process is told by its spec."""
_ALWAYS = ("airflow", "email", "sql", *ELSEWHERE)
"""They go by a connection, if by one of a name that goes without saying."""


MAIL_SERVER = "smtp"
"""The connection by which mail goes that names none."""


def connects(operator: str, params: Mapping[str, Json]) -> bool:
    """Whether a call goes by a connection: an `http` that has a `url` does not. A plug-in's goes by the parameter of
    that name."""
    if operator.partition("=")[0] not in BUILT_IN:
        return "connection" in params
    if operator == "http":
        return "connection" in params and "url" not in params
    if operator == "copy":
        ends = (params.get("from"), params.get("to"))
        return any(isinstance(end, dict) and "connection" in end for end in ends)
    if operator == "notify":
        return any(map(is_id, receivers(params)))
    return operator in _ALWAYS


def receivers(params: Mapping[str, Json]) -> list[Json]:
    """Those that a `notify` names."""
    to = params.get("to")
    return to if isinstance(to, list) else [to]


def is_id(receiver: Json) -> bool:
    """Whether a receiver is a connection's id, or may turn out to be one; any other is a URL."""
    return isinstance(receiver, str) and ":" not in receiver.partition("{")[0]


def with_connections(
    operator: str, params: Mapping[str, Json], connection: Callable[[str], dict[str, Json]]
) -> dict[str, Json]:
    """The parameters of a call that connects, each id of a connection replaced by what that is."""
    found = dict(params)
    if operator == "copy":
        return {name: _connected(end, connection) for name, end in found.items()}
    if operator == "notify":
        found["to"] = [
            connection(one) if isinstance(one, str) and is_id(one) else one for one in receivers(params)
        ]
        return found
    if operator == "email":
        found.setdefault("connection", MAIL_SERVER)
    return cast(dict[str, Json], _connected(found, connection))


def _connected(holder: Json, connection: Callable[[str], dict[str, Json]]) -> Json:
    if not isinstance(holder, dict) or holder.get("connection") is None:
        return holder
    if not isinstance(name := holder["connection"], str):
        raise UnresolvedError(NO_ID)
    return {**holder, "connection": connection(name)}


def prepare(sealed: Mapping[str, Json], declared: Mapping[str, Json], attempt: Attempt) -> Work:
    """`declared`: `{schema}` that the output must fit, null for any."""
    spec: dict[str, Json] = {
        "operator": "guarded",
        "result": attempt.result_path,
        "sealed": dict(sealed),
        "declared": declared["schema"],
        "attempt": to_builtins(attempt),
    }
    return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "guarded", "/", str(sealed["operator"])))
