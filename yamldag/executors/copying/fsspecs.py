"""Files that fsspec knows how to reach: S3, SFTP, and whatever packages bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO
from urllib.parse import SplitResult, unquote, urlsplit

from yamldag.executors.copying.places import Place, StoreError, scheme_of, shown
from yamldag.executors.reach import Reach

_BY_PATH = ("sftp", "ssh")
"""Schemes of servers whose files go by a path alone."""


@contextmanager
def opened(place: Place, mode: str, reach: Reach) -> Iterator[BinaryIO]:
    system, path = _system(place, reach)
    if mode == "rb":
        with system.open(path, "rb") as file:
            yield file
    else:
        yield from _written(system, path, by_name=scheme_of(place) in _BY_PATH)


def try_to_sign_in(place: Place, reach: Reach) -> None:
    system, path = _system(place, reach)
    system.ls(path.rstrip("/") or "/", detail=False)


def known(place: Place) -> None:
    """Raises StoreError if fsspec knows no such places."""
    import fsspec

    if scheme_of(place) not in fsspec.available_protocols():
        raise StoreError(f"nothing here knows what `{scheme_of(place)}` is", retry=False)


def _system(place: Place, reach: Reach) -> tuple[Any, str]:
    """The file system of a place, and what the place is called there."""
    scheme = scheme_of(place)
    known(place)
    import fsspec

    try:
        system = fsspec.filesystem(scheme, skip_instance_cache=True, **_settings(place, reach))
    except ImportError as error:
        raise ModuleNotFoundError(error.msg, name=error.name) from None
    except PermissionError:
        raise StoreError(f"the host of {shown(place['url'])} does not let us in") from None
    return system, unquote(urlsplit(place["url"]).path) if scheme in _BY_PATH else place["url"]


def _written(system: Any, path: str, by_name: bool) -> Iterator[BinaryIO]:
    folder, _, name = path.rpartition("/")
    target = f"{folder}/.{name}.part" if by_name else path
    if by_name and folder:
        system.makedirs(folder, exist_ok=True)
    file = system.open(target, "wb")
    try:
        yield file
    except BaseException:
        with suppress(Exception):  # the end that is told of is the first one
            if by_name:
                file.close()
                system.rm_file(target)
            else:
                file.discard()
                file.closed = True
        raise
    file.close()
    if by_name:
        system.mv(target, path)


def _settings(place: Place, reach: Reach) -> dict[str, Any]:
    given = place.get("connection") or {}
    if scheme_of(place) in ("s3", "s3a"):
        return _of_s3(given, reach)
    if scheme_of(place) in _BY_PATH:
        return _of_sftp(urlsplit(place["url"]), given, reach)
    extra = given.get("extra")
    return dict(extra) if isinstance(extra, Mapping) else {}


def _of_s3(given: Mapping[str, Any], reach: Reach) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "key": given.get("key"),
        "secret": given.get("secret"),
        "token": given.get("token"),
    }
    if given.get("anonymous") is True:
        settings = {"anon": True}
    client: dict[str, Any] = {}
    if endpoint := given.get("endpoint"):
        there = urlsplit(str(endpoint))
        reach.addresses(there.hostname or "", there.port or 443)
        settings["endpoint_url"] = str(endpoint)
    if region := given.get("region"):
        client["region_name"] = str(region)
    return {
        **settings,
        "client_kwargs": client,
        "default_block_size": 5 << 20,  # the least that a part of an upload may have
        "max_concurrency": 1,
        "default_fill_cache": False,
    }


def _of_sftp(parts: SplitResult, given: Mapping[str, Any], reach: Reach) -> dict[str, Any]:
    host, port = parts.hostname or "", parts.port or int(given.get("port") or 22)
    settings: dict[str, Any] = {
        "host": reach.addresses(host, port)[0],
        "port": port,
        "host_key_alias": host,
        "known_hosts": (),
        "config": None,
    }
    if user := unquote(parts.username or str(given.get("user") or "")):
        settings["username"] = user
    if password := unquote(parts.password or str(given.get("password") or "")):
        settings["password"] = password
    if key := given.get("private_key"):
        import asyncssh

        settings["client_keys"] = [asyncssh.import_private_key(str(key), given.get("passphrase"))]
    elif password:
        settings["client_keys"] = None
    if host_key := given.get("host_key"):
        import asyncssh

        settings["known_hosts"] = ([asyncssh.import_public_key(str(host_key))], [], [])
    elif known := given.get("known_hosts"):
        settings["known_hosts"] = str(known)
    return settings
