"""Sends the request of an `http` task, and says in words why there is no answer."""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx

_LONGEST = 1 << 20
_CONNECT, _READ = 30.0, 300.0
"""Seconds; the task's `timeout` bounds the whole."""
_SHOWN = 2000
"""Characters of an unexpected answer that go to the log."""


class _UselessError(Exception):
    """An answer that cannot be handed on: why, in words."""


def send(spec: dict[str, Any]) -> dict[str, Any]:
    """The result `{state, output, reason, retry}`."""
    try:
        with _client() as client:
            if spec["stay"]:
                client.event_hooks = {"response": [_stay]}
            return _sent(client, spec)
    except _UselessError as error:
        return _failed(str(error), retry=False)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError):
        words = "the URL, a header or the body is not one that can be sent, or `save_to` is no path"
        return _failed(words, retry=False)
    except (httpx.HTTPError, OSError) as error:
        return _failed(_words(error, spec["url"]), retry=True)


def _sent(client: httpx.Client, spec: dict[str, Any]) -> dict[str, Any]:
    with client.stream(**_arguments(spec)) as response:
        return _answer(response, spec)


def _stay(response: httpx.Response) -> None:
    """What signs in is for the connection's own host: a redirect to another one is not followed."""
    if not response.has_redirect_location:
        return
    there = response.url.join(response.headers["location"])
    if (there.scheme, there.host, there.port) != (response.url.scheme, response.url.host, response.url.port):
        raise _UselessError(f"it redirects to `{there.host}`, which is not the connection's own host")


def reach(url: str, headers: dict[str, str]) -> tuple[int | None, str]:
    """The status that a request for it gets, None without an answer, and words on it."""
    try:
        with _client() as client, client.stream("GET", url, headers=headers) as response:
            return response.status_code, f"it answers {response.status_code} {response.reason_phrase}".strip()
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError):
        return None, "its URL, or a header, is not one that can be sent"
    except (httpx.HTTPError, OSError) as error:
        return None, _words(error, url)


def warm_up() -> None:
    """Read the certificates ahead of the first request."""
    _certificates()


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _client() -> httpx.Client:
    timeout = httpx.Timeout(_READ, connect=_CONNECT)
    headers = {"User-Agent": "yamldag"}
    return httpx.Client(follow_redirects=True, timeout=timeout, headers=headers, verify=_certificates())


def _arguments(spec: dict[str, Any]) -> dict[str, Any]:
    arguments = {"method": spec["method"], "url": spec["url"], "headers": spec["headers"]}
    if spec["query"]:
        arguments["url"] = httpx.URL(spec["url"]).copy_merge_params([tuple(pair) for pair in spec["query"]])
    if "json" in spec:
        arguments["json"] = spec["json"]
    if "body" in spec:
        arguments["content"] = spec["body"].encode()
    return arguments


def _answer(response: httpx.Response, spec: dict[str, Any]) -> dict[str, Any]:
    url = response.url
    status = f"{response.status_code} {response.reason_phrase}".strip()
    print(f"{spec['method']} {url.scheme}://{url.netloc.decode().rpartition('@')[2]}{url.path}: {status}")
    if not _expected(response.status_code, spec["expect"]):
        _show(response)
        return _failed(f"expected {_statuses(spec['expect'])}, found {status}", retry=True)
    body = _save(response, Path(spec["save_to"])) if spec["save_to"] else _body(response)
    headers = {name.lower(): value for name, value in response.headers.items()}
    output = {"status": response.status_code, "headers": headers, "body": body}
    if len(json.dumps(output, ensure_ascii=False).encode(errors="replace")) > _LONGEST:
        raise _UselessError("the answer is longer than 1 MiB: keep it in a file with `save_to`")
    return {"state": "success", "output": output}


def _expected(status: int, expect: list[int] | None) -> bool:
    return status < 400 if expect is None else status in expect


def _statuses(expect: list[int] | None) -> str:
    return "a status below 400" if expect is None else f"status {' or '.join(map(str, expect))}"


def _body(response: httpx.Response) -> Any:
    """A JSON body parsed, any other as text."""
    data = b"".join(_bounded(response))
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if data and (kind == "application/json" or kind.endswith("+json")):
            return json.loads(data, parse_constant=_no_constant)
        text = data.decode(response.charset_encoding or "utf-8")
        text.encode()
    except (ValueError, LookupError, RecursionError):
        raise _UselessError(
            f"the body (`{kind}`) cannot be read as what it is sent as: keep it with `save_to`"
        ) from None
    return text


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _bounded(response: httpx.Response) -> Iterator[bytes]:
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > _LONGEST:
            raise _UselessError("the body is longer than 1 MiB: keep it in a file with `save_to`")
        yield part


def _save(response: httpx.Response, path: Path) -> dict[str, Any]:
    """The file is whole or not there; what it is called is not seen before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            for part in response.iter_bytes():
                file.write(part)
            size = file.tell()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return {"path": str(path), "bytes": size}


def _show(response: httpx.Response) -> None:
    shown = b""
    for part in response.iter_bytes():
        shown += part
        if len(shown) > _SHOWN:
            break
    print(shown[:_SHOWN].decode(errors="replace"))


def _failed(reason: str, *, retry: bool) -> dict[str, Any]:
    return {"state": "failed", "reason": reason, "retry": retry}


def _words(error: BaseException, url: str) -> str:
    where = f"`{httpx.URL(url).host}`"
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"the host {where} is not known"
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return f"the certificate of {where} is not to be trusted"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return f"{where} refused the connection"
    if isinstance(error, httpx.ConnectTimeout):
        return f"{where} did not answer within {_CONNECT:g} seconds"
    if isinstance(error, httpx.TimeoutException):
        return f"{where} sent nothing for {_READ:g} seconds"
    if isinstance(error, httpx.TooManyRedirects):
        return f"{where} redirected too often"
    if isinstance(error, httpx.ConnectError):
        return f"{where} cannot be reached"
    if isinstance(error, OSError) and error.filename:
        return f"`{error.filename}` cannot be written: {(error.strerror or '').lower()}"
    return f"the connection to {where} broke off"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it. httpx nests the system's own errors deep."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
