"""Where files are: this machine, the web, FTP, SFTP, S3 and what else fsspec knows.

What is written is there whole or as it was before: beside its place first, or as an upload that is completed at the
end. A process that is killed leaves at most a file that begins with a dot.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from yamldag.executors.reach import OutOfReachError, Reach
from yamldag.operators.connections import web_tls

_EXTRAS = {"s3": "s3", "s3a": "s3", "sftp": "sftp", "ssh": "sftp"}
"""The extras of yamldag that bring a scheme."""
_LIBRARIES = ("aiobotocore", "aiohttp", "asyncssh", "botocore", "fsspec", "ftplib", "s3fs")
"""Those whose exceptions are no OSError."""
_BY_PATH = ("sftp", "ssh")
"""Schemes of servers whose files go by a path alone."""
_PATIENCE = 60.0
"""Seconds without an answer."""


class StoreError(Exception):
    """Why a file can't be read or written, in words."""

    def __init__(self, words: str, *, retry: bool = True) -> None:
        super().__init__(words)
        self.retry = retry


Place = Mapping[str, Any]
"""`url`, and `connection`: the settings that sign in."""


def reading(place: Place, reach: Reach) -> AbstractContextManager[BinaryIO]:
    """The file's bytes. Raises StoreError, OutOfReachError."""
    return _open(place, "rb", reach)


def writing(place: Place, reach: Reach) -> AbstractContextManager[BinaryIO]:
    """What takes the file's bytes. Raises StoreError, OutOfReachError."""
    return _open(place, "wb", reach)


def sign_in(place: Place) -> tuple[bool, str]:
    """Whether the store of a place lets us in, and words on it."""
    parts = urlsplit(place["url"])
    reach = Reach(inner=True)
    try:
        with _in_words(place["url"], "rb"):
            if parts.scheme in ("ftp", "ftps"):
                _signed_in(parts.scheme == "ftps", parts, place["connection"], reach).close()
            else:
                system, path = _system(place, reach)
                system.ls(path.rstrip("/") or "/", detail=False)
    except (StoreError, OutOfReachError) as error:
        return False, str(error)
    return True, "it lets us in"


def known(place: Place) -> None:
    """Raises StoreError if nothing here knows such a place."""
    scheme = urlsplit(place["url"]).scheme.lower()
    if scheme not in _SCHEMES:
        with _in_words(place["url"], "wb"):
            import fsspec

            if scheme not in fsspec.available_protocols():
                raise StoreError(f"nothing here knows what `{scheme}` is", retry=False)


@contextmanager
def _open(place: Place, mode: str, reach: Reach) -> Iterator[BinaryIO]:
    url = place["url"]
    how = _SCHEMES.get(urlsplit(url).scheme.lower(), _of_fsspec)
    with _in_words(url, mode), how(place, mode, reach) as file:
        yield file


@contextmanager
def _in_words(url: str, mode: str) -> Iterator[None]:
    """What goes wrong there. What others raise meanwhile goes through."""
    try:
        yield
    except (StoreError, OutOfReachError):
        raise
    except ModuleNotFoundError as error:
        raise _lacks(url, error) from None
    except OSError as error:
        raise StoreError(_words(shown(url), mode, error)) from error
    except Exception as error:
        if (told := _of_library(url, mode, error)) is None:
            raise
        raise told from error


def shown(url: str) -> str:
    """The URL without who signs in."""
    parts = urlsplit(url)
    return f"`{parts._replace(netloc=parts.netloc.rpartition('@')[2], query='').geturl()}`"


