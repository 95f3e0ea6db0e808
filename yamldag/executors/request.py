"""Sends the requests of an `http` task, and says in words why there is no answer."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from yamldag.executors.reach import Guided, OutOfReachError, Reach

_LONGEST = 1 << 20
_CONNECT, _READ = 30.0, 300.0
"""Seconds; the task's `timeout` bounds the whole."""
_SHOWN = 2000
"""Characters of an unexpected answer that go to the log."""


_UNKNOWN = re.compile("ALERT_(.*CERTIFICATE|UNKNOWN_CA)")
"""What a server says of our certificate, or for want of one."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""What becomes of a handshake with a server that speaks HTTP."""
_NO_HEAD = (405, 501)
"""What is answered to a HEAD where none is known."""


_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class UselessError(Exception):
    """An answer that cannot be handed on: why, in words."""


class UnmetError(Exception):
    """The answer is not what was expected: why, in words."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


def send(spec: dict[str, Any]) -> dict[str, Any]:
    """The result `{state, output, reason, retry}`."""
    from yamldag.executors.signing import SigningError, signed

    if (wrong := _fault(spec["url"], spec["headers"])) is not None:
        return _failed(wrong, retry=False)
    try:
        with client(Reach(**spec["reach"]), spec.get("tls")) as sender:
            if spec["stay"]:
                _keep(sender)
            auth = signed(sender, spec.get("signing"))
            output = (_pages if "pages" in spec else _one)(sender, spec, auth)
            return {"state": "success", "output": output}
    except UnmetError as error:
        retry_on = spec.get("retry_on")
        return _failed(str(error), retry=retry_on is None or error.status in retry_on)
    except (UselessError, OutOfReachError) as error:
        return _failed(str(error), retry=False)
    except SigningError as error:
        return _failed(str(error), retry=error.retry)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError):
        told = "the URL, a header or the body is not one that can be sent, or `save_to` is no path"
        return _failed(told, retry=False)
    except (httpx.HTTPError, OSError) as error:
        return _failed(words(error, spec["url"]), retry=True)


def _fault(url: str, headers: Mapping[str, str]) -> str | None:
    """What of a request can't be sent, in words. A header's value may be secret."""
    try:
        read = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return "the URL is none that can be read"
    if read.scheme not in ("http", "https"):
        return f"the URL should begin with http:// or https://, found {_found(read.scheme or url)}"
    if not read.host:
        return "the URL has no host"
    if read.port is not None and not 0 < read.port < 65_536:
        return f"the port should be from 1 to 65535, found {read.port}"
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            return f"a header can't be called `{name}`"
        if _CONTROL.search(value):
            return f"the header `{name}` can't hold the end of a line or another control character"
    return None


def _found(written: str) -> str:
    return f"`{written}`" if written else "nothing"


def _stay(response: httpx.Response) -> None:
    """What signs in is for the connection's own host: a redirect to another one is not followed."""
    if not response.has_redirect_location:
        return
    there = response.url.join(response.headers["location"])
    if not _same_host(there, response.url):
        raise UselessError(f"it redirects to `{there.host}`, which is not the connection's own host")


def _same_host(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def reach(
    url: str,
    headers: dict[str, str],
    signing: Mapping[str, Any] | None = None,
    tls: Mapping[str, Any] | None = None,
) -> tuple[int | None, str]:
    """The status that a request for it gets, None without an answer, and words on it.

    It is a HEAD, which changes nothing and has no body, and a GET where none is known; no body is read.
    """
    from yamldag.executors.signing import SigningError

    there = Reach(inner=True)
    if (wrong := _fault(url, headers)) is not None:
        return None, wrong
    try:
        with answer(url, headers, there, signing, tls, method="HEAD") as response:
            status, told = response.status_code, _status(response)
        if status in _NO_HEAD:
            with answer(url, headers, there, signing, tls) as response:
                status, told = response.status_code, _status(response)
    except (OutOfReachError, SigningError, UselessError) as error:
        return None, str(error)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError):
        return None, "its URL, or a header, is not one that can be sent"
    except (httpx.HTTPError, OSError) as error:
        return None, words(error, url)
    return status, f"it answers {told}"


@contextmanager
def answer(
    url: str,
    headers: Mapping[str, str],
    reach: Reach,
    signing: Mapping[str, Any] | None = None,
    tls: Mapping[str, Any] | None = None,
    method: str = "GET",
) -> Iterator[httpx.Response]:
    """The answer, its body unread. Raises httpx.HTTPError, OutOfReachError, SigningError, UselessError."""
    from yamldag.executors.signing import signed

    with client(reach, tls) as sender:
        if headers or signing or tls:
            _keep(sender)
        auth = signed(sender, signing)
        sent = httpx.Headers(dict(headers), encoding="utf-8")
        with sender.stream(method, url, headers=sent, auth=auth) as response:
            yield response


