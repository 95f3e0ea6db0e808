"""A place that a file is in, and what goes wrong there, in words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from yamldag.executors.reach import OutOfReachError
from yamldag.executors.request import wants_certificate

_EXTRAS = {"s3": "s3", "s3a": "s3", "sftp": "sftp", "ssh": "sftp"}
"""The extras of yamldag that bring a scheme."""
_LIBRARIES = ("aiobotocore", "aiohttp", "asyncssh", "botocore", "fsspec", "ftplib", "s3fs")
"""Those whose exceptions are no OSError."""

Place = Mapping[str, Any]
"""`url`, and `connection`: the settings that sign in."""


class StoreError(Exception):
    """Why a file can't be read or written, in words."""

    def __init__(self, words: str, *, retry: bool = True) -> None:
        super().__init__(words)
        self.retry = retry


def scheme_of(place: Place) -> str:
    return urlsplit(place["url"]).scheme.lower()


def shown(url: str) -> str:
    """The URL without who signs in; of a file of this machine the path."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return f"`{unquote(parts.path)}`"
    return f"`{parts._replace(netloc=parts.netloc.rpartition('@')[2], query='').geturl()}`"


@contextmanager
def in_words(url: str, mode: str) -> Iterator[None]:
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
    if isinstance(error, ssl.SSLEOFError) or (isinstance(error, ssl.SSLError) and wants_certificate(error)):
        return f"the host of {place} ended TLS: does it want a certificate of ours, `cert` of the connection?"
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