def _words(place: str, mode: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no {place}" if mode == "rb" else f"there is no such place as {place}"
    if isinstance(error, PermissionError):
        return f"{place} may not be {'read' if mode == 'rb' else 'written'}"
    if isinstance(error, socket.gaierror):
        return f"the host of {place} is not known"
    if isinstance(error, ConnectionRefusedError):
        return f"the host of {place} refused the connection"
    if isinstance(error, TimeoutError):
        return f"the host of {place} did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of the host of {place} is not to be trusted"
    why = (error.strerror or str(error).partition("\n")[0] or "no reason was given").lower()
    return f"{place} can't be {'read' if mode == 'rb' else 'written'}: {why}"


def _lacks(url: str, error: ModuleNotFoundError) -> StoreError:
    scheme = urlsplit(url).scheme.lower()
    extra = _EXTRAS.get(scheme)
    if extra:
        return StoreError(f"`{scheme}` needs one more package: pip install 'yamldag[{extra}]'", retry=False)
    # fsspec alone knows what a package is called: somebody else's may have the name of the scheme.
    said = error.msg or f"there is no module `{error.name}`"
    return StoreError(f"`{scheme}` needs one more package; fsspec says: {said}", retry=False)


# This machine


@contextmanager
def _file(place: Place, mode: str, _reach: Reach) -> Iterator[BinaryIO]:
    path = path_of(place["url"])
    if mode == "rb":
        with open(path, "rb") as file:
            yield file
        return
    folder, name = os.path.split(path)
    os.makedirs(folder or ".", exist_ok=True)
    part = os.path.join(folder, f".{name}.part")
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part)
        raise


def path_of(url: str) -> str:
    """The path of a `file:` URL."""
    return unquote(urlsplit(url).path)


# The web


@contextmanager
def _web(place: Place, mode: str, reach: Reach) -> Iterator[BinaryIO]:
    import httpx

    from yamldag.executors.request import UselessError, answer, words
    from yamldag.executors.signing import SigningError

    assert mode == "rb"
    asked = answer(place["url"], place.get("headers") or {}, reach, place.get("signing"), place.get("tls"))
    try:
        with asked as response:
            if response.status_code >= 400:
                raise StoreError(
                    f"{shown(place['url'])} answers {response.status_code} {response.reason_phrase}"
                )
            yield cast(BinaryIO, _Stream(response.iter_bytes(1 << 16)))
    except UselessError as error:
        raise StoreError(str(error), retry=False) from None
    except SigningError as error:
        raise StoreError(str(error), retry=error.retry) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError):
        raise StoreError(
            "`from` is no web address that can be asked, or a header can't be sent", retry=False
        ) from None
    except httpx.HTTPError as error:
        raise StoreError(words(error, place["url"])) from None


class _Stream:
    """Bytes that come by themselves, as a file that is read once."""

    closed = False

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._held = b""

    def read(self, size: int = -1) -> bytes:
        pieces, got = [self._held], len(self._held)
        while size < 0 or got < size:
            part = next(self._parts, None)
            if part is None:
                break
            pieces.append(part)
            got += len(part)
        whole = b"".join(pieces)
        size = len(whole) if size < 0 else size
        self._held = whole[size:]
        return whole[:size]

    read1 = read

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        pass


# FTP


@contextmanager
def _ftp(place: Place, mode: str, reach: Reach) -> Iterator[BinaryIO]:
    import ftplib

    parts = urlsplit(place["url"])
    path = _one_line(unquote(parts.path))
    with _signed_in(parts.scheme.lower() == "ftps", parts, place.get("connection") or {}, reach) as ftp:
        if mode == "rb":
            yield from _received(ftp, path)
            return
        folder, _, name = path.rpartition("/")
        part = f"{folder}/.{name}.part"
        try:
            yield from _sent(ftp, part)
        except BaseException:
            with suppress(ftplib.Error, OSError, EOFError):
                ftp.delete(part)
            raise
        ftp.rename(part, path)


def _signed_in(tls: bool, parts: Any, settings: Mapping[str, Any], reach: Reach) -> Any:
    import ftplib

    port = parts.port or 21
    if tls:
        ftp: ftplib.FTP = ftplib.FTP_TLS(timeout=_PATIENCE, context=_certificates(settings))
    else:
        ftp = ftplib.FTP(timeout=_PATIENCE)
    user = unquote(parts.username or str(settings.get("user") or ""))
    password = unquote(parts.password or str(settings.get("password") or ""))
    try:
        ftp.connect(reach.addresses(parts.hostname or "", port)[0], port)
        ftp.host = parts.hostname or ""  # whose certificate it has to be
        ftp.login(user, password)
        if isinstance(ftp, ftplib.FTP_TLS):
            ftp.prot_p()
        ftp.voidcmd("TYPE I")
    except BaseException:
        ftp.close()
        raise
    return ftp