def _keep(sender: httpx.Client) -> None:
    """What signs in stays with the host that it is for."""
    sender.event_hooks = {**sender.event_hooks, "response": [_stay]}


def warm_up() -> None:
    """Read the certificates ahead of the first request."""
    _certificates()


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def client(reach: Reach, tls: Mapping[str, Any] | None = None) -> httpx.Client:
    """What sends requests as far as `reach` lets it, by the environment's proxies. `tls`: `ca`, `cert` and `key`, paths
    of files."""
    return httpx.Client(
        follow_redirects=True,
        timeout=httpx.Timeout(_READ, connect=_CONNECT),
        headers={"User-Agent": "yamldag"},
        transport=Guided(reach, verify=own_certificates(tls) if tls else _certificates()),
    )


def own_certificates(tls: Mapping[str, Any]) -> ssl.SSLContext:
    """Who is trusted, and who we are: `ca`, `cert` and `key`, paths of files. Raises UselessError."""
    with _legible(tls.get("ca")):
        made = ssl.create_default_context(cafile=tls.get("ca"))
    if tls.get("cert"):
        with _legible(tls["cert"], tls.get("key")):
            # No password is asked for: nobody sits there.
            made.load_cert_chain(str(tls["cert"]), tls.get("key"), password="")
    return made


@contextmanager
def _legible(*paths: str | None) -> Iterator[None]:
    """What is read of these files are certificates, and keys. Raises UselessError."""
    given = [path for path in paths if path is not None]
    try:
        yield
    except OSError as error:
        missing = next((path for path in given if not os.path.exists(path)), given[0])
        why = error.strerror
        if isinstance(error, ssl.SSLError):
            why = "it is none" if len(paths) == 1 else "it is none, or has no key that fits"
        raise UselessError(f"the certificate `{missing}` can't be read: {(why or '').lower()}") from None


def _arguments(spec: dict[str, Any]) -> dict[str, Any]:
    headers = httpx.Headers(spec["headers"], encoding="utf-8")
    arguments = {"method": spec["method"], "url": spec["url"], "headers": headers}
    if spec["query"]:
        arguments["url"] = httpx.URL(spec["url"]).copy_merge_params([tuple(pair) for pair in spec["query"]])
    if "json" in spec:
        arguments["json"] = spec["json"]
    if "body" in spec:
        arguments["content"] = spec["body"].encode()
    return arguments


def _one(sender: httpx.Client, spec: dict[str, Any], auth: httpx.Auth | None) -> dict[str, Any]:
    with sender.stream(**_arguments(spec), auth=auth) as response:
        _tell(response, spec["method"])
        _check_status(response, spec["expect"])
        output = _output(
            response, _save(response, Path(spec["save_to"])) if spec["save_to"] else _body(response)
        )
    _check_words(output, spec.get("that"))
    if len(json.dumps(output, ensure_ascii=False).encode(errors="replace")) > _LONGEST:
        raise UselessError("the answer is longer than 1 MiB: keep it in a file with `save_to`")
    return output


def _output(response: httpx.Response, body: Any) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return {"status": response.status_code, "headers": headers, "body": body}


def _tell(response: httpx.Response, method: str) -> None:
    url = response.url
    where = f"{url.scheme}://{url.netloc.decode().rpartition('@')[2]}{url.path}"
    print(f"{method} {where}: {_status(response)}", flush=True)


def _status(response: httpx.Response) -> str:
    return f"{response.status_code} {response.reason_phrase}".strip()


def _check_status(response: httpx.Response, expect: list[int] | None) -> None:
    if not _expected(response.status_code, expect):
        _show(response)
        raise UnmetError(f"expected {_statuses(expect)}, found {_status(response)}", response.status_code)


def _check_words(output: dict[str, Any], that: str | None) -> None:
    """Whether an expression over the answer holds."""
    if that is None:
        return
    from yamldag.plan.expression import TemplateError, condition

    try:
        holds = condition(that, output)
    except TemplateError as error:
        raise UselessError(f"`expect`: {error}") from None
    if not holds:
        raise UnmetError(f"expected `{that}`, which does not hold for the answer", output["status"])


# Pages


