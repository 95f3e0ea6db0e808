"""The secrets and connections of this machine, looked up when a template asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from yamldag.executors.guard import sources
from yamldag.operators import connections, strongbox
from yamldag.operators.connections import Connection
from yamldag.operators.contract import Json
from yamldag.operators.secrets import (
    CONNECTION,
    DECLARED,
    SECRET,
    UnresolvedError,
    Value,
    folder,
    of_environment,
    of_file,
    variable,
)
from yamldag.operators.strongbox import Strongbox
from yamldag.plan.expression import TemplateError, render

STORE = "the database"
FILE = "yamldag.yml"
Find = Callable[[str], Value | None]


class Keyring:
    """What the project declares, and this machine's sources give. Remembers which values it gave out."""

    def __init__(
        self,
        environment: Mapping[str, str],
        declared: Mapping[str, Any] | None = None,
        stored: Mapping[str, Mapping[str, str]] | None = None,
        away: tuple[str, ...] = (),
    ) -> None:
        """`declared` as `Project.declared` has it; None: the environment says so. `stored` is what the database keeps,
        encrypted, by kind and name. `away` are sources that are not asked now, and may have what is missing."""
        told = json.loads(environment.get(DECLARED) or "{}") if declared is None else declared
        self._environment = environment
        self.root: str = told.get("root") or "/"
        self._secrets: Mapping[str, str | None] = told.get("secrets") or {}
        self._connections: Mapping[str, Json] = told.get("connections") or {}
        self._stored: Mapping[str, Mapping[str, str]] = stored or {}
        self._away = away
        self._sources: list[Find] = [
            partial(of_environment, environment=environment),
            partial(of_file, environment=environment),
            self._kept,
        ]
        for named in told.get("sources") or ():
            self._sources.append(partial(self._brought, sources.Source(*named), len(self._sources)))
        self._sources.append(self._written)
        self._box: Strongbox | None = None
        self.given: set[str] = set()
        """Values that must not be seen."""

    @property
    def names(self) -> Mapping[str, Any]:
        """What templates see of it."""
        return {
            "secrets": _Names(self.secret, self._secrets),
            "connections": _Names(self.connection, {**self._connections, **self.kept("connection")}),
        }

    def kept(self, kind: str) -> Mapping[str, str]:
        """What the database keeps of secrets, or of connections: tokens by name."""
        return self._stored.get(kind, {})

    def secret(self, name: str) -> str:
        """Its value. Raises UnresolvedError."""
        return self.value(name).text

    def value(self, name: str, before: int | None = None) -> Value:
        """The same with where it came from, of the first source that has it; `before` leaves out all from that one on.
        Raises UnresolvedError."""
        if name not in self._secrets:
            raise UnresolvedError(f"there is no secret `{name}`: declare it under `secrets:` in yamldag.yml")
        for find in self._sources[:before]:
            found = find(name)
            if found is not None:
                self.given.add(found.text)
                return found
        if self._away:
            raise UnresolvedError(
                f"the secret `{name}` is asked of {' or '.join(self._away)} when a task needs it"
            )
        asked, file = variable(SECRET, name), f"{folder(self._environment)}/{name}"
        raise UnresolvedError(
            f"the secret `{name}` has no value here: neither `${asked}` nor the file `{file}`; "
            f"`yamldag secrets set {name}` keeps one"
        )

    def origin(self, name: str) -> str:
        """Where a connection comes from. Raises UnresolvedError."""
        asked = variable(CONNECTION, name)
        if asked in self._environment:
            return f"${asked}"
        if name in self.kept("connection"):
            return STORE
        if self._connections.get(name) is not None:
            return FILE
        if name in self._connections:
            raise UnresolvedError(
                f"the connection `{name}` has no value here: `yamldag connections add {name}`, or set `${asked}`"
            )
        raise UnresolvedError(
            f"there is no connection `{name}`: declare it under `connections:` in yamldag.yml, or set `${asked}`"
        )

    def connection(self, name: str) -> Connection:
        """Its settings, secrets put in. Raises UnresolvedError."""
        origin = self.origin(name)
        if origin.startswith("$"):
            given = connections.parse(name, self._environment[origin[1:]])
        elif origin == STORE:
            given = connections.parse(name, self._opened("connection", name))
        else:
            given = self._connections[name]
        try:
            put_in = render(given, {"secrets": self.names["secrets"]})
        except TemplateError as error:
            raise UnresolvedError(f"the connection `{name}`: {error}") from None
        found = connections.read(name, put_in)
        self.given.update(connections.private(found))
        return found

    def handed_on(self, named: Iterable[str], ending: str) -> dict[str, Connection]:
        """Those of these ids, as far as there are such connections, and those of ids that end so and can be resolved.
        Raises UnresolvedError."""
        declared = {**self._connections, **self.kept("connection")}
        wanted = {
            name for name in named if name in declared or variable(CONNECTION, name) in self._environment
        }
        found = {name: self.connection(name) for name in sorted(wanted)}
        for name in declared:
            if name.endswith(ending) and name not in found:
                with suppress(UnresolvedError):
                    found[name] = self.connection(name)
        return {name: {**connection, "root": self.root} for name, connection in found.items()}

    # Sources

    def _kept(self, name: str) -> Value | None:
        return Value(self._opened("secret", name), STORE) if name in self.kept("secret") else None

    def _opened(self, kind: str, name: str) -> str:
        if self._box is None:
            self._box = strongbox.of(self._environment, self.root)
        return self._box.opened(kind, name, self.kept(kind)[name])

    def _brought(self, source: sources.Source, position: int, name: str) -> Value | None:
        """From a source of the project's: its own settings may name secrets that come from those before it."""
        asked = _Names(lambda one: self.value(one, position).text, self._secrets)
        try:
            settings = render(source.settings, {"secrets": asked})
        except TemplateError as error:
            raise UnresolvedError(f"the source `{source.name}` of secrets: {error}") from None
        assert isinstance(settings, dict)
        found = source.find(name, settings, self.root)
        return None if found is None else Value(found, source.name)

    def _written(self, name: str) -> Value | None:
        given = self._secrets[name]
        return None if given is None else Value(given, "yamldag.yml")


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