def _certificates(settings: Mapping[str, Any]) -> ssl.SSLContext:
    from yamldag.executors.request import UselessError, own_certificates

    try:
        return own_certificates(web_tls(settings) or {})
    except UselessError as error:
        raise StoreError(str(error), retry=False) from None


def _received(ftp: Any, path: str) -> Iterator[BinaryIO]:
    with ftp.transfercmd(f"RETR {path}") as channel, channel.makefile("rb") as file:
        yield file
        while file.read(1 << 16):  # what was not asked for, so that the server ends well
            pass
    ftp.voidresp()


def _sent(ftp: Any, path: str) -> Iterator[BinaryIO]:
    with ftp.transfercmd(f"STOR {path}") as channel:
        with channel.makefile("wb") as file:
            yield file
        if hasattr(channel, "unwrap"):
            channel.unwrap()
    ftp.voidresp()


def _one_line(path: str) -> str:
    if "\r" in path or "\n" in path:
        raise StoreError("a path of FTP can't hold the end of a line", retry=False)
    return path


# All that fsspec knows


@contextmanager
def _of_fsspec(place: Place, mode: str, reach: Reach) -> Iterator[BinaryIO]:
    system, path = _system(place, reach)
    if mode == "rb":
        with system.open(path, "rb") as file:
            yield file
    else:
        yield from _written(system, path, by_name=urlsplit(place["url"]).scheme.lower() in _BY_PATH)


def _system(place: Place, reach: Reach) -> tuple[Any, str]:
    """The file system of a place, and what the place is called there."""
    parts = urlsplit(place["url"])
    scheme = parts.scheme.lower()
    known(place)
    import fsspec

    try:
        system = fsspec.filesystem(scheme, skip_instance_cache=True, **_settings(place, reach))
    except ImportError as error:
        raise ModuleNotFoundError(error.msg, name=error.name) from None
    except PermissionError:
        raise StoreError(f"the host of {shown(place['url'])} does not let us in") from None
    return system, unquote(parts.path) if scheme in _BY_PATH else place["url"]


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


def _of_library(url: str, mode: str, error: Exception) -> StoreError | None:
    """What a library raised that is no OSError; None: it was none of theirs."""
    library, kind = type(error).__module__.partition(".")[0], type(error).__name__
    where, said = shown(url), str(error).partition("\n")[0]
    if isinstance(error, EOFError):
        return StoreError(f"the host of {where} broke off")
    if library not in _LIBRARIES:
        return None
    if kind == "error_perm" and said[:3] in ("530", "550"):
        missing = f"there is no {where}" if mode == "rb" else f"{where} can't be written"
        return StoreError(missing if said[:3] == "550" else f"the host of {where} does not let us in")
    if kind == "NoCredentialsError":
        return StoreError(f"nothing signs in for {where}: give it a `connection`", retry=False)
    if kind in ("EndpointConnectionError", "ClientConnectorError"):
        return StoreError(f"the host of {where} can't be reached")
    if kind in ("HostKeyNotVerifiable", "KeyExchangeFailed"):
        words = f"the key of the host of {where} is not one that is known: set `host_key`, or `known_hosts`"
        return StoreError(words, retry=False)
    if kind == "PermissionDenied":
        return StoreError(f"the host of {where} does not let us in")
    return StoreError(f"{where}: {said or 'it broke off without a word'}")


def _settings(place: Place, reach: Reach) -> dict[str, Any]:
    parts, given = urlsplit(place["url"]), place.get("connection") or {}
    scheme = parts.scheme.lower()
    if scheme in ("s3", "s3a"):
        return _of_s3(given, reach)
    if scheme in ("sftp", "ssh"):
        return _of_sftp(parts, given, reach)
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


def _of_sftp(parts: Any, given: Mapping[str, Any], reach: Reach) -> dict[str, Any]:
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


_SCHEMES: dict[str, Callable[[Place, str, Reach], AbstractContextManager[BinaryIO]]] = {
    "file": _file,
    "http": _web,
    "https": _web,
    "ftp": _ftp,
    "ftps": _ftp,
}