def _pages(sender: httpx.Client, spec: dict[str, Any], auth: httpx.Auth | None) -> dict[str, Any]:
    """The items of all pages, in a list or in a file of JSON lines."""
    if spec["save_to"] is None:
        items: list[Any] = []
        size, last = 0, {}
        for page, found in _every(sender, spec, auth):
            last = page
            size += len(json.dumps(found, ensure_ascii=False).encode(errors="replace"))
            if size > _LONGEST:
                raise UselessError(
                    "the items of all pages are longer than 1 MiB: keep them in a file with `save_to`"
                )
            items += found
        return {**last, "body": items}
    count, last = 0, {}
    with _written(Path(spec["save_to"])) as file:
        for page, found in _every(sender, spec, auth):
            last = page
            for item in found:
                file.write(json.dumps(item, ensure_ascii=False).encode(errors="replace") + b"\n")
            count += len(found)
        size = file.tell()
    return {**last, "body": {"path": spec["save_to"], "bytes": size, "items": count}}


def _every(
    sender: httpx.Client, spec: dict[str, Any], auth: httpx.Auth | None
) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Each page and its items."""
    pages, arguments = spec["pages"], _arguments(spec)
    seen = set[str]()
    for _ in range(pages["max"]):
        with sender.stream(**arguments, auth=auth) as response:
            _tell(response, spec["method"])
            _check_status(response, spec["expect"])
            page = _output(response, _body(response))
        _check_words(page, spec.get("that"))
        yield page, _items(page, pages["items"])
        there = _next(response, page, pages["next"], spec)
        if there is None:
            return
        if str(there) in seen:
            raise UselessError(f"the pages go round in a ring: `{there.path}` comes again")
        seen.add(str(there))
        arguments["url"] = there
    raise UselessError(
        f"there are more than {pages['max']} pages: set `max` of `pages`, if so many are wanted"
    )


def _items(page: dict[str, Any], expression: str) -> list[Any]:
    found = _asked("items", expression, page)
    if found is None:
        return []
    if not isinstance(found, list):
        raise UselessError("`items` of `pages` should give a list")
    return found


def _next(
    response: httpx.Response, page: dict[str, Any], expression: str, spec: dict[str, Any]
) -> httpx.URL | None:
    """Where the next page is; None: this was the last. Where the task signs in, it is on the same host."""
    if expression == "link":
        found: Any = response.links.get("next", {}).get("url")
    else:
        found = _asked("next", expression, page)
    if found is None or found == "" or found is False:
        return None
    here = response.url
    if isinstance(found, dict):
        pairs = {
            name: "" if value is None else value if isinstance(value, str) else json.dumps(value)
            for name, value in found.items()
        }
        return here.copy_merge_params(pairs)
    there = here.join(str(found))
    if spec["stay"] and not _same_host(there, here):
        raise UselessError(f"the next page is on `{there.host}`, which is not the connection's own host")
    return there


def _asked(name: str, expression: str, page: dict[str, Any]) -> Any:
    from yamldag.plan.expression import TemplateError, evaluate

    try:
        return evaluate(expression, page)
    except TemplateError as error:
        raise UselessError(f"`{name}` of `pages`: {error}") from None


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
        raise UselessError(
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
            raise UselessError("the body is longer than 1 MiB: keep it in a file with `save_to`")
        yield part


def _save(response: httpx.Response, path: Path) -> dict[str, Any]:
    with _written(path) as file:
        for part in response.iter_bytes():
            file.write(part)
        size = file.tell()
    return {"path": str(path), "bytes": size}


@contextmanager
def _written(path: Path) -> Iterator[Any]:
    """The file is whole or not there; what it is called is not seen before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _show(response: httpx.Response) -> None:
    shown = b""
    for part in response.iter_bytes():
        shown += part
        if len(shown) > _SHOWN:
            break
    print(shown[:_SHOWN].decode(errors="replace"))


def _failed(reason: str, *, retry: bool) -> dict[str, Any]:
    return {"state": "failed", "reason": reason, "retry": retry}


def words(error: BaseException, url: str) -> str:
    where = f"`{httpx.URL(url).host}`"
    causes = list(_causes(error))
    if isinstance(error, httpx.ProxyError):
        return f"the proxy on the way to {where} does not let us through: {error}"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"the host {where} is not known"
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return f"the certificate of {where} is not to be trusted"
    if any(isinstance(cause, ssl.SSLError) and wants_certificate(cause) for cause in causes):
        return f"{where} wants to know who we are by a certificate that it trusts: `cert` of the connection"
    if any(isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS for cause in causes):
        return f"{where} speaks no TLS on this port: is it http:// that is meant?"
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


def wants_certificate(error: ssl.SSLError) -> bool:
    """Whether the other side says that it does not know us."""
    return _UNKNOWN.search(error.reason or "") is not None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it. httpx nests the system's own errors deep."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
