"""The secrets and connections of this machine, looked up when a template asks for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from yamldag.operators import connections
from yamldag.operators.connections import Connection
from yamldag.operators.contract import Json
from yamldag.operators.secrets import CONNECTION, DECLARED, UnresolvedError, find, variable
from yamldag.plan.expression import TemplateError, render


class Keyring:
    """What the project declares and this machine's environment gives. Remembers which values it gave out."""

    def __init__(self, environment: Mapping[str, str], declared: Mapping[str, Any] | None = None) -> None:
        """`declared` as `Project.declared` has it; None: the environment says so."""
        told = json.loads(environment.get(DECLARED) or "{}") if declared is None else declared
        self._environment = environment
        self.root: str = told.get("root") or "/"
        self._secrets: Mapping[str, str | None] = told.get("secrets") or {}
        self._connections: Mapping[str, Json] = told.get("connections") or {}
        self.given: set[str] = set()
        """Values that must not be seen."""

    @property
    def names(self) -> Mapping[str, Any]:
        """What templates see of it."""
        return {
            "secrets": _Names(self.secret, self._secrets),
            "connections": _Names(self.connection, self._connections),
        }

    def secret(self, name: str) -> str:
        """Its value. Raises UnresolvedError."""
        value = find(name, self._environment, self._secrets).text
        self.given.add(value)
        return value

    def origin(self, name: str) -> str:
        """Where a connection comes from. Raises UnresolvedError."""
        asked = variable(CONNECTION, name)
        if asked in self._environment:
            return f"${asked}"
        if name in self._connections:
            return "yamldag.yml"
        raise UnresolvedError(
            f"there is no connection `{name}`: declare it under `connections:` in yamldag.yml, or set `${asked}`"
        )

    def connection(self, name: str) -> Connection:
        """Its settings, secrets put in. Raises UnresolvedError."""
        asked = variable(CONNECTION, name)
        if self.origin(name).startswith("$"):
            given = connections.parse(name, self._environment[asked])
        else:
            given = self._connections[name]
        try:
            put_in = render(given, {"secrets": self.names["secrets"]})
        except TemplateError as error:
            raise UnresolvedError(f"the connection `{name}`: {error}") from None
        found = connections.read(name, put_in)
        self.given.update(connections.private(found))
        return found


class _Names(Mapping[str, Any]):
    """`secrets` or `connections` as templates see them."""

    def __init__(self, ask: Any, names: Mapping[str, Any]) -> None:
        self._ask = ask
        self._names = names

    def __getitem__(self, name: str) -> Any:
        try:
            return self._ask(name)
        except UnresolvedError as error:
            raise TemplateError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
