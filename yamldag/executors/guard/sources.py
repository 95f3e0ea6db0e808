"""Sources of secrets that a project names: `keyring`, `vault`, and those of plug-ins. Asked where a task runs.

A source answers with the value, or None where it has none of that name, in which case the next one is asked. One that
can't be asked fails the lookup: the next might have a value that is not meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any, cast

from yamldag.operators.contract import Json
from yamldag.operators.secrets import UnresolvedError

PATIENCE = 10
"""Seconds for an answer of Vault's."""


class Source:
    """One of them, with its settings as the project file has them."""

    def __init__(self, name: str, settings: Json, reference: str | None = None) -> None:
        """`reference` is where a plug-in is loaded from; None: the source is ours."""
        self.name = name
        self.settings: dict[str, Json] = settings if isinstance(settings, dict) else {}
        self.reference = reference
        self._fields: Mapping[str, Any] | None = None

    def find(self, name: str, settings: Mapping[str, Json], root: str) -> str | None:
        """The value, None: there is none of that name. Raises UnresolvedError: it can't be asked."""
        if self.reference is not None:
            return self._of_plugin(name, settings, root)
        if self.name == "keyring":
            return _of_keyring(name, settings)
        if self.name == "vault":
            if self._fields is None:
                self._fields = _of_vault(settings)
            found = self._fields.get(name)
            return None if found is None else str(found)
        raise UnresolvedError(f"there is no source `{self.name}` of secrets: its plug-in is not here")

    def _of_plugin(self, name: str, settings: Mapping[str, Json], root: str) -> str | None:
        import os

        from yamldag.operators.plugins.loading import load

        here = os.getcwd()
        try:
            os.chdir(root)  # where the paths of its settings start
            with (
                redirect_stdout(StringIO()),
                redirect_stderr(StringIO()),
            ):  # it may print what nobody is to see
                found = load(cast(str, self.reference)).find(name, **settings)
        except Exception as fault:  # the border: a plug-in's own code runs here, and may raise anything
            words = str(fault).strip().partition("\n")[0] or "no reason given"
            raise UnresolvedError(f"the source `{self.name}` of secrets broke off: {words}") from None
        finally:
            os.chdir(here)
        if found is None or isinstance(found, str):
            return found
        raise UnresolvedError(f"the source `{self.name}` of secrets should give text for `{name}`")


def _of_keyring(name: str, settings: Mapping[str, Json]) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        raise UnresolvedError(
            "secrets of the system's keyring need `pip install 'yamldag[keyring]'`"
        ) from None
    service = str(settings.get("service") or "yamldag")
    try:
        return keyring.get_password(service, name)
    except KeyringError as error:
        raise UnresolvedError(f"the system's keyring can't be asked for `{name}`: {_line(error)}") from None


def _of_vault(settings: Mapping[str, Json]) -> Mapping[str, Any]:
    """The fields of one secret of the key-value engine, version 2."""
    try:
        import hvac
        from hvac.exceptions import InvalidPath, VaultError
        from requests import RequestException
    except ModuleNotFoundError:
        raise UnresolvedError("secrets of Vault need `pip install 'yamldag[vault]'`") from None
    url, path = str(settings.get("url")), str(settings.get("path"))
    try:
        client = hvac.Client(
            url=url, token=settings.get("token"), namespace=settings.get("namespace"), timeout=PATIENCE
        )
        if settings.get("role_id") is not None:
            client.auth.approle.login(settings.get("role_id"), settings.get("secret_id"))
        told = client.secrets.kv.v2.read_secret_version(
            path=path, mount_point=str(settings.get("mount") or "secret"), raise_on_deleted_version=True
        )
        fields: Mapping[str, Any] = told["data"]["data"] or {}
    except InvalidPath:
        return {}
    except VaultError as error:
        raise UnresolvedError(f"Vault at {url} does not give `{path}`: {_line(error)}") from None
    except (RequestException, ValueError, KeyError, TypeError):
        raise UnresolvedError(f"Vault at {url} can't be reached, or does not answer as Vault does") from None
    return fields


def _line(error: Exception) -> str:
    return str(error).strip().partition(",")[0].partition("\n")[0].lower() or "no reason given"
