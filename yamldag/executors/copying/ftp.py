"""Files of a server that speaks FTP, with TLS or without.

By `ftplib`: what fsspec makes of it connects by itself, past the guard of addresses, and checks no certificates.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

from yamldag.executors.copying.places import Place, StoreError, scheme_of
from yamldag.executors.reach import Reach
from yamldag.operators.connections import web_tls

if TYPE_CHECKING:
    from ftplib import FTP

_PATIENCE = 60.0
"""Seconds without an answer."""


@contextmanager
def opened(place: Place, mode: str, reach: Reach) -> Iterator[BinaryIO]:
    import ftplib

    path = _one_line(unquote(urlsplit(place["url"]).path))
    with _signed_in(place, reach) as ftp:
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


def try_to_sign_in(place: Place, reach: Reach) -> None:
    _signed_in(place, reach).close()


def _signed_in(place: Place, reach: Reach) -> FTP:
    import ftplib

    parts, settings = urlsplit(place["url"]), place.get("connection") or {}
    port = parts.port or 21
    if scheme_of(place) == "ftps":
        ftp: FTP = ftplib.FTP_TLS(timeout=_PATIENCE, context=_certificates(settings))
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


def _received(ftp: FTP, path: str) -> Iterator[BinaryIO]:
    with ftp.transfercmd(f"RETR {path}") as channel, channel.makefile("rb") as file:
        yield file
        while file.read(1 << 16):  # what was not asked for, so that the server ends well
            pass
    ftp.voidresp()


def _sent(ftp: FTP, path: str) -> Iterator[BinaryIO]:
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
